package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

func TestSQLite(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
		path, beside := databasetest.NewSQLiteFile(t)
		db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path, BusyTimeout: time.Second})
		return databasetest.Fixture{
			DB:          db,
			FoldsTables: true,
			IgnoreCase:  "COLLATE NOCASE",
			Setup:       databasetest.Setup(t, beside),
			Wait:        databasetest.WaitSQLite,
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

func TestSQLiteForms(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"plain.db", "with space.db", "100%.db", "a#b.db", "a?mode=ro", "q'u\"o.db", "a=b.db", "a;b.db", "é.db", "t.db&x", "%41.db", "a:b.db", "[x].db"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for text, want := range map[string]string{
		"DBI:SQLite:dbname=" + at("plain.db"):                         "plain.db",
		"DBI:SQLite:db=" + at("plain.db"):                             "plain.db",
		"DBI:SQLite:database=" + at("plain.db"):                       "plain.db",
		"DBI:SQLite:" + at("plain.db"):                                "plain.db",
		"dbi:SQLite:dbname=plain.db":                                  "plain.db",
		"DBI:SQLite:dbname=" + at("with space.db"):                    "with space.db",
		"DBI:SQLite:dbname=" + at("100%.db"):                          "100%.db",
		"DBI:SQLite:dbname=" + at("a#b.db"):                           "a#b.db",
		"DBI:SQLite:dbname=" + at("a?mode=ro"):                        "a?mode=ro",
		"DBI:SQLite:dbname=" + at("q'u\"o.db"):                        "q'u\"o.db",
		"DBI:SQLite:dbname=" + at("a=b.db"):                           "a=b.db",
		"DBI:SQLite:" + at("a;b.db"):                                  "a;b.db",
		"DBI:SQLite:dbname=" + at("é.db"):                             "é.db",
		"DBI:SQLite:dbname=" + at("t.db&x"):                           "t.db&x",
		"DBI:SQLite:dbname=" + at("%41.db"):                           "%41.db",
		"DBI:SQLite:dbname=" + at("a:b.db"):                           "a:b.db",
		"DBI:SQLite:dbname=" + at("[x].db"):                           "[x].db",
		"DBI:SQLite:uri=file:" + at("plain.db") + "?mode=rw":          "plain.db",
		"DBI:SQLite:uri=file://" + at("plain.db"):                     "plain.db",
		"DBI:SQLite:uri=file://localhost" + at("plain.db"):            "plain.db",
		"DBI:SQLite:uri=file:" + at("with%20space.db"):                "with space.db",
		"DBI:SQLite:dbname=file:" + at("100%25.db") + "?cache=shared": "100%.db",
		"DBI:SQLite:uri=file:plain.db":                                "plain.db",
		"DBI:SQLite:dbname=" + at("plain.db") + ";mode=ro":            "plain.db",
		"DBI:SQLite(RaiseError=>1):dbname=" + at("plain.db"):          "plain.db",
	} {
		db := databasetest.Open(t, database.Source{DSN: text})
		if db.Address() != at(want) {
			t.Errorf("%s is %s, want %s", text, db.Address(), at(want))
			continue
		}
		// That SQLite opens the same file shows in what it holds.
		_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "CREATE TABLE IF NOT EXISTS t (a)"})
		about, stat := os.Stat(at(want))
		if err != nil || stat != nil || about.Size() == 0 {
			t.Errorf("%s: %v, %v", text, err, stat)
		}
		db.Close()
		if err := os.Truncate(at(want), 0); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 13 {
		t.Errorf("a file was made: %v, %v", left, err)
	}
}

func TestSQLiteProblems(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"DBI:SQLite:dbname=" + dir + "/nosuch": "does not exist",
		"DBI:SQLite:dbname=" + dir:             "is no file",
		"DBI:SQLite:dbname=:memory:":           "names no file",
		"DBI:SQLite:":                          "names no file",
		"DBI:SQLite:dbname=":                   "names no file",
		"DBI:SQLite:uri=file:x?mode=memory":    "names no file",
		"DBI:SQLite:uri=file:/x%2":             "with a wrong %",
		"DBI:SQLite:uri=file://host/x":         "with a host",
		"DBI:SQLite:dbname=" + dir + "/a\x00b": "cannot be looked at",
	} {
		_, err := database.Open(database.Source{DSN: text})
		var p *database.Problem
		if !errors.As(err, &p) || !strings.Contains(p.Text, want) || p.Hint == "" {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a file was made: %v, %v", left, err)
	}
}

func TestSQLiteReadOnly(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INTEGER, c TEXT)", "INSERT INTO v VALUES (1, 'x')")
	for _, text := range []string{
		"DBI:SQLite:uri=file:" + path + "?mode=ro",
		"DBI:SQLite:dbname=file:" + path + "?mode=ro",
		"DBI:SQLite(ReadOnly=>1):dbname=" + path,
	} {
		db := databasetest.Open(t, database.Source{DSN: text})
		if got := databasetest.ReadColumn(t, db); got != "x" {
			t.Errorf("%s reads %q", text, got)
		}
		_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "DELETE FROM v"})
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != sqlgen.ReadOnly || fault.Hint == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSQLiteOfWhatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(path, []byte(strings.Repeat("Dear Sir or Madam. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	var fault *sqlgen.Fault
	if err := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path}).Ping(t.Context()); !errors.As(err, &fault) || fault.Cause != sqlgen.Unavailable || fault.Hint == "" {
		t.Errorf("%v", err)
	}
}

// Each text was read with DBD::SQLite 1.72 as well.
func TestSQLiteValuesPrintAsPerlPrintedThem(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path})
	for _, c := range []struct{ typ, value, want string }{
		{"DOUBLE", "0.1", "0.1"}, {"DOUBLE", "5", "5"}, {"DOUBLE", "-0.0", "0"}, {"NUMERIC", "1e300", "1e+300"}, {"NUMERIC", "5.0", "5"},
		{"NUMERIC", "9223372036854775807", "9223372036854775807"}, {"DATETIME", "'junk'", "junk"}, {"DATETIME", "1700000000", "1700000000"},
		{"DATETIME", "'2026-01-02 03:04:05'", "2026-01-02 03:04:05"}, {"TIMESTAMP", "'2026-01-02T03:04:05Z'", "2026-01-02T03:04:05Z"},
		{"BOOLEAN", "1", "1"}, {"BOOLEAN", "2", "2"}, {"BOOLEAN", "'true'", "true"}, {"", "1.0", "1"}, {"", "1e999", "Inf"}, {"", "-1e999", "-Inf"},
		{"INTEGER", "1e16", "10000000000000000"}, {"INTEGER", "1.5", "1.5"}, {"INTEGER", "'x'", "x"}, {"DATE", "5", "5"}, {"DATE", "1700000000000", "1700000000000"},
		{"DATE", "'2026-01-02'", "2026-01-02"}, {"DECIMAL(10,4)", "'1234.5000'", "1234.5"}, {"DECIMAL(10,4)", "123456789.123456789", "123456789.123457"},
		{"BLOB", "x'00ff'", "\x00\xff"}, {"BLOB", "0.00001234", "1.234e-05"}, {"TEXT", "5", "5"}, {"VARCHAR(2)", "'longer'", "longer"},
	} {
		databasetest.Setup(t, beside)("DROP TABLE IF EXISTS v", "CREATE TABLE v (id INTEGER, c "+c.typ+")", "INSERT INTO v VALUES (1, "+c.value+")")
		if got := databasetest.ReadColumn(t, db); got != c.want {
			t.Errorf("%s %s prints as %q, want %q", c.typ, c.value, got, c.want)
		}
	}
}

func TestSQLiteDescribes(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INTEGER PRIMARY KEY, a int NOT NULL, b DATETIME, c varchar(80), d, e BOOLEAN, f DECIMAL(10,2), g TIME, h JSON, i AS (a + 1))",
		"CREATE TABLE pair (a INTEGER, b INTEGER, PRIMARY KEY (a, b))", "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT)",
		"INSERT INTO auto VALUES (1)", "CREATE TEMP TABLE hidden (a)", "ATTACH ':memory:' AS other", "CREATE TABLE other.beside (a)")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path})
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	want := []sqlgen.Column{
		{Name: "id", Class: sqlgen.Integer, Type: "INTEGER", Size: 8},
		{Name: "a", Class: sqlgen.Integer, Type: "INT", Size: 8},
		{Name: "b", Class: sqlgen.DateTime, Type: "DATETIME", Nullable: true},
		{Name: "c", Class: sqlgen.Text, Type: "varchar(80)", Nullable: true, Collation: sqlgen.CaseSensitive},
		{Name: "d", Class: sqlgen.Text, Nullable: true},
		{Name: "e", Class: sqlgen.Boolean, Type: "BOOLEAN", Nullable: true},
		{Name: "f", Class: sqlgen.Decimal, Type: "DECIMAL(10,2)", Nullable: true},
		{Name: "g", Class: sqlgen.Time, Type: "TIME", Nullable: true},
		{Name: "h", Class: sqlgen.Text, Type: "JSON", Nullable: true},
		{Name: "i", Class: sqlgen.Text, Nullable: true},
	}
	if diff := cmp.Diff(want, table.Columns); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	pair, err := db.Describe(t.Context(), "pair")
	if err != nil || !pair.Columns[0].Nullable {
		t.Errorf("%+v, %v", pair, err)
	}
	for _, name := range []string{"sqlite_sequence", "sqlite_master", "hidden", "beside", "other.beside"} {
		var fault *sqlgen.Fault
		if _, err := db.Describe(t.Context(), name); !errors.As(err, &fault) || fault.Cause != sqlgen.UnknownTable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSQLiteHasWhatDBDSQLiteAdds(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INTEGER)", "INSERT INTO v VALUES (1)")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path})
	for text, want := range map[string]string{
		"SELECT 'abc' REGEXP '^a.c$'":                       "1",
		"SELECT 'abd' REGEXP '^a.c$'":                       "0",
		"SELECT 123 REGEXP '2'":                             "1",
		"SELECT NULL REGEXP '2'":                            "0",
		"SELECT 'a' < 'B' COLLATE perl":                     "0",
		"SELECT 'a' < 'B' COLLATE perllocale":               "0",
		"PRAGMA foreign_keys":                               "0",
		"PRAGMA synchronous":                                "2",
		"PRAGMA journal_mode":                               "delete",
		"PRAGMA soft_heap_limit":                            "8388608", // dbsep's own: for all connections together
		"SELECT count(*) FROM v WHERE id REGEXP '^[0-9]+$'": "1",
	} {
		got := ""
		err := db.Query(t.Context(), sqlgen.Statement{SQL: text}, func(columns [][]byte) error {
			got = string(columns[0])
			return nil
		})
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT 'a' REGEXP '('"}, func([][]byte) error { return nil })
	if err == nil {
		t.Error("a pattern that is none finds something")
	}
}

// TestSQLiteLimitsPatterns compares with stored patterns. Without a limit the long one takes
// minutes, in which nothing ends the statement.
func TestSQLiteLimitsPatterns(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	setup := databasetest.Setup(t, beside)
	setup("CREATE TABLE texts (id INTEGER PRIMARY KEY, pattern TEXT)",
		"INSERT INTO texts VALUES (1, '%a'), (2, '%' || replace(hex(zeroblob(20000)), '0', 'a') || 'b')",
		"CREATE VIEW compared AS SELECT id, replace(hex(zeroblob(2000000)), '0', 'a') LIKE pattern AS found FROM texts",
		"CREATE TABLE written (id INTEGER)",
		"CREATE TRIGGER compare AFTER INSERT ON written BEGIN SELECT 'a' LIKE pattern FROM texts WHERE id = new.id; END")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path})
	for id, want := range map[string]sqlgen.Cause{"1": -1, "2": sqlgen.Rejected} {
		err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT found FROM compared WHERE id = ?", Args: []any{id}}, func([][]byte) error { return nil })
		if got := databasetest.CauseOf(err); got != want {
			t.Errorf("read %s: %v, want %v: %v", id, got, want, err)
		}
		_, err = db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO written VALUES (?)", Args: []any{id}})
		if got := databasetest.CauseOf(err); got != want {
			t.Errorf("write %s: %v, want %v: %v", id, got, want, err)
		}
	}
}

func TestSQLiteKeepsTheJournalMode(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("PRAGMA journal_mode=WAL", "CREATE TABLE v (id INTEGER, c TEXT)", "INSERT INTO v VALUES (1, 'x')")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path})
	if got := databasetest.ReadColumn(t, db); got != "x" {
		t.Errorf("reads %q", got)
	}
	mode := ""
	if err := beside.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("%q, %v", mode, err)
	}
}

// BenchmarkSQLiteCGI is what one CGI run does with the package.
func BenchmarkSQLiteCGI(b *testing.B) {
	path, beside := databasetest.NewSQLiteFile(b)
	databasetest.Setup(b, beside)("CREATE TABLE v (id INTEGER PRIMARY KEY, c TEXT)", "INSERT INTO v VALUES (1, 'x')")
	for b.Loop() {
		db, err := database.Open(database.Source{DSN: "DBI:SQLite:" + path})
		if err != nil {
			b.Fatal(err)
		}
		databasetest.ReadSingle(b, db)
		db.Close()
	}
}

// BenchmarkSQLiteSingle is a server's single request, the table being known.
func BenchmarkSQLiteSingle(b *testing.B) {
	path, beside := databasetest.NewSQLiteFile(b)
	databasetest.Setup(b, beside)("CREATE TABLE v (id INTEGER PRIMARY KEY, c TEXT)", "INSERT INTO v VALUES (1, 'x')")
	databasetest.BenchmarkSingle(b, databasetest.Open(b, database.Source{DSN: "DBI:SQLite:" + path}))
}

// SQLite does not count the rows of a view that triggers change, and neither does
// Asterisk's own driver: docs/databases.md says so.
func TestSQLiteCountsNoRowsOfAViewWithTriggers(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INTEGER, c TEXT)", "CREATE VIEW view AS SELECT * FROM v",
		"CREATE TRIGGER store INSTEAD OF INSERT ON view BEGIN INSERT INTO v VALUES (NEW.id, NEW.c); END",
		"CREATE TRIGGER change INSTEAD OF UPDATE ON view BEGIN UPDATE v SET c = NEW.c WHERE id = OLD.id; END",
		"CREATE TRIGGER remove INSTEAD OF DELETE ON view BEGIN DELETE FROM v WHERE id = OLD.id; END")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path})
	view, err := db.Describe(t.Context(), "view")
	if err != nil {
		t.Fatal(err)
	}
	d, id := db.Dialect(), []sqlgen.Field{{Name: "id", Value: "1"}}
	exec := func(s sqlgen.Statement, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Exec(t.Context(), s); n != 0 || err != nil {
			t.Errorf("%s: %d rows, %v", s.SQL, n, err)
		}
	}
	exec(sqlgen.Store(d, view, append(id, sqlgen.Field{Name: "c", Value: "a"})))
	exec(sqlgen.Update(d, view, id, []sqlgen.Field{{Name: "c", Value: "b"}}))
	if got := databasetest.ReadColumn(t, db); got != "b" {
		t.Errorf("the triggers stored %q", got)
	}
	exec(sqlgen.Destroy(d, view, id))
	if left, err := databasetest.QueryText(t.Context(), db, "SELECT count(*) FROM v"); left != "0" || err != nil {
		t.Errorf("%s rows are left, %v", left, err)
	}
}

func TestSQLiteQualifiedNames(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.WantQualifiedNames(t, databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path}), databasetest.Setup(t, beside), "main")
}

// Values with different keys are different. A type that SQLite does not know may hold
// numbers, of which there are several forms.
func TestSQLiteKeysFollowTheCollation(t *testing.T) {
	file, beside := databasetest.NewSQLiteFile(t)
	run := databasetest.Setup(t, beside)
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + file})
	for typ, keys := range map[string]bool{
		"varchar(20)": true, "TEXT": true, "clob": true,
		"TEXT COLLATE NOCASE": false, "TEXT collate rtrim": false, "STRING": false, "": false, "BLOB": false,
	} {
		databasetest.WantKeys(t, db, run, typ, keys, databasetest.ASCIITexts()...)
	}
	databasetest.WantKeys(t, db, run, "INTEGER", true, "1", "12", "123")
	databasetest.WantKeys(t, db, run, "NUMERIC", false, "1", "1.0", "01")
	run("CREATE VIEW folded AS SELECT v COLLATE NOCASE AS v FROM keyed")
	view, err := db.Describe(t.Context(), "folded")
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := view.Column("v").Key("a"); ok {
		t.Errorf("a column of a view has the key %q", key)
	}
}

// A column without a type, a computed column of a view, and one of bytes hold values of any
// type, which no comparison converts.
func TestSQLiteComparesValuesOfAnyType(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE base (id INTEGER PRIMARY KEY, v)",
		"INSERT INTO base VALUES (1, 5), (2, '5'), (3, 10), (4, '10'), (5, 1.5), (6, x'35'), (7, 'abc'), (8, ''), (9, NULL), (10, '5.0')",
		"CREATE VIEW computed AS SELECT id, CASE WHEN 1 THEN v END AS v FROM base",
		"CREATE TABLE bytes (id INTEGER PRIMARY KEY, v LONGBLOB)", "INSERT INTO bytes SELECT * FROM base",
		"CREATE TABLE anything (id INTEGER PRIMARY KEY, v ANY) STRICT", "INSERT INTO anything SELECT * FROM base")
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path})
	for _, name := range []string{"base", "computed", "bytes", "anything"} {
		table, err := db.Describe(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ condition, value, want string }{
			{"v", "5", "1 2 6"},
			{"v", "1.5", "5"},
			{"v", "5.0", "10"},
			{"v", "05", ""},
			{"v", "abc", "7"},
			{"v", "", "8"},
			{"v", "x' OR 1=1", ""},
			{"v !=", "5", "3 4 5 7 8 10"},
			{"v !=", "", "1 2 3 4 5 6 7 10"},
			{"v >", "5", "3 7 10"},
			{"v >=", "5", "1 2 3 6 7 10"},
			{"v <", "5", "4 5 8"},
			{"v <=", "5", "1 2 4 5 6 8"},
			{"v >", "a", "7"},
			{"v <", "a", "2 4 6 8 10"},
			{"v LIKE", "5%", "1 2 6 10"},
		} {
			fields := []sqlgen.Field{{Name: "id >", Value: "0"}, {Name: c.condition, Value: c.value}}
			s, err := sqlgen.Multi(db.Dialect(), table, fields)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			err = db.Query(t.Context(), s, func(columns [][]byte) error {
				ids = append(ids, string(columns[0]))
				return nil
			})
			if got := strings.Join(ids, " "); got != c.want || err != nil {
				t.Errorf("%s: %s %q finds %q, %v; want %q", name, c.condition, c.value, got, err, c.want)
			}
		}
	}
}
