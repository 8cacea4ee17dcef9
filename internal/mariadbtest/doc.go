// Package mariadbtest runs a real MariaDB server for tests, in a temporary
// folder and once for each test binary.
//
// A package whose tests use it has
//
//	func TestMain(m *testing.M) { mariadbtest.Main(m) }
//
// and starts the server where it needs it:
//
//	server := mariadbtest.Start(t)
//	name := server.Database(t)
package mariadbtest
