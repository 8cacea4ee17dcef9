// Package schema makes the tables of Asterisk: as SQL to read, and in a database, where it
// adds what is missing. It never drops or narrows anything.
package schema
