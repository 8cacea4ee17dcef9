package mysql_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/sqlgen"
)

func TestMariaDB(t *testing.T) { databasetest.Run(t, openFixture) }

func TestMariaDBReadsThatWait(t *testing.T) { databasetest.RunBatches(t, openFixture) }

func openFixture(t *testing.T) databasetest.Fixture {
	source, beside := databasetest.NewMariaDB(t)
	return databasetest.Fixture{
		DB:         databasetest.Open(t, source),
		Widths:     true,
		IgnoreCase: "COLLATE utf8mb4_unicode_ci",
		Setup:      databasetest.Setup(t, beside),
		Wait:       databasetest.WaitMariaDB,
		Running:    databasetest.RunningMariaDB(t, beside),
		Block:      databasetest.BlockMariaDB(t, beside),
		Lock:       databasetest.LockMariaDB(t, beside),
	}
}

// Each text was read with DBD::mysql 4.050 from MariaDB 10.11 as well.
func TestMariaDBValuesPrintAsPerlPrintedThem(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	beside.SetMaxOpenConns(1) // sql_mode is the connection's
	run := databasetest.Setup(t, beside)
	run("SET sql_mode = ''")
	db := databasetest.Open(t, source)
	type stored struct{ typ, value, want string }
	all := []stored{
		{"FLOAT", "16777217", "16777200"},
		{"FLOAT", "0.333333333", "0.333333"},
		{"FLOAT", "1e20", "1e+20"},
		{"FLOAT", "1e-5", "1e-05"},
		{"FLOAT", "123456.789", "123457"},
		{"FLOAT(10,2)", "123456.789", "123456.79"},
		{"FLOAT(7,4)", "1.5", "1.5"},
		{"FLOAT UNSIGNED ZEROFILL", "1.5", "0000000001.5"},
		{"FLOAT", "3.4e38", "3.4e+38"},
		{"DOUBLE", "1e15", "1e+15"},
		{"DOUBLE", "-0.0", "0"},
		{"DOUBLE(10,2)", "1234.5", "1234.5"},
		{"DOUBLE(20,4)", "123456789012.34567", "123456789012.346"},
		{"DOUBLE ZEROFILL", "7", "0000000000000000000007"},
		{"INT(5) ZEROFILL", "42", "00042"},
		{"BIGINT(22) ZEROFILL", "42", "0000000000000000000042"},
		{"INT UNSIGNED", "4294967295", "4294967295"},
		{"BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615"},
		{"DECIMAL(10,4)", "1234.5", "1234.5000"},
		{"DECIMAL(10,4) ZEROFILL", "1234.5", "001234.5000"},
		{"DECIMAL(30,0)", "123456789012345678901234567890", "123456789012345678901234567890"},
		{"BIT(1)", "b'1'", "\x01"},
		{"BIT(10)", "b'1000000101'", "\x02\x05"},
		{"YEAR", "2024", "2024"},
		{"YEAR", "0", "0000"},
		{"DATE", "'0000-00-00'", "0000-00-00"},
		{"DATETIME", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"},
		{"DATETIME", "'2026-00-00 00:00:00'", "2026-00-00 00:00:00"},
		{"DATETIME(3)", "'2026-01-02 03:04:05.120'", "2026-01-02 03:04:05.120"},
		{"DATETIME(6)", "'2026-01-02 03:04:05'", "2026-01-02 03:04:05.000000"},
		{"TIME", "'-838:59:59'", "-838:59:59"},
		{"TIME(3)", "'12:00:00.5'", "12:00:00.500"},
		{"TIME", "'00:00:00'", "00:00:00"},
		{"ENUM('a','b')", "'b'", "b"},
		{"SET('a','b')", "'a,b'", "a,b"},
		{"JSON", "'{\"a\": 1.0}'", `{"a": 1.0}`},
		{"CHAR(5)", "'a  '", "a"},
		{"BINARY(4)", "'a'", "a\x00\x00\x00"},
	}
	if !mariadbtest.Start(t).MySQL {
		all = append(all, stored{"YEAR(2)", "5", "05"}, stored{"INET6", "'::1'", "::1"},
			stored{"UUID", "'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"})
	}
	for _, c := range all {
		run("DROP TABLE IF EXISTS v", "CREATE TABLE v (id INT, c "+c.typ+")", "INSERT INTO v VALUES (1, "+c.value+")")
		if got := databasetest.ReadColumn(t, db); got != c.want {
			t.Errorf("%s %s prints as %q, want %q", c.typ, c.value, got, c.want)
		}
	}
}

func TestMariaDBClasses(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	db := databasetest.Open(t, source)
	type column struct {
		typ      string
		class    sqlgen.Class
		size     int
		unsigned bool
	}
	all := []column{
		{"TINYINT(1)", sqlgen.Integer, 1, false},
		{"SMALLINT UNSIGNED", sqlgen.Integer, 2, true},
		{"MEDIUMINT", sqlgen.Integer, 3, false},
		{"INT(5) UNSIGNED ZEROFILL", sqlgen.Integer, 4, true},
		{"BIGINT", sqlgen.Integer, 8, false},
		{"BIT(9)", sqlgen.Integer, 2, true},
		{"DECIMAL(10,2)", sqlgen.Decimal, 0, false},
		{"VARCHAR(80)", sqlgen.Text, 80, false},
		{"CHAR(3)", sqlgen.Text, 3, false},
		{"TINYTEXT", sqlgen.Text, 255, false},
		{"LONGTEXT", sqlgen.Text, 0, false},
		{"ENUM('long value','b')", sqlgen.Other, 0, false},
		{"ENUM('a'',''b','c')", sqlgen.Other, 0, false},
		{"ENUM('','b')", sqlgen.Text, 0, false},
		{"ENUM('a','')", sqlgen.Text, 0, false},
		{"SET('int','b')", sqlgen.Text, 0, false},
		{"VARBINARY(9)", sqlgen.Binary, 9, false},
		{"LONGBLOB", sqlgen.Binary, 0, false},
		{"TIMESTAMP NULL", sqlgen.DateTime, 19, false},
		{"DATETIME(6)", sqlgen.DateTime, 26, false},
		{"TIME(3)", sqlgen.Time, 0, false},
		{"GEOMETRY", sqlgen.Binary, 0, false},
	}
	if !mariadbtest.Start(t).MySQL {
		all = append(all, column{"UUID", sqlgen.Other, 0, false}, column{"INET6", sqlgen.Other, 0, false}, column{"JSON", sqlgen.Text, 0, false})
	} else {
		all = append(all, column{"JSON", sqlgen.Other, 0, false})
	}
	for _, c := range all {
		databasetest.Setup(t, beside)("DROP TABLE IF EXISTS v", "CREATE TABLE v (c "+c.typ+")")
		table, err := db.Describe(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		got := table.Columns[0]
		if got.Class != c.class || got.Size != c.size || got.Unsigned != c.unsigned {
			t.Errorf("%s is %s, size %d, unsigned %v", c.typ, got.Class, got.Size, got.Unsigned)
		}
	}
}

func TestMariaDBEscapesWithBackslashInEveryMode(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c VARCHAR(10))", "INSERT INTO v VALUES (1, '_X.'), (2, 'xX.')")
	for _, mode := range []string{"''", "'NO_BACKSLASH_ESCAPES'", "'NO_BACKSLASH_ESCAPES,ANSI'", "'TRADITIONAL'"} {
		s := source
		s.DSN += ";mysql_init_command=SET sql_mode = " + mode
		db := databasetest.Open(t, s)
		table, err := db.Describe(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Writable(t.Context()); err != nil {
			t.Errorf("sql_mode %s: takes no writes: %v, %v", mode, err, errors.Unwrap(err))
		}
		for field, want := range map[string]string{`c LIKE`: `\_%`, `id LIKE`: `\1`} {
			q, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: field, Value: want}})
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			err = db.Query(t.Context(), q, func(columns [][]byte) error {
				found = append(found, string(columns[0]))
				return nil
			})
			if err != nil || len(found) != 1 || found[0] != "1" {
				t.Errorf("sql_mode %s: %s %s finds %q, %v", mode, field, want, found, err)
			}
		}
	}
}

func TestMariaDBCauses(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	server := mariadbtest.Start(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT)")
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	name := source.DSN[strings.Index(source.DSN, "=")+1 : strings.Index(source.DSN, ";")]
	server.Exec(t, "CREATE USER reader@localhost", "GRANT SELECT ON "+name+".* TO reader@localhost")
	t.Cleanup(func() { server.Exec(t, "DROP USER reader@localhost") })
	for what, c := range map[string]struct {
		change func(*database.Source)
		want   sqlgen.Cause
	}{
		"a wrong password":   {func(s *database.Source) { s.Password = "wrong" }, sqlgen.Denied},
		"an unknown account": {func(s *database.Source) { s.User = "nobody" }, sqlgen.Denied},
		"only SELECT":        {func(s *database.Source) { s.User, s.Password = "reader", "" }, sqlgen.Denied},
		"no such database":   {func(s *database.Source) { s.DSN = "DBI:mysql:nosuch;mysql_socket=" + server.Socket }, sqlgen.Unavailable},
		"no such socket":     {func(s *database.Source) { s.DSN = "DBI:mysql:db;mysql_socket=/nosuch" }, sqlgen.Unavailable},
		"a closed port":      {func(s *database.Source) { s.DSN = "DBI:mysql:db:127.0.0.1:1" }, sqlgen.Unavailable},
		"a host that says nothing": {func(s *database.Source) {
			s.DSN = "DBI:mysql:database=db;host=127.0.0.1;port=" + strconv.Itoa(silent.Addr().(*net.TCPAddr).Port)
			s.ConnectTimeout = 100 * time.Millisecond
		}, sqlgen.Unavailable},
		"a wrong init command": {func(s *database.Source) { s.DSN += ";mysql_init_command=NONSENSE" }, sqlgen.Unavailable},
	} {
		s := source
		c.change(&s)
		db := databasetest.Open(t, s)
		_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v (id) VALUES (?)", Args: []any{"1"}})
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != c.want {
			t.Errorf("%s: %v (%v), want %v", what, err, errors.Unwrap(err), &sqlgen.Fault{Cause: c.want})
		}
		if fault != nil && strings.Contains(fmt.Sprint(fault, fault.Hint, fault.Err), server.Password) {
			t.Errorf("%s: the password is told", what)
		}
	}
}

func TestMariaDBOverTheNetworkWithAwkwardPassword(t *testing.T) {
	source, _ := databasetest.NewMariaDB(t)
	server := mariadbtest.Start(t)
	name := source.DSN[strings.Index(source.DSN, "=")+1 : strings.Index(source.DSN, ";")]
	for _, text := range []string{
		fmt.Sprintf("DBI:mysql:%s:%s:%d", name, server.Host, server.Port),
		fmt.Sprintf("DBI:MariaDB:database=%s;host=%s;port=%d;mariadb_compression=1", name, server.Host, server.Port),
	} {
		s := source
		s.DSN = text
		db := databasetest.Open(t, s)
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", text, errors.Unwrap(err))
		}
		if want := server.Address() + "/" + name; db.Address() != want {
			t.Errorf("address is %s, want %s", db.Address(), want)
		}
	}
}

func TestMariaDBVerifiesAsFarAsTLSIsSetTo(t *testing.T) {
	source, _ := databasetest.NewMariaDB(t)
	server := mariadbtest.Start(t)
	name := source.DSN[strings.Index(source.DSN, "=")+1 : strings.Index(source.DSN, ";")]
	other := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(other, databasetest.StrangeCertificate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]bool{
		";mysql_ssl=0":                                          false,
		";mysql_ssl=1":                                          true,
		";mysql_ssl=1;mysql_ssl_optional=1":                     true,
		";mysql_ssl=1;mysql_ssl_ca_file=" + server.CA:           true,
		";mysql_ssl=1;mysql_ssl_ca_path=" + filepath.Dir(other): false,
		";mysql_ssl=1;mysql_ssl_ca_file=" + other:               false,
		";mysql_ssl=1;mysql_ssl_ca_file=" + server.CA + ";mysql_ssl_verify_server_cert=1": false, // it is not for 127.0.0.1
		";mysql_ssl=1;mysql_ssl_verify_server_cert=1":                                     false, // nobody vouches for it
	} {
		s := source
		s.DSN = fmt.Sprintf("DBI:mysql:database=%s;host=%s;port=%d%s", name, server.Host, server.Port, options)
		cipher := ""
		err := databasetest.Open(t, s).Query(t.Context(), sqlgen.Statement{SQL: "SHOW STATUS LIKE 'Ssl_cipher'"}, func(columns [][]byte) error {
			cipher = string(columns[1])
			return nil
		})
		if encrypted := cipher != ""; encrypted != want {
			t.Errorf("%s: encrypted %v, want %v: %v, %v", options, encrypted, want, err, errors.Unwrap(err))
		}
	}
}

// The bytes are those of UTF-8, in which a client gets the texts.
func TestMariaDBSortsStaticByBytesWhateverTheType(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	run := databasetest.Setup(t, beside)
	db := databasetest.Open(t, source)
	for typ, want := range map[string]string{
		"VARCHAR(20) CHARACTER SET latin1":                             "Abc _x abc zz é",
		"VARCHAR(20) CHARACTER SET utf16le":                            "Abc _x abc zz é Ā Ω 中 😀",
		"VARCHAR(20) CHARACTER SET koi8r":                              "Abc _x abc а б в ю я",
		"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci": "Abc _x abc zz é Ā Ω 中 😀",
		"TEXT": "Abc _x abc zz",
		"ENUM('zz', 'Abc', 'abc', '_x') COLLATE utf8mb4_bin": "Abc _x abc zz",
		"SET('zz', 'Abc', '_x')":                             "Abc _x zz",
		"VARBINARY(20)":                                      "Abc _x abc zz",
		"BLOB":                                               "Abc _x abc zz",
		"YEAR":                                               "1999 2026",
	} {
		databasetest.WantStaticOrder(t, db, run, typ, want)
	}
}

// Values with different keys are different in each collation that the server has.
func TestMariaDBKeysFollowTheCollation(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	run := databasetest.Setup(t, beside)
	db := databasetest.Open(t, source)
	name, mysql := "full_collation_name", mariadbtest.Start(t).MySQL
	if mysql {
		name = "collation_name"
	}
	rows, err := beside.QueryContext(t.Context(), "SELECT DISTINCT "+name+", character_set_name FROM information_schema.collation_character_set_applicability")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	known := 0
	for rows.Next() {
		var collation, charset string
		if err := rows.Scan(&collation, &charset); err != nil {
			t.Fatal(err)
		}
		typ := "VARCHAR(20) CHARACTER SET " + charset + " COLLATE " + collation
		run("DROP TABLE IF EXISTS keyed", "CREATE TABLE keyed (v "+typ+")")
		table, err := db.Describe(t.Context(), "keyed")
		if err != nil {
			t.Fatal(err)
		}
		if table.Columns[0].Collation != sqlgen.UnknownCollation {
			known++
			databasetest.WantKeys(t, db, run, typ, true, databasetest.ASCIITexts()...)
		}
	}
	if err := rows.Err(); err != nil || known < 10 {
		t.Errorf("%d collations, %v", known, err)
	}
	for typ, keys := range map[string]bool{
		"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_lithuanian_ci": false, // i and y are equal
		"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci":    true,
		"VARCHAR(20) CHARACTER SET latin1":                                true,
		"CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin":              true,
		"VARBINARY(20)": false,
		"INT":           true,
		"BIGINT":        true,
		"YEAR":          false,
		"DECIMAL(10,2)": false,
		"UUID":          false,
	} {
		values := []string{"1", "12", "123"}
		switch {
		case mysql && (typ == "UUID" || strings.Contains(typ, "lithuanian")): // it has neither
			continue
		case typ == "YEAR":
			values = []string{"1970", "70", "2026"}
		case typ == "UUID":
			values = []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A11"}
		}
		databasetest.WantKeys(t, db, run, typ, keys, values...)
	}
}

// The collations are some that are known and some that are not.
func TestMariaDBReadsThatWaitFindWhatTheyFindAlone(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	db := databasetest.Open(t, source)
	for _, collation := range []string{
		"latin1_swedish_ci", "latin1_general_ci", "latin1_german2_ci", "latin1_bin", "latin2_czech_cs", "utf8mb4_general_ci", "utf8mb4_unicode_ci",
		"utf8mb4_unicode_520_ci", "utf8mb4_bin", "utf8mb4_lithuanian_ci", "utf8mb4_croatian_ci", "utf8mb4_turkish_ci", "utf8mb4_swedish_ci", "ascii_general_ci",
	} {
		charset, _, _ := strings.Cut(collation, "_")
		databasetest.WantBatchedAsSingle(t, db, databasetest.Setup(t, beside), "VARCHAR(20) CHARACTER SET "+charset+" COLLATE "+collation, 1000)
	}
	databasetest.WantBatchedAsSingle(t, db, databasetest.Setup(t, beside), "CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", 1000)
	if b := db.Batches(); b.Sent == 0 || b.Again == 0 {
		t.Errorf("%+v", b)
	}
}

// MySQL remembers the character set that a column had when a statement was prepared, and
// refuses values for it that the column takes now.
func TestMariaDBColumnsWithAnotherCharacterSet(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	source.MaxConnections = 1
	db := databasetest.Open(t, source)
	run := databasetest.Setup(t, beside)
	run("CREATE TABLE peers (id VARCHAR(20) PRIMARY KEY, callerid VARCHAR(20)) CHARACTER SET latin2", "INSERT INTO peers VALUES ('alice', 'a')")
	table, err := db.Describe(t.Context(), "peers")
	if err != nil {
		t.Fatal(err)
	}
	single := func(id string) (found bool) {
		s, err := sqlgen.Single(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: id}})
		if err == nil {
			err = db.Query(t.Context(), s, func([][]byte) error { found = true; return nil })
		}
		if err != nil {
			t.Errorf("single %s: %v", id, err)
		}
		return found
	}
	update := func(id, callerID string) int64 {
		s, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: id}}, []sqlgen.Field{{Name: "callerid", Value: callerID}})
		if err != nil {
			t.Fatal(err)
		}
		n, err := db.Exec(t.Context(), s)
		if err != nil {
			t.Errorf("update %s: %v", id, err)
		}
		return n
	}
	if !single("alice") || update("alice", "b") != 1 || single("王") {
		t.Error("before the change")
	}
	single("alice") // prepares it again
	run("ALTER TABLE peers CONVERT TO CHARACTER SET utf8mb4", "INSERT INTO peers VALUES ('王', 'a')")
	if n := update("alice", "王"); n != 1 {
		t.Errorf("%d rows were updated", n)
	}
	if !single("王") {
		t.Error("the row is not found")
	}
}

// Changes that no other database has, or spells differently.
func TestMariaDBChangedTable(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	changes := [][2]string{
		{"CREATE TABLE peers (id INT, a VARCHAR(40), b VARCHAR(40))", "id int(11) null, a varchar(40) null, b varchar(40) null"},
		{"ALTER TABLE peers MODIFY a VARCHAR(80), MODIFY b VARCHAR(80)", "id int(11) null, a varchar(80) null, b varchar(80) null"},
		{"ALTER TABLE peers MODIFY a INT, MODIFY b VARCHAR(80) NOT NULL", "id int(11) null, a int(11) null, b varchar(80)"},
		{"ALTER TABLE peers MODIFY b VARCHAR(80) NOT NULL AFTER id", "id int(11) null, b varchar(80), a int(11) null"},
		{"ALTER TABLE peers MODIFY a INT INVISIBLE", "id int(11) null, b varchar(80), a int(11) null invisible"},
		{"ALTER TABLE peers CHANGE id a2 INT UNSIGNED, ALGORITHM=COPY", "a2 int(10) unsigned null, b varchar(80), a int(11) null invisible"},
		{"RENAME TABLE peers TO base; CREATE VIEW peers AS SELECT b FROM base", "b varchar(80)"},
		{"ALTER TABLE base MODIFY b DATETIME(6)", "b datetime(6) null"},
	}
	if mariadbtest.Start(t).MySQL {
		for i := range changes { // it has no widths of numbers
			changes[i][1] = strings.NewReplacer("int(11)", "int", "int(10)", "int").Replace(changes[i][1])
		}
	}
	databasetest.WantChanges(t, databasetest.Open(t, source), databasetest.Setup(t, beside), changes)
}

// A statement that is prepared once is used by all requests of a server.
func TestMariaDBPreparesOnce(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	source.MaxConnections = 1
	db := databasetest.Open(t, source)
	count := func() (n int) {
		var name string
		if err := beside.QueryRow("SHOW GLOBAL STATUS LIKE 'Com_stmt_prepare'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 2 { // once with the schema of the table, then without
		databasetest.ReadColumn(t, db)
	}
	before := count()
	for range 10 {
		databasetest.ReadColumn(t, db)
	}
	if n := count() - before; n != 0 {
		t.Errorf("prepared %d times", n)
	}
}

func TestMariaDBReconnects(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	source.MaxConnections = 1
	db := databasetest.Open(t, source)
	for range 3 {
		if got := databasetest.ReadColumn(t, db); got != "2" {
			t.Errorf("reads %q", got)
		}
		var id string
		err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT CONNECTION_ID()"}, func(columns [][]byte) error {
			id = string(columns[0])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		databasetest.Setup(t, beside)("KILL " + id)
	}
}

func BenchmarkMariaDBSingle(b *testing.B) {
	source, beside := databasetest.NewMariaDB(b)
	databasetest.Setup(b, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	databasetest.BenchmarkSingle(b, databasetest.Open(b, source))
}

// A number that a view cannot make of what is stored is no reason to find no rows.
func TestMariaDBReportsValuesThatAViewCannotMake(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE kept (id VARCHAR(10), used BIGINT UNSIGNED, size BIGINT UNSIGNED)", "INSERT INTO kept VALUES ('a', 5, 3)",
		"CREATE VIEW v AS SELECT id, size - used AS free FROM kept")
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Query(t.Context(), s, func([][]byte) error { return nil }); err == nil {
		t.Error("the row that cannot be read is no row")
	}
}

// Columns that SELECT * leaves out are in no row, but in conditions and writes.
func TestMariaDBInvisibleColumns(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, secret VARCHAR(20) INVISIBLE, c VARCHAR(20))", "INSERT INTO v (id, secret, c) VALUES (1, 'a', 'x'), (2, 'b', 'y')")
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name, value string) (rows string) {
		t.Helper()
		s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: name, Value: value}})
		if err == nil {
			err = db.Query(t.Context(), s, func(columns [][]byte) error {
				rows += string(bytes.Join(columns, []byte("|"))) + "\n"
				return nil
			})
		}
		if err != nil {
			t.Error(err)
		}
		return rows
	}
	if got := read("secret", "b"); got != "2|y\n" {
		t.Errorf("%q", got)
	}
	s, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}}, []sqlgen.Field{{Name: "secret", Value: "z"}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.Exec(t.Context(), s); n != 1 || err != nil {
		t.Error(n, err)
	}
	if got := read("secret", "z"); got != "1|x\n" {
		t.Errorf("%q", got)
	}
	short := sqlgen.Require(db.Dialect(), table, []sqlgen.Requirement{{Column: "secret", Type: "char", Size: 20}})
	if len(short) != 0 {
		t.Errorf("%+v", short)
	}
}

// Types with texts of their own take no empty text: it clears them, and equals nothing.
func TestMariaDBTypesWithTextsOfTheirOwn(t *testing.T) {
	if mariadbtest.Start(t).MySQL {
		t.Skip("MySQL has no such types")
	}
	source, beside := databasetest.NewMariaDB(t)
	db := databasetest.Open(t, source)
	for typ, values := range map[string][2]string{
		"UUID":  {"6ccd780c-baba-1026-9564-5b8c656024db", "no uuid"},
		"INET4": {"192.0.2.1", "192.0.2"},
		"INET6": {"2001:db8::1", "2001:db8::x"},

		"ENUM('yes','no')": {"yes", "maybe"},
	} {
		databasetest.Setup(t, beside)("DROP TABLE IF EXISTS v", "CREATE TABLE v (id INT PRIMARY KEY, c "+typ+")", "INSERT INTO v VALUES (1, '"+values[0]+"')")
		table, err := db.Describe(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		count := func(name, value string) (n int) {
			t.Helper()
			s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: name, Value: value}})
			if err == nil {
				err = db.Query(t.Context(), s, func([][]byte) error { n++; return nil })
			}
			if err != nil {
				t.Errorf("%s: %s %s: %v, %v", typ, name, value, err, errors.Unwrap(err))
			}
			return n
		}
		for _, c := range []struct {
			name, value string
			want        int
		}{{"c", values[0], 1}, {"c", values[1], 0}, {"c", "", 0}, {"c", "\xff", 0}, {"c !=", "", 1}, {"c LIKE", values[0][:3] + "%", 1}} {
			if n := count(c.name, c.value); n != c.want {
				t.Errorf("%s: %s %q finds %d rows, want %d", typ, c.name, c.value, n, c.want)
			}
		}
		s, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}}, []sqlgen.Field{{Name: "c", Value: ""}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Exec(t.Context(), s); n != 1 || err != nil {
			t.Errorf("%s: cleared: %d, %v", typ, n, err)
		}
		if n := count("c !=", ""); n != 0 {
			t.Errorf("%s is not NULL", typ)
		}
	}
}

func TestMariaDBQualifiedNames(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	name := ""
	if err := beside.QueryRow("SELECT DATABASE()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	databasetest.WantQualifiedNames(t, databasetest.Open(t, source), databasetest.Setup(t, beside), name)
}

// The texts of years and bits mean something else than the numbers that they look like.
func TestMariaDBYearsAndBits(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, y YEAR, b BIT(4))",
		"INSERT INTO v VALUES (1, '0000', 0), (2, 2000, 1), (3, 1970, 9), (4, NULL, NULL)")
	db := databasetest.Open(t, source)
	table, err := db.Describe(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ condition, value, want string }{
		{"y", "0000", "1"}, {"y", "0", "2"}, {"y", "70", "3"}, {"y", "1970", "3"}, {"y", "1970x", ""},
		{"y !=", "0000", "2 3"}, {"y >", "1999", "2"}, {"y", "", ""}, {"y !=", "", "1 2 3"},
		{"b", "9", "3"}, {"b", "0", "1"}, {"b >", "0", "2 3"}, {"b", "\x09", ""}, {"b", "16", ""},
	} {
		s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "id >", Value: "0"}, {Name: c.condition, Value: c.value}})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		err = db.Query(t.Context(), s, func(columns [][]byte) error {
			ids = append(ids, string(columns[0]))
			return nil
		})
		if got := strings.Join(ids, " "); got != c.want || err != nil {
			t.Errorf("%s %q finds %q, %v; want %q", c.condition, c.value, got, err, c.want)
		}
	}
}

// JSON is found by the text that a response has.
func TestMariaDBFindsJSON(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, c JSON, mark INT)", `INSERT INTO v VALUES (1, '{"a": 1}', 0), (2, '"x"', 0), (3, '5', 0), (4, NULL, 0)`)
	db := databasetest.Open(t, source)
	for name, values := range map[string]map[string]int{
		"c":      {`{"a": 1}`: 1, `"x"`: 1, `"X"`: 0, "5": 1, "x": 0, "no JSON {": 0, "\xff": 0, "": 0},
		"c !=":   {`{"a": 1}`: 2, "": 3},
		"c LIKE": {`{"a"%`: 1, "%": 3},
	} {
		for value, want := range values {
			compare(t, db, name, value).finds(t, "JSON", want)
		}
	}
	if mariadbtest.Start(t).MySQL {
		table, err := db.Describe(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		s, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}}, []sqlgen.Field{{Name: "c", Value: ""}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Exec(t.Context(), s); n != 1 || err != nil {
			t.Errorf("cleared: %d, %v", n, err)
		}
	}
}
