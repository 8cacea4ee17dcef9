// Package pgtest runs a real PostgreSQL server for tests, in a temporary folder
// and once for each test binary. A package whose tests use it has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// and starts the server where it needs it:
//
//	server := pgtest.Start(t)
//	name := server.Database(t)
//
// PostgreSQL does not run as root: then another account runs it.
package pgtest
