// Package database is everything about each kind of database: how a DSN of
// dbsep.conf is read, which driver runs it, how its SQL is spelled, how a
// value prints and what an error means. Each kind has one file, and files that
// begin with its name; the how-to for a new one is the comment on kind.
//
// The package decides
//   - what a [Source] means, and which [Problem] makes it unusable;
//   - which tables and columns there are, and their classes;
//   - the text of every value: what the Perl DBI driver printed;
//   - the [sqlgen.Cause] of every error.
//
// It does not know HTTP, the wire format or dbsep.conf.
package database
