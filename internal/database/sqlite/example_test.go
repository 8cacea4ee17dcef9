package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"dbsep/internal/database"
	"dbsep/internal/database/sqlite"
	"dbsep/sqlgen"
)

// A database is opened by the DSN of dbsep.conf. Its tables say what requests may name.
func Example() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, file := context.Background(), filepath.Join(folder, "realtime.sqlite3")
	if err := sqlite.Create(ctx, file, "CREATE TABLE voicemail (mailbox TEXT, fullname TEXT); INSERT INTO voicemail VALUES ('100', 'Alice')"); err != nil {
		log.Fatal(err)
	}

	db, err := database.Open(database.Source{DSN: "DBI:SQLite:dbname=" + file})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	table, err := db.Describe(ctx, "voicemail")
	if err != nil {
		log.Fatal(err)
	}
	s, err := sqlgen.Single(db.Dialect(), table, []sqlgen.Field{{Name: "mailbox", Value: "100"}})
	if err != nil {
		log.Fatal(err)
	}
	err = db.Query(ctx, s, func(columns [][]byte) error {
		fmt.Printf("%s: %s\n", columns[0], columns[1])
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 100: Alice
}
