package database

import (
	"context"

	"dbsep/sqlgen"
)

// Writable reports why the database takes no writes, as far as that can be known without
// one: it is read-only, or its disk is full.
func (db *DB) Writable(ctx context.Context) error {
	if db.driver.CheckWritable != nil {
		if fault := db.driver.CheckWritable(db.address); fault != nil {
			return fault
		}
		return nil
	}
	if db.driver.ReadOnlySQL == "" {
		return nil
	}
	readOnly := false
	err := db.query(ctx, db.writes, sqlgen.Statement{SQL: db.driver.ReadOnlySQL}, func(columns [][]byte) error {
		readOnly = string(columns[0]) == "1"
		return nil
	})
	if err == nil && readOnly {
		return &sqlgen.Fault{Cause: sqlgen.ReadOnly, Hint: "let dbsep connect to a server that takes writes"}
	}
	return err
}
