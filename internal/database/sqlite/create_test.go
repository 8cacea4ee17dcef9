package sqlite_test

import (
	"path/filepath"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/sqlite"
)

func TestSQLiteCreate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "odd ?#%41 name.db")
	const text = "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')"
	if err := sqlite.Create(t.Context(), file, text); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Create(t.Context(), file, text); err == nil {
		t.Error("a file that exists was overwritten")
	}
	db, err := database.Open(database.Source{DSN: "DBI:SQLite:dbname=" + file})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tables, err := db.Tables(t.Context())
	if err != nil || len(tables) != 1 || tables[0] != "t" {
		t.Errorf("got %v, %v", tables, err)
	}
	if err := sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "x.db"), "CREATE TABEL t"); err == nil {
		t.Error("SQL that is wrong was taken")
	}
}
