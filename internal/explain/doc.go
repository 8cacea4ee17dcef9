// Package explain shows an administrator what becomes of a request: what the gateway reads in
// it, the statement and the database's plan of it, the response and what Asterisk makes of that.
// Nothing is changed.
//
// What a request means is the gateway's matter alone: it handles the request, with a database
// that counts rows where it would change them.
package explain
