package databasetest_test

import (
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	_ "dbsep/internal/database/sqlite" // the driver that the test opens
)

// The package of a database has one test that calls Run. Each subtest gets an empty
// database of its own, and SQL on a connection beside it.
func ExampleRun() {
	_ = func(t *testing.T) {
		databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
			file, beside := databasetest.NewSQLiteFile(t)
			return databasetest.Fixture{
				DB:          databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + file}),
				Setup:       databasetest.Setup(t, beside),
				FoldsTables: true,
				Lock: func(table string) (unlock func()) {
					databasetest.Setup(t, beside)("BEGIN IMMEDIATE")
					return func() { databasetest.Setup(t, beside)("ROLLBACK") }
				},
			}
		})
	}
}
