package sqlite_test

import (
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

func TestSQLiteRefusals(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path})
	table := "CREATE TABLE v (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0, c TEXT UNIQUE, CONSTRAINT small CHECK (n < 10))"
	row := "INSERT INTO v VALUES (1, 1, 'x'), (2, 1, 'y')"
	dropTable := []string{"DROP TABLE v"}
	trigger := func(body string) []string {
		return []string{table, row, "CREATE TRIGGER r BEFORE UPDATE ON v BEGIN " + body + "; END"}
	}
	view := func(selected string) []string {
		return []string{"CREATE TABLE base (id INTEGER PRIMARY KEY, c TEXT)", "INSERT INTO base VALUES (1, 'x')", "CREATE VIEW v AS SELECT " + selected + " FROM base"}
	}
	dropView := []string{"DROP VIEW v", "DROP TABLE IF EXISTS base"}
	databasetest.WantRefusals(t, db, databasetest.Setup(t, beside), []databasetest.Refusal{
		{Name: "NOT NULL", Script: []string{"CREATE TABLE v (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"}, Drop: dropTable,
			Operation: "store", Fields: []string{"id", "1"}, Cause: sqlgen.Constraint, Column: "n"},
		{Name: "CHECK", Script: []string{table, row}, Drop: dropTable, Fields: []string{"n", "11"}, Cause: sqlgen.Constraint, Constraint: "small"},
		{Name: "UNIQUE", Script: []string{table, row}, Drop: dropTable, Fields: []string{"c", "y"}, Cause: sqlgen.Duplicate, Constraint: "v.c"},
		{Name: "a trigger's own refusal", Script: trigger("SELECT RAISE(ABORT, 'UNIQUE constraint failed: x')"), Drop: dropTable,
			Cause: sqlgen.Rejected},
		{Name: "a trigger that rolls back", Script: trigger("SELECT RAISE(ROLLBACK, 'no')"), Drop: dropTable,
			Cause: sqlgen.Rejected},
		{Name: "a trigger that writes into a table that is gone", Script: append(trigger("INSERT INTO gone VALUES (1)"), "DROP TABLE IF EXISTS gone"), Drop: dropTable,
			Cause: sqlgen.Rejected},
		{Name: "a view", Script: view("id, c"), Drop: dropView, Cause: sqlgen.NotWritable},
		{Name: "a row into a view", Script: view("id, c"), Drop: dropView, Operation: "store", Fields: []string{"c", "z"}, Cause: sqlgen.NotWritable},
		{Name: "a generated column", Script: []string{"CREATE TABLE v (id INTEGER PRIMARY KEY, g TEXT AS (id || 'x'))"}, Drop: dropTable,
			Operation: "store", Fields: []string{"id", "1", "g", "z"}, Cause: sqlgen.NotWritable},
	})
}
