package database_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dbsep/database"
	"dbsep/database/databasetest"
)

// newSQLiteFile makes an empty database and returns its path and a connection
// beside dbsep's.
func newSQLiteFile(t testing.TB) (path string, beside *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "realtime.sqlite3")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	beside, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beside.Close() })
	return path, beside
}

// open opens a source that has to be usable.
func open(t testing.TB, s database.Source) *database.DB {
	t.Helper()
	db, err := database.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func setup(t testing.TB, beside *sql.DB) func(...string) {
	return func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := beside.Exec(text); err != nil {
				t.Fatalf("%.300s: %v", text, err)
			}
		}
	}
}

func TestSQLite(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
		path, beside := newSQLiteFile(t)
		db := open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path, BusyTimeout: time.Second})
		return databasetest.Fixture{
			DB:          db,
			FoldsTables: true,
			Setup:       setup(t, beside),
			Lock: func(string) func() {
				conn, err := beside.Conn(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
					t.Fatal(err)
				}
				return sync.OnceFunc(func() {
					conn.ExecContext(context.Background(), "ROLLBACK")
					conn.Close()
				})
			},
		}
	})
}
