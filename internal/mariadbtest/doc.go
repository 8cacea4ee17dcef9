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
//
// The environment variable DBSEP_TEST_MYSQL names a Debian root that has MySQL. Where it
// is set, the server is that one: the same tests run on MySQL. e2e/mysql does so.
package mariadbtest
