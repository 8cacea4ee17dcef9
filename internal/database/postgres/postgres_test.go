package postgres_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

func TestPostgres(t *testing.T) { databasetest.Run(t, openFixture) }

func TestPostgresReadsThatWait(t *testing.T) { databasetest.RunBatches(t, openFixture) }

func openFixture(t *testing.T) databasetest.Fixture {
	source, beside := databasetest.NewPostgres(t)
	return databasetest.PostgresFixture(t, databasetest.Open(t, source), beside)
}

// A pooler that changes the connection with every transaction makes no
// difference. Each subtest has its own: pgbouncer 1.18 ends itself when a
// statement is canceled (its issue 822).
func TestPostgresBehindAPooler(t *testing.T) {
	server := pgtest.Start(t)
	open := func(t *testing.T) databasetest.Fixture {
		source, beside := databasetest.NewPostgres(t)
		port := server.Pooler(t)
		source.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", databasetest.DatabaseOf(source), server.Host, port)
		source.Schema = "public" // no pooler would take a search_path
		source.ServerPrepare = true
		// A request to cancel that comes before the pooler has passed on the statement is lost.
		databasetest.Setup(t, beside)(fmt.Sprintf(`ALTER DATABASE "%s" SET client_connection_check_interval = '1s'`, databasetest.DatabaseOf(source)))
		f := databasetest.PostgresFixture(t, databasetest.Open(t, source), beside)
		f.AtOnce = 3
		return f
	}
	databasetest.Run(t, open)
	databasetest.RunBatches(t, open)
}

// A source that is read-only takes plans of writes, and leaves nothing on the connection of a
// pooler that others use next.
func TestReadOnlyBehindAPooler(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	server := pgtest.Start(t)
	source.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", databasetest.DatabaseOf(source), server.Host, server.Pooler(t))
	source.Schema, source.MaxConnections = "public", 1
	databasetest.Setup(t, beside)("CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)", "INSERT INTO t VALUES (1, 'a')")
	others := databasetest.Open(t, source)
	source.ReadOnly = true
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	update, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}}, []sqlgen.Field{{Name: "c", Value: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if p, err := db.Plan(t.Context(), update, true); err != nil || len(p.Lines) == 0 {
			t.Errorf("the plan is %q, %v", p.Lines, err)
		}
		if n, err := db.Exec(t.Context(), update); databasetest.CauseOf(err) != sqlgen.ReadOnly {
			t.Errorf("%d rows, %v", n, err)
		}
		if n, err := others.Exec(t.Context(), update); n != 1 || err != nil {
			t.Errorf("for others: %d rows, %v", n, err)
		}
	}
}

// Each text was read with DBD::Pg 3.16 from PostgreSQL 15 as well, but for
// arrays, of which the Perl script printed the address.
func TestPostgresValuesPrintAsPerlPrintedThem(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	run := databasetest.Setup(t, beside)
	run("CREATE TYPE yesno AS ENUM ('yes', 'no')", "CREATE DOMAIN flag AS boolean", "CREATE DOMAIN port AS integer CHECK (VALUE > 0)")
	db := databasetest.Open(t, source)
	for _, c := range []struct{ typ, value, want string }{
		{"smallint", "-5", "-5"},
		{"bigint", "9223372036854775807", "9223372036854775807"},
		{"numeric(12,4)", "1234.5", "1234.5000"},
		{"numeric", "123456789012345678901234567890.5", "123456789012345678901234567890.5"},
		{"numeric", "'NaN'", "NaN"},
		{"real", "0.1", "0.1"},
		{"real", "0.333333333", "0.33333334"},
		{"real", "16777217", "16777216"},
		{"real", "1234567", "1234567"},
		{"real", "1e20", "1e+20"},
		{"real", "1e-7", "1e-07"},
		{"real", "'Infinity'", "Inf"},
		{"real", "'-Infinity'", "-Inf"},
		{"double precision", "0.1::float8 + 0.2::float8", "0.3"},
		{"double precision", "1e15", "1e+15"},
		{"double precision", "123456789.12345679", "123456789.123457"},
		{"double precision", "'NaN'", "NaN"},
		{"double precision", "-0.0", "0"},
		{"boolean", "true", "1"},
		{"boolean", "false", "0"},
		{"flag", "true", "1"},
		{"port", "5060", "5060"},
		{"char(5)", "'ab'", "ab   "},
		{"varchar(5)", "'ab '", "ab "},
		{`"char"`, "'x'", "x"},
		{"name", "'x y'", "x y"},
		{"bytea", `'\x0001ff3b41'`, "\x00\x01\xff;A"},
		{"bytea", `''`, ""},
		{"date", "'2024-02-29'", "2024-02-29"},
		{"date", "'0044-03-15 BC'", "0044-03-15 BC"},
		{"date", "'infinity'", "infinity"},
		{"time", "'23:59:59'", "23:59:59"},
		{"time(3)", "'12:00:00.5'", "12:00:00.5"},
		{"timetz", "'12:00:00+02'", "12:00:00+02"},
		{"timestamp", "'2024-02-29 12:34:56.120'", "2024-02-29 12:34:56.12"},
		{"timestamptz", "'2024-02-29 12:34:56+02'", "2024-02-29 10:34:56+00"},
		{"interval", "'1 day 2 hours'", "1 day 02:00:00"},
		{"yesno", "'yes'", "yes"},
		{"bit(8)", "B'00000101'", "00000101"},
		{"varbit", "B'101'", "101"},
		{"json", `'{"a":  1.0}'`, `{"a":  1.0}`},
		{"jsonb", `'{"a":  1.0}'`, `{"a": 1.0}`},
		{"uuid", "'123E4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"},
		{"inet", "'10.0.0.1'", "10.0.0.1"},
		{"cidr", "'10.0.0.0/8'", "10.0.0.0/8"},
		{"macaddr", "'08-00-2b-01-02-03'", "08:00:2b:01:02:03"},
		{"money", "'1234.5'", "$1,234.50"},
		{"int4range", "'[1,5)'", "[1,5)"},
		{"text[]", `'{a,"b c"}'`, `{a,"b c"}`},
		{"boolean[]", `'{t,f}'`, `{t,f}`},
		{"xml", `'<a/>'`, `<a/>`},
		{"oid", "4294967295", "4294967295"},
	} {
		run("DROP TABLE IF EXISTS v", "CREATE TABLE v (id INT, c "+c.typ+")", "INSERT INTO v VALUES (1, "+c.value+")")
		if got := databasetest.ReadColumn(t, db); got != c.want {
			t.Errorf("%s %s prints as %q, want %q", c.typ, c.value, got, c.want)
		}
	}
}

// Every type of PostgreSQL's own can be that of the column that orders rows.
func TestPostgresSortsEveryType(t *testing.T) {
	server := pgtest.Start(t)
	source, beside := databasetest.NewPostgres(t)
	var types []string
	rows, err := server.Open(t, databasetest.DatabaseOf(source)).QueryContext(t.Context(), `
		SELECT pg_catalog.format_type(oid, NULL) FROM pg_catalog.pg_type t
		WHERE typtype IN ('b', 'r') AND typnamespace = 'pg_catalog'::regnamespace AND typname NOT LIKE 'pg\_%'
		  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typtype IN ('c', 'p'))
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		types = append(types, fmt.Sprintf("c%d %s", len(types), name))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	databasetest.Setup(t, beside)("CREATE TABLE v (" + strings.Join(types, ", ") + ")")
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "v")
	if err != nil || len(table.Columns) < 50 {
		t.Fatalf("%d columns, %v", len(table.Columns), err)
	}
	for i := range table.Columns {
		c := &table.Columns[i]
		for way, order := range map[string]*sqlgen.Column{"LIKE": c, "another column's LIKE": &table.Columns[0]} {
			s, err := sqlgen.MultiBy(db.Dialect(), table, []sqlgen.Field{{Name: c.Name + " LIKE", Value: "x%"}}, order)
			if err == nil {
				err = db.Query(t.Context(), s, func([][]byte) error { return nil })
			}
			if err != nil {
				t.Errorf("%s by %s: %v: %v", c.Type, way, err, errors.Unwrap(err))
			}
		}
	}
}

func TestPostgresReadsBytesInEitherOutput(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c bytea)", `INSERT INTO v VALUES (1, '\x005c5c78ff41')`, "SET bytea_output = 'escape'")
	for _, output := range []string{"escape", "hex"} {
		s := source
		s.DSN += ";options='-c bytea_output=" + output + "'"
		if got := databasetest.ReadColumn(t, databasetest.Open(t, s)); got != "\x00\\\\x\xffA" {
			t.Errorf("bytea_output=%s: %q", output, got)
		}
	}
}

func TestPostgresClasses(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	run := databasetest.Setup(t, beside)
	run("CREATE TYPE yesno AS ENUM ('yes', 'no')", "CREATE DOMAIN label AS varchar(12) NOT NULL")
	db := databasetest.Open(t, source)
	for _, c := range []struct {
		typ      string
		class    sqlgen.Class
		size     int
		nullable bool
	}{
		{"smallint", sqlgen.Integer, 2, true},
		{"serial", sqlgen.Integer, 4, false},
		{"bigint", sqlgen.Integer, 8, true},
		{"numeric(10,2)", sqlgen.Decimal, 0, true},
		{"real", sqlgen.Float, 0, true},
		{"float8 NOT NULL", sqlgen.Float, 0, false},
		{"boolean", sqlgen.Boolean, 0, true},
		{"varchar(80)", sqlgen.Text, 80, true},
		{"varchar", sqlgen.Text, 0, true},
		{"char(3)", sqlgen.Text, 3, true},
		{"text", sqlgen.Text, 0, true},
		{"label", sqlgen.Text, 12, false},
		{"date", sqlgen.Date, 0, true},
		{"timestamp(3)", sqlgen.DateTime, 23, true},
		{"timestamptz(0)", sqlgen.DateTime, 19, true},
		{"timestamptz", sqlgen.DateTime, 0, true},
		{"time(3)", sqlgen.Time, 0, true},
		{"interval", sqlgen.Time, 0, true},
		{"bytea", sqlgen.Binary, 0, true},
		{"yesno", sqlgen.Other, 0, true},
		{"uuid", sqlgen.Other, 0, true},
		{"json", sqlgen.Other, 0, true},
		{"varchar(5)[]", sqlgen.Other, 0, true},
		{"bit(8)", sqlgen.Other, 0, true},
	} {
		run("DROP TABLE IF EXISTS v", "CREATE TABLE v (c "+c.typ+")")
		table, err := db.Describe(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		got := table.Columns[0]
		if got.Class != c.class || got.Size != c.size || got.Nullable != c.nullable {
			t.Errorf("%s is %s, size %d, nullable %v", c.typ, got.Class, got.Size, got.Nullable)
		}
	}
}

// Changes that no other database has, or spells differently.
func TestPostgresChangedTable(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.WantChanges(t, databasetest.Open(t, source), databasetest.Setup(t, beside), [][2]string{
		{"CREATE DOMAIN label AS varchar(40); CREATE TABLE peers (id integer, a varchar(40), b label)", "id integer null, a character varying(40) null, b character varying(40) null"},
		{"ALTER TABLE peers ALTER a TYPE integer USING NULL", "id integer null, a integer null, b character varying(40) null"},
		{"ALTER TABLE peers ALTER a SET NOT NULL", "id integer null, a integer, b character varying(40) null"},
		{"ALTER DOMAIN label SET NOT NULL", "id integer null, a integer, b character varying(40)"},
		{"BEGIN; ALTER TABLE peers DROP b; ALTER TABLE peers ADD b text; COMMIT", "id integer null, a integer, b text null"},
		{"VACUUM FULL pg_attribute", "id integer null, a integer, b text null"},
		{"ALTER TABLE peers RENAME TO base; CREATE VIEW peers AS SELECT b FROM base", "b text null"},
		{"CREATE OR REPLACE VIEW peers AS SELECT b, id FROM base", "b text null, id integer null"},
		{"DROP VIEW peers; CREATE SCHEMA other; CREATE TABLE public.peers (c date)", "c date null"},
	})
}

// conditionsFind runs multi on the table v and returns the ids that it finds.
func conditionsFind(t *testing.T, db *database.DB, name, value string) (string, error) {
	t.Helper()
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "id >", Value: "0"}, {Name: name, Value: value}})
	if err != nil {
		return "", err
	}
	var ids []string
	err = db.Query(t.Context(), s, func(columns [][]byte) error {
		ids = append(ids, string(columns[0]))
		return nil
	})
	return strings.Join(ids, " "), err
}

func TestPostgresTakesEveryValueAsALiteral(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TYPE yesno AS ENUM ('yes', 'no')",
		`CREATE TABLE v (id integer, n numeric(10,2), b boolean, d date, ts timestamp, e yesno, u uuid, i inet, y bytea, c char(5), j json)`,
		`INSERT INTO v VALUES (1, 1.5, true, '2024-02-29', '2024-02-29 12:00', 'yes', '123e4567-e89b-12d3-a456-426655440000', '10.0.0.1', '\x00ff5c41', 'ab', '{}')`,
		`INSERT INTO v VALUES (2, 2, false, '2024-03-01', '2024-03-01 12:00', 'no', NULL, '10.0.0.2', 'abc', 'abc', NULL)`)
	db := databasetest.Open(t, source)
	for _, c := range []struct{ name, value, want string }{
		{"id", "1", "1"}, {"id", " 2 ", "2"}, {"id !=", "1", "2"}, {"id LIKE", "_", "1 2"},
		{"n", "1.5", "1"}, {"n >=", "1.50", "1 2"}, {"n LIKE", "1.50", "1"},
		{"b", "1", "1"}, {"b", "yes", "1"}, {"b", "f", "2"}, {"b LIKE", "1", "1"}, {"b LIKE", "0", "2"},
		{"d", "2024-02-29", "1"}, {"d >", "2024-02-29", "2"}, {"d LIKE", "2024-03%", "2"},
		{"ts <", "2024-03-01", "1"}, {"ts", "2024-02-29T12:00:00", "1"},
		{"e", "yes", "1"}, {"e LIKE", "n%", "2"},
		{"u", "123E4567-E89B-12D3-A456-426655440000", "1"}, {"u LIKE", "123e%", "1"},
		{"i", "10.0.0.2", "2"}, {"i LIKE", "10.%", "1 2"},
		{"y", "\x00\xff\\A", "1"}, {"y", "abc", "2"}, {"y LIKE", "a%", "2"}, {"y LIKE", "%\\\\A", "1"}, {"y LIKE", "\x00%", "1"},
		{"c", "ab", "1"}, {"c LIKE", "ab%", "1 2"}, {"j LIKE", "{%", "1"},

		// What a column cannot hold equals nothing.
		{"id", "x", ""}, {"id <", "99999999999", "1 2"}, {"b", "perhaps", ""}, {"d", "soon", ""}, {"e", "maybe", ""}, {"u", "u", ""},
		{"c", "\xff", ""}, {"c LIKE", "\xff%", ""}, {"i", "10.0.0.x", ""}, {"d", "tomorrow", ""}, {"n", "0x1", ""},
	} {
		if got, err := conditionsFind(t, db, c.name, c.value); got != c.want || err != nil {
			t.Errorf("%s %q finds %q, want %q: %v, %v", c.name, c.value, got, c.want, err, errors.Unwrap(err))
		}
	}
	for name, c := range map[string]struct {
		value string
		want  sqlgen.Cause
	}{
		"id >": {"x", sqlgen.BadValue}, "b !=": {"perhaps", sqlgen.BadValue}, "d <": {"soon", sqlgen.BadValue}, "e >=": {"maybe", sqlgen.BadValue},
		"u !=": {"u", sqlgen.BadValue}, "c !=": {"\xff", sqlgen.BadValue}, "c NOT LIKE": {"\xff", sqlgen.BadValue}, "j": {"{}", sqlgen.UnknownOperator},
	} {
		_, err := conditionsFind(t, db, name, c.value)
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != c.want {
			t.Errorf("%s %q: %v, %v", name, c.value, err, errors.Unwrap(err))
		}
	}
}

// PostgreSQL 16 made numbers of what was an error before.
func TestPostgresTakesDecimalNumbersOnly(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id integer, n numeric(10,2), b bigint, s smallint, note text)", "INSERT INTO v VALUES (1, 1, 1, 1, '0x1')")
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	wantBadValue := func(what string, err error) {
		t.Helper()
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != sqlgen.BadValue {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, value := range []string{"0x1", "0X1", "-0x1", " 0x1", "0o1", "0O1", "0b1", "0B1", "1_0", "0_1"} {
		for _, column := range []string{"id", "n", "b", "s"} {
			if found, err := conditionsFind(t, db, column, value); found != "" || err != nil {
				t.Errorf("%s = %s finds %q, %v", column, value, found, err)
			}
			_, err := conditionsFind(t, db, column+" >=", value)
			wantBadValue(column+" >= "+value, err)
			s, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "note", Value: "0x1"}}, []sqlgen.Field{{Name: column, Value: value}})
			if err == nil {
				_, err = db.Exec(t.Context(), s)
			}
			wantBadValue(column+" is set to "+value, err)
		}
	}
	for name, value := range map[string]string{"note": "0x1", "id LIKE": "1_", "id": "+1", "n": "1e0", "b": " 01 "} {
		want := "1"
		if name == "id LIKE" {
			want = ""
		}
		if got, err := conditionsFind(t, db, name, value); got != want || err != nil {
			t.Errorf("%s %q finds %q, want %q: %v", name, value, got, want, err)
		}
	}
}

// Types whose values are texts to a client are sorted as texts, whether or not
// PostgreSQL has an order or a collation for them.
func TestPostgresSortsStaticByBytesWhateverTheType(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	run := databasetest.Setup(t, beside)
	run("CREATE TYPE word AS ENUM ('zz', '_x', 'Abc', 'abc')", `CREATE DOMAIN name_of AS varchar(20) COLLATE "und-x-icu"`)
	db := databasetest.Open(t, source)
	for typ, want := range map[string]string{
		"word":    "Abc _x abc zz",
		"name_of": "Abc _x abc zz",
		`"char"`:  "A _ a z",
		"name":    "Abc _x abc zz",
		"text":    "Abc _x abc zz",
		"json":    `"Abc" "_x" "abc" "zz"`,
		"jsonb":   `"Abc" "_x" "abc" "zz"`,
		"xml":     "Abc _x abc zz",
		"inet":    "10.0.0.1 10.0.0.10 10.0.0.9",
		"uuid":    "00000000-0000-0000-0000-000000000001 a0000000-0000-0000-0000-000000000000",
		"text[]":  "{Abc} {_x} {abc} {zz}",
	} {
		databasetest.WantStaticOrder(t, db, run, typ, want)
	}
}

// Values with different keys are different in each collation and type that has keys.
func TestPostgresKeysFollowTheCollation(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	run := databasetest.Setup(t, beside)
	run(`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`,
		`CREATE DOMAIN name_of AS varchar(20)`, `CREATE DOMAIN loose_name AS varchar(20) COLLATE loose`)
	db := databasetest.Open(t, source)
	for typ, keys := range map[string]bool{
		"text": true, "varchar(20)": true, "char(20)": true, "name_of": true,
		`text COLLATE "C"`: true, `text COLLATE "POSIX"`: true, `text COLLATE "und-x-icu"`: false,
		"text COLLATE loose": false, "loose_name": false, "name": false, "bytea": false,
	} {
		databasetest.WantKeys(t, db, run, typ, keys, databasetest.ASCIITexts()...)
		if typ != "bytea" {
			databasetest.WantBatchedAsSingle(t, db, run, typ, 1000)
		}
	}
	for _, typ := range []string{"smallint", "integer", "bigint"} {
		databasetest.WantKeys(t, db, run, typ, true, "1", "12", "123")
	}
	databasetest.WantKeys(t, db, run, `"char"`, false, "a", "ab") // only the first letter counts
	databasetest.WantKeys(t, db, run, "uuid", false, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A11")
	databasetest.WantKeys(t, db, run, "inet", false, "10.0.0.1", "10.0.0.1/32")
	databasetest.WantKeys(t, db, run, "macaddr", false, "08:00:2b:01:02:03", "08002b010203")
	databasetest.WantKeys(t, db, run, "boolean", false, "true", "t")
	databasetest.WantKeys(t, db, run, "date", false, "2026-01-02", "January 2, 2026")
}

func TestPostgresEscapesWithBackslashUnderEverySetting(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c VARCHAR(10))", "INSERT INTO v VALUES (1, '_X.'), (2, 'xX.')")
	for _, setting := range []string{"on", "off"} {
		s := source
		s.DSN += ";options='-c standard_conforming_strings=" + setting + "'"
		if got, err := conditionsFind(t, databasetest.Open(t, s), "c LIKE", `\_%`); got != "1" || err != nil {
			t.Errorf("standard_conforming_strings=%s: %q, %v", setting, got, err)
		}
	}
}

func TestPostgresFindsTablesWhereTheSearchPathLeads(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	var base string
	if err := beside.QueryRow("SELECT current_database()").Scan(&base); err != nil {
		t.Fatal(err)
	}
	databasetest.Setup(t, beside)("CREATE SCHEMA voice", `CREATE SCHEMA "Odd ""name"`,
		"CREATE TABLE public.both (here integer)", "CREATE TABLE voice.both (there integer)", `CREATE TABLE "Odd ""name".both (elsewhere integer)`,
		"CREATE TABLE voice.only (id integer)", "CREATE TABLE public.pg_stat (id integer)",
		"INSERT INTO public.both VALUES (1)", "INSERT INTO voice.both VALUES (1)", `INSERT INTO "Odd ""name".both VALUES (1)`)
	for what, c := range map[string]struct {
		dsn, schema, tables, column string
	}{
		"by default":                        {"", "", "both pg_stat", "here"},
		"dbschema":                          {"", "voice", "both only", "there"},
		"dbschema with an odd name":         {"", `Odd "name`, "both", "elsewhere"},
		"dbschema that is not there":        {"", "nosuch", "", ""},
		"dbschema of the server":            {"", "pg_catalog", "", ""},
		"dbschema with the database's name": {"", base, "both pg_stat", "here"},
		"a search_path":                     {";options='-c search_path=voice,public'", "", "both only pg_stat", "there"},
		"a search_path and dbschema":        {";options='-c search_path=voice,public'", "public", "both pg_stat", "here"},
		"a search_path of catalogs":         {";options='-c search_path=pg_catalog,information_schema'", "", "", ""},
	} {
		s := source
		s.DSN, s.Schema = s.DSN+c.dsn, c.schema
		db := databasetest.Open(t, s)
		tables, err := db.Tables(t.Context())
		if got := strings.Join(tables, " "); got != c.tables || err != nil {
			t.Errorf("%s: tables are %q, want %q: %v", what, got, c.tables, err)
		}
		for _, name := range []string{"pg_class", "pg_authid", "tables", "columns"} {
			if _, err := db.Describe(t.Context(), name); err == nil {
				t.Errorf("%s: %s is a table", what, name)
			}
		}
		table, err := db.Describe(t.Context(), "BOTH")
		if c.column == "" {
			if err == nil {
				t.Errorf("%s: found %v", what, table)
			}
			continue
		}
		if err != nil || table.Columns[0].Name != c.column {
			t.Errorf("%s: %v, %v", what, table, err)
			continue
		}
		update, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: c.column, Value: "1"}}, []sqlgen.Field{{Name: c.column, Value: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Exec(t.Context(), update); n != 1 || err != nil {
			t.Errorf("%s: %d rows, %v, %v", what, n, err, errors.Unwrap(err))
		}
	}
}

// The account's own settings and the database's count, with a pooler in between, too.
func TestPostgresTakesTheSearchPathOfTheAccount(t *testing.T) {
	for name, alter := range map[string]string{"of the account": "ALTER ROLE %s IN DATABASE %s", "of the database": "ALTER DATABASE %[2]s"} {
		t.Run(name, func(t *testing.T) {
			server := pgtest.Start(t)
			source, beside := databasetest.NewPostgres(t)
			base := databasetest.DatabaseOf(source)
			databasetest.Setup(t, beside)("CREATE SCHEMA voice", "CREATE SCHEMA queue", "CREATE TABLE voice.ps_aors (id text)", "CREATE TABLE queue.queue_log (id text)",
				"CREATE TABLE public.cdr (id text)", "CREATE TABLE public.ps_aors (other text)", fmt.Sprintf(alter, source.User, base)+" SET search_path = voice, queue, public")
			for _, port := range []int{server.Port, server.Pooler(t)} {
				source.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", base, server.Host, port)
				db := databasetest.Open(t, source)
				for request, want := range map[string]string{
					"ps_aors": "voice", "voice.ps_aors": "voice", "queue_log": "queue", "queue.queue_log": "queue", "cdr": "public", "public.cdr": "public",
				} {
					if table, err := db.Describe(t.Context(), request); err != nil || table.Schema != want {
						t.Errorf("port %d, %s: %v, %v", port, request, table, err)
					}
				}
				if table, err := db.Describe(t.Context(), "public.ps_aors"); err == nil {
					t.Errorf("port %d: one name leads to two tables: %v", port, table)
				}
			}
		})
	}
}

func TestPostgresSaysWhereATableIs(t *testing.T) {
	server := pgtest.Start(t)
	server.Exec(t, "CREATE ROLE visitor LOGIN PASSWORD 'v'")
	t.Cleanup(func() { server.Exec(t, "DROP ROLE visitor") }) // after the database
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE SCHEMA voice", "CREATE SCHEMA spare", "CREATE SCHEMA closed", "GRANT USAGE ON SCHEMA voice, spare TO visitor",
		"CREATE TABLE voice.peers (id integer)", "CREATE TABLE spare.peers (id integer)", "CREATE TABLE closed.peers (id integer)", "CREATE TABLE public.both (id integer)", "CREATE TABLE voice.both (id integer)",
		"GRANT SELECT ON voice.peers, spare.peers, closed.peers, voice.both, public.both TO visitor", "CREATE TABLE spare.secret (id integer)")
	source.User, source.Password = "visitor", "v"
	inVoice := source
	inVoice.Schema = "voice"
	const fix = ": add it to search_path, in dsn or by ALTER ROLE, or name it in dbschema"
	for _, c := range []struct {
		source database.Source
		table  string
		hint   string
	}{
		{source, "peers", "found in the schema spare and in voice" + fix},
		{source, "PEERS", "found in the schema spare and in voice" + fix},
		{source, "voice.peers", "found in the schema spare and in voice" + fix},
		{source, "voice.both", "found in the schema voice" + fix},
		{source, "secret", ""},
		{source, "nothing", ""},
		{source, "pg_class", ""},
		{source, "a\x00b", ""},
		{inVoice, "public.both", "found in the schema public" + fix},
	} {
		_, err := databasetest.Open(t, c.source).Describe(t.Context(), c.table)
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != sqlgen.UnknownTable || fault.Hint != c.hint {
			t.Errorf("%q: %+v", c.table, fault)
		}
	}
}

func TestPostgresPrefersASchemaToTheDatabaseOfItsName(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	if err := beside.QueryRow("SELECT current_database()").Scan(&source.Schema); err != nil {
		t.Fatal(err)
	}
	db := databasetest.Open(t, source)
	if len(db.Warnings()) != 1 || db.Warnings()[0].Key != "dbschema" {
		t.Errorf("%v", db.Warnings())
	}
	databasetest.Setup(t, beside)("CREATE TABLE public.a (id integer)", "CREATE SCHEMA "+source.Schema, "CREATE TABLE "+source.Schema+".b (id integer)")
	if tables, err := db.Tables(t.Context()); err != nil || strings.Join(tables, " ") != "b" {
		t.Errorf("%q, %v", tables, err)
	}
}

func TestPostgresReplacesByTheKeyThatIsGiven(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)(`CREATE TABLE v (id serial PRIMARY KEY, name varchar(10) UNIQUE, a integer, b integer, c integer, UNIQUE (a, b))`,
		"CREATE UNIQUE INDEX v_some ON v (c) WHERE c > 5", "CREATE UNIQUE INDEX v_lower ON v (lower(name))",
		"INSERT INTO v (name, a, b, c) VALUES ('one', 1, 1, 1), ('two', 2, 2, 6)")
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := db.Keys(t.Context(), table)
	if err != nil || len(keys) != 3 {
		t.Fatal(keys, err)
	}
	var rows string
	store := func(pairs ...string) error {
		var fields []sqlgen.Field
		for i := 0; i < len(pairs); i += 2 {
			fields = append(fields, sqlgen.Field{Name: pairs[i], Value: pairs[i+1]})
		}
		s, err := sqlgen.Store(db.Dialect(), table, fields)
		if err != nil {
			t.Fatal(err)
		}
		n, err := db.Exec(t.Context(), s)
		if s, ok, failed := sqlgen.Overwrite(db.Dialect(), table, keys, fields); err != nil && ok && failed == nil {
			if n, failed = db.Exec(t.Context(), s); failed != nil || n > 0 {
				err = failed
			}
		}
		if err == nil && n != 1 {
			t.Errorf("%v: %d rows", pairs, n)
		}
		if err := beside.QueryRow("SELECT string_agg(concat_ws(',', name, a, b, c), ' ' ORDER BY id) FROM v").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		return err
	}
	for _, c := range []struct {
		pairs []string
		rows  string
	}{
		{[]string{"id", "1", "c", "2"}, "one,1,1,2 two,2,2,6"},
		{[]string{"name", "two", "c", "7"}, "one,1,1,2 two,2,2,7"},
		{[]string{"b", "1", "a", "1", "c", "3"}, "one,1,1,3 two,2,2,7"},
		{[]string{"id", "9", "name", "three"}, "one,1,1,3 two,2,2,7 three"},
		{[]string{"a", "1"}, "one,1,1,3 two,2,2,7 1 three"}, // half a key is none
	} {
		if err := store(c.pairs...); err != nil || rows != c.rows {
			t.Errorf("%v: %q, want %q; %v, %v", c.pairs, rows, c.rows, err, errors.Unwrap(err))
		}
	}
	for _, pairs := range [][]string{{"id", "1", "name", "two"}, {"c", "7"}} {
		var fault *sqlgen.Fault
		if err := store(pairs...); !errors.As(err, &fault) || fault.Cause != sqlgen.Duplicate {
			t.Errorf("%v, another row has the other key: %v", pairs, err)
		}
	}
}

func TestPostgresCauses(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	server := pgtest.Start(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, CHECK (id < 5))")
	server.Exec(t, "CREATE ROLE reader LOGIN PASSWORD 'r'", "CREATE ROLE lonely LOGIN PASSWORD 'r' CONNECTION LIMIT 0")
	t.Cleanup(func() { server.Exec(t, "DROP OWNED BY reader", "DROP ROLE reader, lonely") })
	databasetest.Setup(t, beside)("GRANT SELECT ON v TO reader")
	t.Cleanup(func() { databasetest.Setup(t, beside)("REVOKE ALL ON v FROM reader") })
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	hang := silent.Addr().(*net.TCPAddr).Port
	dsn := func(text string, args ...any) func(*database.Source) {
		return func(s *database.Source) { s.DSN = "DBI:Pg:" + fmt.Sprintf(text, args...) }
	}
	for what, c := range map[string]struct {
		change func(*database.Source)
		want   sqlgen.Cause
	}{
		"a wrong password":     {func(s *database.Source) { s.Password = "wrong" }, sqlgen.Denied},
		"an unknown account":   {func(s *database.Source) { s.User = "nobody" }, sqlgen.Denied},
		"only SELECT":          {func(s *database.Source) { s.User, s.Password = "reader", "r" }, sqlgen.Denied},
		"too many connections": {func(s *database.Source) { s.User, s.Password = "lonely", "r" }, sqlgen.Busy},
		"read-only":            {func(s *database.Source) { s.DSN += ";options='-c default_transaction_read_only=on'" }, sqlgen.ReadOnly},
		"a statement's time": {func(s *database.Source) {
			s.DSN += ";options='-c statement_timeout=500'"
			s.Schema = "public"
		}, sqlgen.Timeout},
		"no such database":         {dsn("dbname=nosuch;host=%s;port=%d", server.SocketDir, server.Port), sqlgen.Unavailable},
		"no such socket":           {dsn("dbname=x;host=/nosuch"), sqlgen.Unavailable},
		"a closed port":            {dsn("dbname=x;host=127.0.0.1;port=1"), sqlgen.Unavailable},
		"no host of that name":     {dsn("dbname=x;host=nosuch.invalid"), sqlgen.Unavailable},
		"an option of no sense":    {func(s *database.Source) { s.DSN += ";options='-c nosuch=1'" }, sqlgen.Unavailable},
		"a host that says nothing": {dsn("dbname=x;host=127.0.0.1;port=%d;connect_timeout=1", hang), sqlgen.Unavailable},
		"no standby":               {func(s *database.Source) { s.DSN += ";target_session_attrs=standby" }, sqlgen.Unavailable},
	} {
		s := source
		c.change(&s)
		text := "INSERT INTO v (id) VALUES ($1)"
		if c.want == sqlgen.Timeout {
			text = "INSERT INTO v SELECT CAST($1 AS integer) FROM pg_sleep(10)"
		}
		_, err := databasetest.Open(t, s).Exec(t.Context(), sqlgen.Statement{SQL: text, Args: []any{"1"}})
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != c.want {
			t.Errorf("%s: %v (%v), want %v", what, err, errors.Unwrap(err), &sqlgen.Fault{Cause: c.want})
		}
		if fault != nil && strings.Contains(fmt.Sprint(fault, fault.Hint, fault.Err), server.Password) {
			t.Errorf("%s: the password is told", what)
		}
	}
}

func TestPostgresConnects(t *testing.T) {
	source, _ := databasetest.NewPostgres(t)
	server := pgtest.Start(t)
	name := databasetest.DatabaseOf(source)
	dir := t.TempDir()
	write := func(file, text string) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	escaped := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(server.Password)
	passfile := write("pgpass", fmt.Sprintf("other:*:*:*:no\n%s:%d:%s:%s:%s\n", server.Host, server.Port, name, server.User, escaped))
	service := write("service", fmt.Sprintf("[pbx]\nhost=%s\nport=%d\ndbname=%s\n", server.Host, server.Port, name))
	quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, `;`, `;`).Replace(server.Password) + "'"
	for what, c := range map[string]struct {
		source database.Source
		want   string // the address
	}{
		"over the network": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", name, server.Host, server.Port), User: server.User, Password: server.Password}, server.Address()},
		"with a password in the DSN": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s host=%s port=%d user=%s password=%s", name, server.Host, server.Port, server.User, quoted)},
			server.Address()},
		"dbpass first":    {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d;user=no;password=no", name, server.Host, server.Port), User: server.User, Password: server.Password}, server.Address()},
		"with a passfile": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d;passfile=%s", name, server.Host, server.Port, passfile), User: server.User}, server.Address()},
		"by a service": {database.Source{DSN: "DBI:Pg:service=pbx", User: server.User, Password: server.Password,
			Environ: databasetest.Environ("PGSERVICEFILE", service)}, server.Address()},
		"by the environment": {database.Source{DSN: "DBI:Pg:", Environ: databasetest.Environ("PGHOST", server.SocketDir, "PGPORT", fmt.Sprint(server.Port),
			"PGDATABASE", name, "PGUSER", server.User, "PGPASSWORD", server.Password)}, fmt.Sprintf("unix(%s/.s.PGSQL.%d)", server.SocketDir, server.Port)},
		"by hostaddr": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s;host=localhost;hostaddr=127.0.0.1;port=%d;sslmode=verify-full;sslrootcert=%s", name, server.Port, server.CA),
			User: server.User, Password: server.Password}, fmt.Sprintf("localhost:%d", server.Port)},
		"to the second host": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s;host=127.0.0.1,%s;port=1,%d", name, server.Host, server.Port), User: server.User, Password: server.Password},
			"127.0.0.1:1," + server.Address()},
		"to the primary server": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=%s;host=%s,/nosuch;port=%d;target_session_attrs=read-write", name, server.SocketDir, server.Port),
			User: server.User, Password: server.Password}, fmt.Sprintf("unix(%s/.s.PGSQL.%d),unix(/nosuch/.s.PGSQL.%[2]d)", server.SocketDir, server.Port)},
	} {
		db := databasetest.Open(t, c.source)
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v, %v", what, err, errors.Unwrap(err))
		}
		if want := c.want + "/" + name; db.Address() != want {
			t.Errorf("%s: the address is %s, want %s", what, db.Address(), want)
		}
	}
}

// postgresVersion is the server's major version.
func postgresVersion(t *testing.T, db *sql.DB) int {
	t.Helper()
	var version int
	if err := db.QueryRow("SELECT CAST(current_setting('server_version_num') AS integer) / 10000").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

func TestPostgresVerifiesAsFarAsTLSIsSetTo(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	server := pgtest.Start(t)
	name := databasetest.DatabaseOf(source)
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".postgresql"), 0o700); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(home, ".postgresql", "root.crt")
	if err := os.WriteFile(other, databasetest.StrangeCertificate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	direct := "error" // PostgreSQL 17 was the first that could
	if postgresVersion(t, beside) >= 17 {
		direct = "t"
	}
	for options, want := range map[string]string{
		"":                                  "t",
		";sslmode=disable":                  "f",
		";sslmode=allow":                    "f",
		";sslmode=prefer":                   "t",
		";sslmode=require":                  "t",
		";sslrootcert=/nosuch":              "t",
		";sslmode=verify-ca":                "refused",
		";sslmode=verify-full":              "refused",
		";sslnegotiation=direct":            direct,
		";ssl_min_protocol_version=TLSv1.3": "t",
		";ssl_max_protocol_version=TLSv1.2": "t",
		";sslmode=verify-ca;sslrootcert=" + server.CA:                                     "t",
		";sslmode=verify-ca;sslrootcert=" + other:                                         "error",
		";sslmode=require;sslrootcert=" + server.CA:                                       "t",
		";sslmode=require;sslrootcert=" + other:                                           "error",
		";sslmode=verify-full;sslrootcert=" + server.CA:                                   "error", // it is not for 127.0.0.1
		";sslmode=verify-full;sslrootcert=system":                                         "error", // nobody vouches for it
		";host=localhost;hostaddr=127.0.0.1;sslmode=verify-full;sslrootcert=" + server.CA: "t",
		";sslmode=require;HOME":                                                           "error", // another root.crt is there
		";sslmode=prefer;HOME":                                                            "t",
	} {
		s := source
		options, inHome := strings.CutSuffix(options, ";HOME")
		s.Environ = databasetest.Environ("HOME", "/nosuch")
		if inHome {
			s.Environ = databasetest.Environ("HOME", home)
		}
		s.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d%s", name, server.Host, server.Port, options)
		got := "refused"
		db, err := database.Open(s)
		if err == nil {
			got = "error"
			err = db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT CAST(ssl AS text) FROM pg_stat_ssl WHERE pid = pg_backend_pid()"}, func(columns [][]byte) error {
				got = string(columns[0])[:1]
				return nil
			})
			db.Close()
		}
		if got != want {
			t.Errorf("%s (home %v): %s, want %s: %v, %v", options, inHome, got, want, err, errors.Unwrap(err))
		}
	}
}

func TestPostgresGivesWayToADeadlockAndGoesOn(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, c INT)", "INSERT INTO v VALUES (1, 0), (2, 0)",
		// Each statement locks the other row as well, a little later.
		`CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$
		 BEGIN PERFORM pg_sleep(0.05); PERFORM 1 FROM v WHERE id = 3 - NEW.id FOR UPDATE; RETURN NEW; END $$`,
		"CREATE TRIGGER other AFTER UPDATE ON v FOR EACH ROW EXECUTE FUNCTION other()")
	source.DSN += ";options='-c lock_timeout=0'"
	db := databasetest.Open(t, source)
	var all sync.WaitGroup
	for _, id := range []string{"1", "2"} {
		all.Go(func() {
			n, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "UPDATE v SET c = c + 1 WHERE id = $1", Args: []any{id}})
			if n != 1 || err != nil {
				t.Errorf("%d, %v, %v", n, err, errors.Unwrap(err))
			}
		})
	}
	all.Wait()
}

func TestPostgresReconnects(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	source.MaxConnections = 1
	db := databasetest.Open(t, source)
	query := func() (pid string, err error) {
		err = db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT pg_backend_pid()"}, func(columns [][]byte) error {
			pid = string(columns[0])
			return nil
		})
		return pid, err
	}
	for range 3 {
		pid, err := query()
		if err != nil {
			t.Fatal(err, errors.Unwrap(err))
		}
		databasetest.Setup(t, beside)("SELECT pg_terminate_backend(" + pid + ")")
		// A connection that was used a moment ago is not looked at before it is
		// used again: the statement may meet the end of it, and says so.
		var fault *sqlgen.Fault
		if _, err := query(); err != nil && (!errors.As(err, &fault) || fault.Cause != sqlgen.Unavailable) {
			t.Errorf("%v, %v", err, errors.Unwrap(err))
		}
	}
}

// A server that takes no writes any more is left for the next one.
func TestPostgresLeavesAServerThatIsReadOnly(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT)", "ALTER DATABASE "+databasetest.DatabaseOf(source)+" SET default_transaction_read_only = on")
	source.MaxConnections = 1
	db := databasetest.Open(t, source)
	write := func() error {
		_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES ($1)", Args: []any{"1"}})
		return err
	}
	var fault *sqlgen.Fault
	if err := write(); !errors.As(err, &fault) || fault.Cause != sqlgen.ReadOnly {
		t.Fatal(err)
	}
	databasetest.Setup(t, beside)("ALTER DATABASE " + databasetest.DatabaseOf(source) + " RESET default_transaction_read_only")
	if err := write(); err != nil {
		t.Errorf("%v, %v", err, errors.Unwrap(err))
	}
}

func TestPostgresCanceledStatementEndsOnTheServer(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	db := databasetest.Open(t, source)
	stop := errors.New("enough")
	started := time.Now()
	ctx := t.Context()
	err := db.Query(ctx, sqlgen.Statement{SQL: "SELECT generate_series(1, 100000)"}, func([][]byte) error { return stop })
	if err != stop || time.Since(started) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(started))
	}
	var left int
	if err := beside.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d statements run on, %v", left, err)
	}
}

func BenchmarkPostgresSingle(b *testing.B) {
	source, beside := databasetest.NewPostgres(b)
	databasetest.Setup(b, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	databasetest.BenchmarkSingle(b, databasetest.Open(b, source))
}

// A value that a view cannot make of what is stored is no reason to find no rows.
func TestPostgresReportsValuesThatAViewCannotMake(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE stored (id text, port text)", "INSERT INTO stored VALUES ('a', '5060'), ('b', 'none')",
		"CREATE VIEW v AS SELECT id, CAST(port AS integer) AS port, 1 / (length(port) - 4) AS n FROM stored")
	db := databasetest.Open(t, source)
	for _, c := range []struct{ name, value string }{{"id", "b"}, {"port", "5060"}, {"port", "x"}, {"id LIKE", "%"}} {
		table, err := db.Describe(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: c.name, Value: c.value}})
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		err = db.Query(t.Context(), s, func([][]byte) error { rows++; return nil })
		if misfit := c.value == "x"; (err == nil) != misfit || rows > 0 {
			t.Errorf("%s %q: %d rows, %v", c.name, c.value, rows, err)
		}
	}
}

func TestPostgresQualifiedNames(t *testing.T) {
	for _, schema := range []string{"", "public"} {
		source, beside := databasetest.NewPostgres(t)
		source.Schema = schema
		databasetest.WantQualifiedNames(t, databasetest.Open(t, source), databasetest.Setup(t, beside), "public")
	}
}

func TestPostgresReportsWhetherItTakesWrites(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	if err := databasetest.Open(t, source).Writable(t.Context()); err != nil {
		t.Error(err)
	}
	databasetest.Setup(t, beside)("ALTER DATABASE " + databasetest.DatabaseOf(source) + " SET default_transaction_read_only = on")
	if err := databasetest.Open(t, source).Writable(t.Context()); databasetest.CauseOf(err) != sqlgen.ReadOnly {
		t.Errorf("%v", err)
	}
}
