package mysql_test

import (
	"errors"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

// textTypes are types of columns for the name "alice", in which a server may take bytes
// that are no text for the text before them.
var textTypes = []string{
	"VARCHAR(20)", "TEXT", "CHAR(20)", "ENUM('alice','bob')", "SET('alice','bob')",
	"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
	"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
	"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
	"VARCHAR(20) CHARACTER SET utf8mb3", "VARCHAR(20) CHARACTER SET latin1", "VARCHAR(20) CHARACTER SET ascii",
	"VARCHAR(20) CHARACTER SET utf16", "VARCHAR(20) CHARACTER SET koi8r",
}

// noTexts are values that are not UTF-8.
var noTexts = []string{"\xff", "alice\xff", "alice\xc3", "alice\xe4\xb8", "alice\xed\xa0\x80", "alice\xffbob", "alice\xc0\x80"}

// A condition whose value is no text matches no row, and an order or an inequality is
// refused: MySQL compares with the text before the first byte that is none.
func TestMariaDBTakesNoBytesForAText(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	run := databasetest.Setup(t, beside)
	db := databasetest.Open(t, source)
	for _, typ := range textTypes {
		for _, index := range []string{"", ", INDEX (c)"} {
			if typ == "TEXT" && index != "" {
				index = ", INDEX (c(10))"
			}
			run("DROP TABLE IF EXISTS v", "CREATE TABLE v (id INT PRIMARY KEY, c "+typ+", mark INT"+index+")", "INSERT INTO v VALUES (1, 'alice', 0), (2, 'bob', 0)")
			for _, value := range noTexts {
				for _, operator := range []string{"", " LIKE"} {
					compare(t, db, "c"+operator, value).finds(t, typ+index, 0)
				}
				compare(t, db, "c LIKE", "%"+value).finds(t, typ+index, 0)
				for _, operator := range []string{" !=", " <", " <=", " >", " >=", " NOT LIKE"} {
					compare(t, db, "c"+operator, value).isRefused(t, typ+index)
				}
			}
			compare(t, db, "mark", "0").finds(t, typ+index, 2)
			compare(t, db, "c", "alice").finds(t, typ+index, 1)
		}
	}
}

// Bytes are compared with bytes.
func TestMariaDBComparesBytes(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	run := databasetest.Setup(t, beside)
	db := databasetest.Open(t, source)
	for _, typ := range []string{"VARBINARY(20)", "BLOB"} {
		run("DROP TABLE IF EXISTS v", "CREATE TABLE v (id INT PRIMARY KEY, c "+typ+", mark INT)", "INSERT INTO v VALUES (1, 'alice', 0), (2, x'616CFF', 0)")
		compare(t, db, "c", "al\xff").finds(t, typ, 1)
		compare(t, db, "c LIKE", "al\xff%").finds(t, typ, 1)
		compare(t, db, "c !=", "al\xff").finds(t, typ, 1)
		compare(t, db, "c", "alice\xff").finds(t, typ, 0)
	}
}

// The character set is the one that a command of the source has chosen.
func TestMariaDBTakesForATextWhatItsCharacterSetHas(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, c VARCHAR(20) CHARACTER SET utf8mb4, mark INT)", "INSERT INTO v VALUES (1, 'alice', 0), (2, 'josé', 0)")
	for _, c := range []struct {
		charset, value string
		want           int
	}{
		{"latin1", "jos\xe9", 1}, {"latin1", "alice\xff", 0}, {"utf8mb3", "alice😀", 0}, {"utf8mb3", "josé", 1}, {"utf8mb3", "alice\xff", 0},
		{"utf8mb4", "alice😀", 0}, {"utf8mb4", "josé", 1},
	} {
		s := source
		s.DSN += ";mysql_init_command=SET NAMES " + c.charset
		compare(t, databasetest.Open(t, s), "c", c.value).finds(t, c.charset, c.want)
	}
}

// comparison are the statements with one condition on v: a read, and writes that change
// nothing where they match what they should.
type comparison struct {
	name, value string
	db          *database.DB
	read        sqlgen.Statement
	writes      []sqlgen.Statement
}

func compare(t *testing.T, db *database.DB, name, value string) comparison {
	t.Helper()
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	condition := []sqlgen.Field{{Name: name, Value: value}}
	read, err1 := sqlgen.Multi(db.Dialect(), table, condition)
	update, err2 := sqlgen.Update(db.Dialect(), table, condition, []sqlgen.Field{{Name: "mark", Value: "0"}})
	destroy, err3 := sqlgen.Destroy(db.Dialect(), table, condition)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	lenient := update
	lenient.Lenient = true
	return comparison{name, value, db, read, []sqlgen.Statement{update, lenient, destroy}}
}

// finds checks how many rows the condition matches. Rows are destroyed only where there
// should be none.
func (c comparison) finds(t *testing.T, what string, want int) {
	t.Helper()
	found := 0
	if err := c.db.Query(t.Context(), c.read, func([][]byte) error { found++; return nil }); err != nil || found != want {
		t.Errorf("%s: %s %q finds %d rows, %v; want %d", what, c.name, c.value, found, err, want)
	}
	for i, s := range c.writes {
		if want > 0 && i == len(c.writes)-1 {
			return
		}
		if n, err := c.db.Exec(t.Context(), s); err != nil || n != int64(want) {
			t.Errorf("%s: %s %q: %s changes %d rows, %v; want %d", what, c.name, c.value, s.SQL, n, err, want)
		}
	}
}

// isRefused checks that the value of the condition is refused.
func (c comparison) isRefused(t *testing.T, what string) {
	t.Helper()
	var fault *sqlgen.Fault
	err := c.db.Query(t.Context(), c.read, func([][]byte) error { return nil })
	if !errors.As(err, &fault) || fault.Cause != sqlgen.BadValue || fault.Column != "c" {
		t.Errorf("%s: %s %q: %v, want bad-value of c", what, c.name, c.value, err)
	}
	for _, s := range c.writes {
		if n, err := c.db.Exec(t.Context(), s); databasetest.CauseOf(err) != sqlgen.BadValue {
			t.Errorf("%s: %s %q: %s changes %d rows, %v; want bad-value", what, c.name, c.value, s.SQL, n, err)
		}
	}
}
