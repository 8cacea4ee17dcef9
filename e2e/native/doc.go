// Package native compares dbsep with Asterisk's own drivers of ODBC (on MariaDB), PostgreSQL
// and SQLite: one Asterisk sends the same random requests through both, and what it says and
// the rows afterwards have to be equal, but for the differences that docs/differences.md
// lists. Queries for several rows come from a module of the tests' own, realtime_multi:
// those that Asterisk's modules make have conditions that the modules choose.
//
// It needs root, mmdebstrap, MariaDB, PostgreSQL and the build tag e2e. The requests are those
// of one seed. With DBSEP_E2E=full there are more of them, of a new seed, which is printed;
// DBSEP_E2E_SEED is a seed to be used again.
package native
