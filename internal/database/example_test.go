package database_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"dbsep/internal/database"
	_ "dbsep/internal/database/all"
	"dbsep/internal/database/sqlite"
	"dbsep/sqlgen"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx, file := context.Background(), filepath.Join(dir, "realtime.sqlite3")
	err = sqlite.Create(ctx, file, "CREATE TABLE ps_aors (id TEXT PRIMARY KEY, max_contacts INTEGER); INSERT INTO ps_aors VALUES ('alice', 2)")
	if err != nil {
		fmt.Println(err)
		return
	}

	db, err := database.Open(database.Source{DSN: "DBI:SQLite:dbname=" + file})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	table, err := db.Describe(ctx, "ps_aors")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := sqlgen.Single(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "alice"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = db.Query(ctx, s, func(columns [][]byte) error {
		fmt.Printf("%s: %s contacts\n", columns[0], columns[1])
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: alice: 2 contacts
}

// A mistake in a source says how to fix it.
func ExampleOpen() {
	_, err := database.Open(database.Source{DSN: "DBI:Pg:dbname=asterisk;hostname=db1"})
	fmt.Println(err)
	// Output: dsn: sets "hostname", which PostgreSQL does not have (write host=...)
}
