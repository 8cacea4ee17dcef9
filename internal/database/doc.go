// Package database runs statements: it keeps pools of connections, limits logins,
// tries again where that is safe, and stops sending to a server that is unavailable. Reads of
// one row that wait for each other share a statement, and writes that wait for the only
// connection share a transaction. It knows no particular database: each has a package below
// this one, which registers a [Driver].
//
// The package decides
//   - what a [Source] means, and which [Problem] makes it unusable;
//   - which tables and columns there are, and their classes;
//   - the text of every value: what the Perl DBI driver printed;
//   - the [sqlgen.Cause] of every error.
//
// It does not know HTTP, the wire format or dbsep.conf.
package database
