package postgres_test

import (
	"testing"

	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

func TestPostgresRefusals(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	db := databasetest.Open(t, source)
	const (
		table = "CREATE TABLE v (id INT PRIMARY KEY, n INT NOT NULL, c VARCHAR(5) UNIQUE, CONSTRAINT small CHECK (n < 10))"
		rows  = "INSERT INTO v VALUES (1, 1, 'x'), (2, 1, 'y')"
	)
	dropTable := []string{"DROP TABLE v CASCADE"}
	trigger := func(body string) []string {
		return []string{table, rows, "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + "; RETURN new; END $$",
			"CREATE TRIGGER r BEFORE UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f()"}
	}
	view := func(definition string) []string {
		return []string{"CREATE TABLE base (id INT PRIMARY KEY, c VARCHAR(5))", "INSERT INTO base VALUES (1, 'x')", definition}
	}
	dropView := []string{"DROP TABLE base CASCADE"}
	databasetest.WantRefusals(t, db, databasetest.Setup(t, beside), []databasetest.Refusal{
		{Name: "NOT NULL", Script: []string{table}, Drop: dropTable, Operation: "store", Fields: []string{"id", "1"}, Cause: sqlgen.Constraint, Column: "n"},
		{Name: "CHECK", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"n", "11"}, Cause: sqlgen.Constraint, Constraint: "small"},
		{Name: "UNIQUE", Script: []string{table, rows}, Drop: dropTable, Fields: []string{"c", "y"}, Cause: sqlgen.Duplicate, Constraint: "v_c_key"},
		{Name: "a domain", Script: []string{"CREATE DOMAIN low AS int CONSTRAINT limited CHECK (VALUE < 5)", "CREATE TABLE v (id INT, c low)", "INSERT INTO v VALUES (1, 1)"},
			Drop: []string{"DROP TABLE v", "DROP DOMAIN low"}, Fields: []string{"c", "9"}, Cause: sqlgen.Constraint, Constraint: "limited"},
		{Name: "a trigger's own refusal", Script: trigger("RAISE EXCEPTION 'column c of table'"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that divides by zero", Script: trigger("new.n = 1 / 0"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that writes into a table that is gone", Script: trigger("INSERT INTO gone VALUES (1)"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that names a column that is gone", Script: trigger("new.gone = 1"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger that calls a function that is gone", Script: trigger("PERFORM gone(1)"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a trigger without end", Script: trigger("UPDATE v SET n = n WHERE id = new.id"), Drop: dropTable, Cause: sqlgen.Rejected},
		{Name: "a view of a sum", Script: view("CREATE VIEW v AS SELECT id, max(c) AS c FROM base GROUP BY id"), Drop: dropView, Cause: sqlgen.NotWritable},
		{Name: "a column of a view that is an expression", Script: view("CREATE VIEW v AS SELECT id, upper(c) AS c FROM base"), Drop: dropView, Cause: sqlgen.NotWritable},
		{Name: "a row out of a join", Script: view("CREATE VIEW v AS SELECT a.id, b.c FROM base a JOIN base b USING (id)"), Drop: dropView, Operation: "destroy", Cause: sqlgen.NotWritable},
		{Name: "CHECK OPTION", Script: view("CREATE VIEW v AS SELECT id, c FROM base WHERE c = 'x' WITH CHECK OPTION"), Drop: dropView, Cause: sqlgen.Rejected},
		{Name: "a materialized view", Script: view("CREATE MATERIALIZED VIEW v AS SELECT id, c FROM base"), Drop: dropView, Cause: sqlgen.NotWritable},
		{Name: "a materialized view without rows", Script: view("CREATE MATERIALIZED VIEW v AS SELECT id, c FROM base WITH NO DATA"), Drop: dropView, Operation: "multi", Cause: sqlgen.Rejected},
		{Name: "a generated column", Script: []string{"CREATE TABLE v (id INT PRIMARY KEY, c INT GENERATED ALWAYS AS (id) STORED)", "INSERT INTO v (id) VALUES (1)"}, Drop: dropTable,
			Fields: []string{"c", "5"}, Cause: sqlgen.NotWritable},
		{Name: "an identity", Script: []string{"CREATE TABLE v (id INT GENERATED ALWAYS AS IDENTITY, c INT)"}, Drop: dropTable,
			Operation: "store", Fields: []string{"id", "5"}, Cause: sqlgen.NotWritable},
		{Name: "no partition", Script: []string{"CREATE TABLE v (id INT, c INT) PARTITION BY LIST (c)", "CREATE TABLE one PARTITION OF v FOR VALUES IN (1)", "INSERT INTO v VALUES (1, 1)"}, Drop: dropTable,
			Fields: []string{"c", "5"}, Cause: sqlgen.Constraint},
	})
}
