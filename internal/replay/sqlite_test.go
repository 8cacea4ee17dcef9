package replay

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dbsep/internal/sqlitedriver"

	"dbsep/internal/database"
	"dbsep/internal/testenv"
)

// sqlite copies a prepared file for each use: no program may have a file open
// that is made fresh.
type sqlite struct {
	dir      string
	prepared []byte
	rows     rowSet // of the prepared file
	copies   int
}

func newSQLite(t *testing.T, schema string) fixture {
	t.Helper()
	f := &sqlite{dir: t.TempDir()}
	text := testenv.Script(t, schema)
	db := f.open(t)
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	db.Close()
	prepared, err := os.ReadFile(f.file())
	if err != nil {
		t.Fatal(err)
	}
	f.prepared = prepared
	f.rows = f.read(t)
	return f
}

func (f *sqlite) file() string {
	return filepath.Join(f.dir, fmt.Sprintf("%d.sqlite3", f.copies))
}

func (f *sqlite) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(sqlitedriver.Name, "file:"+f.file())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (f *sqlite) fresh(t *testing.T) database.Source {
	t.Helper()
	_ = os.Remove(f.file())
	f.copies++
	if err := os.WriteFile(f.file(), f.prepared, 0o600); err != nil {
		t.Fatal(err)
	}
	return database.Source{DSN: "DBI:SQLite:dbname=" + f.file()}
}

func (f *sqlite) changes(t *testing.T) []string {
	t.Helper()
	return f.rows.diff(f.read(t))
}

func (f *sqlite) read(t *testing.T) rowSet {
	t.Helper()
	db := f.open(t)
	defer db.Close()
	set := rowSet{}
	for _, name := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`) {
		typed := func(*sql.ColumnType) bool { return false } // the driver knows numbers by their storage class
		table{name, `SELECT ` + untyped(t, db, name) + ` FROM "` + name + `"`, typed}.read(t, db, set)
	}
	return set
}

// untyped lists a table's columns as expressions, from which the driver does
// not make times and truth values.
func untyped(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	var list string
	for _, c := range column(t, db, `SELECT name FROM pragma_table_info(?)`, table) {
		if list != "" {
			list += ", "
		}
		list += `+"` + c + `"`
	}
	return list
}

// column reads the one column of a query.
func column(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}
