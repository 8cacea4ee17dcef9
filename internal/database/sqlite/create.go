package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	"dbsep/internal/database"
)

// Create makes a new SQLite file with the tables and rows of an SQL text.
func Create(ctx context.Context, file, text string) error {
	return makeFile(ctx, file, "BEGIN;"+text+";COMMIT")
}

// makeFile makes a new SQLite file and runs statements there. It is the only way by which
// dbsep ever makes a database; the file must not exist. Only its owner may read it: it
// will hold passwords. The new file keeps its journal as a write-ahead log, so that readers
// and the writer do not wait for each other.
func makeFile(ctx context.Context, file string, statements ...string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("create the file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create the file: %w", err)
	}
	db := sql.OpenDB(newConnector(fileOptions{path: file}.uri(database.DefaultBusyTimeout), nil))
	defer db.Close()
	for _, statement := range append([]string{"PRAGMA journal_mode=WAL"}, statements...) {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fill the new file: %w", err)
		}
	}
	return nil
}
