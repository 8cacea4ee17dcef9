package database_test

import (
	"fmt"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
)

func TestSQLiteRowLimit(t *testing.T) {
	file, beside := databasetest.NewSQLiteFile(t)
	databasetest.RowLimit(t, database.Source{DSN: "DBI:SQLite:dbname=" + file}, databasetest.Setup(t, beside), "TEXT", "BLOB", func(n int) string {
		return fmt.Sprintf("substr(replace(hex(zeroblob(%d)), '0', 'x'), 1, %d)", (n+1)/2, n)
	})
}

func TestMariaDBRowLimit(t *testing.T) {
	for name, options := range map[string]string{"plain": "", "TLS": ";mysql_ssl=1"} {
		t.Run(name, func(t *testing.T) {
			source, beside := databasetest.NewMariaDB(t)
			source.DSN += options
			databasetest.RowLimit(t, source, databasetest.Setup(t, beside), "LONGTEXT", "LONGBLOB", func(n int) string { return fmt.Sprintf("repeat('x', %d)", n) })
		})
	}
}

func TestPostgresRowLimit(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.RowLimit(t, source, databasetest.Setup(t, beside), "TEXT", "BYTEA", func(n int) string { return fmt.Sprintf("repeat('x', %d)", n) })
}
