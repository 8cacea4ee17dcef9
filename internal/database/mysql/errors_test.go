package mysql_test

import (
	"testing"

	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/sqlgen"
)

func TestMariaDBRefusals(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	beside.SetMaxOpenConns(1)
	db := databasetest.Open(t, source)
	const (
		table = "CREATE TABLE v (id INT PRIMARY KEY, n INT NOT NULL, c VARCHAR(5) UNIQUE, CONSTRAINT small CHECK (n < 10))"
		rows  = "INSERT INTO v VALUES (1, 1, 'x'), (2, 1, 'y')"
	)
	dropTable := []string{"DROP TABLE v"}
	expression := "" // the column that the refusal of a row with an expression names
	if mariadbtest.Start(t).MySQL {
		expression = "c"
	}
	trigger := func(body string) []string {
		return []string{table, rows, "CREATE TRIGGER r BEFORE UPDATE ON v FOR EACH ROW " + body}
	}
	view := func(definition string) []string {
		return []string{"CREATE TABLE base (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0, c VARCHAR(5))", "INSERT INTO base (id, c) VALUES (1, 'x')", definition}
	}
	dropView := []string{"DROP VIEW v", "DROP TABLE IF EXISTS base"}
	databasetest.WantRefusals(t, db, databasetest.Setup(t, beside), []databasetest.Refusal{
		{Name: "NOT NULL without a default", Script: []string{table}, Drop: dropTable, Operation: "store", Fields: []string{"id", "1"}, Cause: sqlgen.Constraint, Column: "n"},
		{Name: "CHECK", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"n", "11"}, Cause: sqlgen.Constraint, Constraint: "small"},
		{Name: "UNIQUE", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"c", "y"}, Cause: sqlgen.Duplicate, Constraint: "c"},
		{Name: "a key in a value", Script: []string{"CREATE TABLE v (id INT PRIMARY KEY, c VARCHAR(30) UNIQUE)", "INSERT INTO v VALUES (1, 'x'), (2, 'for key ''y''')"}, Drop: dropTable,
			Fields: []string{"c", "for key 'y'"}, Cause: sqlgen.Duplicate, Constraint: "c"},
		{Name: "a foreign key", Script: []string{"CREATE TABLE base (id INT PRIMARY KEY)", "CREATE TABLE v (id INT, c INT, CONSTRAINT parent FOREIGN KEY (c) REFERENCES base (id))", "INSERT INTO v VALUES (1, NULL)"},
			Drop: []string{"DROP TABLE v", "DROP TABLE base"}, Fields: []string{"c", "7"}, Cause: sqlgen.Constraint, Constraint: "parent"},
		{Name: "a value too long", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"c", "abcdef"}, Cause: sqlgen.BadValue, Column: "c"},
		{Name: "a value of another class, with a name in it", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"n", "for column `c`"}, Cause: sqlgen.BadValue, Column: "n"},
		{Name: "a number too large", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"n", "99999999999"}, Cause: sqlgen.BadValue, Column: "n"},
		{Name: "a signal", Script: trigger("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'for column `c`'"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that changes its own table", Script: trigger("UPDATE v SET n = 3"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that writes into a table that is gone", Script: trigger("INSERT INTO gone VALUES (1)"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that calls a procedure that is gone", Script: trigger("CALL gone()"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger whose definer is gone", Script: []string{table, rows, "CREATE DEFINER = nobody@localhost TRIGGER r BEFORE UPDATE ON v FOR EACH ROW SET new.n = 3"},
			Drop: dropTable, Cause: sqlgen.Denied},
		{Name: "a view of a sum", Script: view("CREATE VIEW v AS SELECT id, max(c) c FROM base GROUP BY id"), Drop: dropView, Cause: sqlgen.NotWritable},
		{Name: "a column of a view that is an expression", Script: view("CREATE VIEW v AS SELECT id, upper(c) c FROM base"), Drop: dropView, Cause: sqlgen.NotWritable, Column: "c"},
		{Name: "a row into a view that is an expression", Script: view("CREATE VIEW v AS SELECT id, upper(c) c FROM base"), Drop: dropView, Operation: "store", Fields: []string{"id", "5", "c", "x"}, Cause: sqlgen.NotWritable, Column: expression},
		{Name: "a row out of a join", Script: view("CREATE VIEW v AS SELECT a.id, b.c FROM base a JOIN base b USING (id)"), Drop: dropView, Operation: "destroy", Cause: sqlgen.NotWritable},
		{Name: "a row into two tables", Script: view("CREATE VIEW v AS SELECT a.id, b.c FROM base a JOIN base b USING (id)"), Drop: dropView, Operation: "store", Fields: []string{"id", "5", "c", "x"}, Cause: sqlgen.NotWritable},
		{Name: "CHECK OPTION", Script: view("CREATE VIEW v AS SELECT id, c FROM base WHERE c = 'x' WITH CHECK OPTION"), Drop: dropView, Cause: sqlgen.Rejected},
		{Name: "a generated column", Script: []string{"CREATE TABLE v (id INT PRIMARY KEY, c VARCHAR(5) AS (id) VIRTUAL)", "INSERT INTO v (id) VALUES (1)"}, Drop: dropTable,
			Cause: sqlgen.NotWritable, Column: "c"},
		{Name: "no partition", Script: []string{"CREATE TABLE v (id INT, c INT) PARTITION BY LIST (c) (PARTITION one VALUES IN (1))", "INSERT INTO v VALUES (1, 1)"}, Drop: dropTable,
			Fields: []string{"c", "5"}, Cause: sqlgen.Constraint},
		{Name: "a view whose definer is gone", Script: view("CREATE DEFINER = nobody@localhost SQL SECURITY DEFINER VIEW v AS SELECT id, c FROM base"), Drop: dropView, Operation: "multi", Cause: sqlgen.Denied},
	})
}
