package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/inspect"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
)

// A text of a table is what is stored and what it has to be once the table is
// fixed.
type text struct{ stored, want sql.NullString }

func whole(s string) text { return text{filled(s), filled(s)} }

// byBytes is a text whose bytes were taken for characters, by their numbers.
func byBytes(s string) text {
	var runes []rune
	for _, b := range []byte(s) {
		runes = append(runes, rune(b))
	}
	return text{filled(string(runes)), filled(s)}
}

func filled(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

// texts are all kinds of text that can be in one table. The undamaged ones must not
// be changed, even if they look almost like UTF-8 encoded twice.
var texts = []text{
	whole("plain"), whole(""), {}, whole("café"), whole("5 €"), whole("Ж"), whole("😀"), whole("日本"),
	whole("Ã"), whole("naïve Ã©"), whole("Ã©€"), whole("a Ã"), whole("Ġ Ã©"), whole("À\u0080"), whole("í\u00a0\u0080"), whole("ÿ"),
	byBytes("café"), byBytes("5 €"), byBytes("😀 hi"), byBytes("Жук"), byBytes("日本"), byBytes("à\n\x10\x01À\tρ"), byBytes("\x7fÿ"),
}

// check runs dbsep check as an account and returns its warnings and its exit
// status.
func check(t *testing.T, conf, account string) (warnings []inspect.Finding, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "dbsep", "check", "--json", conf)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	var r inspect.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if r.Database.Account != account {
		t.Errorf("the account is %q", r.Database.Account)
	}
	return r.Findings, cmd.ProcessState.ExitCode()
}

// fix runs the statements of warnings as they are printed, and returns the
// text before each.
func fix(t *testing.T, db *sql.DB, warnings []inspect.Finding) (found []string) {
	t.Helper()
	for _, w := range warnings {
		what, _, ok := strings.Cut(w.Text, " that was")
		found = append(found, "table "+w.Table+": "+what)
		if !ok {
			t.Errorf("another warning: %s", w)
			continue
		}
		if _, err := db.Exec(w.SQL); err != nil {
			t.Errorf("%v: %s", err, w.SQL)
		}
	}
	return found
}

func fill(t *testing.T, db *sql.DB, table, insert string, texts []text) {
	t.Helper()
	if _, err := db.Exec(table); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if _, err := db.Exec(insert, i, text.stored); err != nil {
			t.Fatalf("%v: %q", err, text.stored.String)
		}
	}
}

// compareTexts compares a column with what it has to be.
func compareTexts(t *testing.T, db *sql.DB, query string, texts []text) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got, want []sql.NullString
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		want = append(want, text.want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

func writeConf(t *testing.T, format string, args ...any) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dbsep.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTextThatPostgreSQLHasTwiceEncoded(t *testing.T) {
	server := pgtest.Start(t)
	name := server.Database(t)
	db := server.Open(t, name)
	fill(t, db, `CREATE TABLE "Voice Mail" (id integer, "full""name" varchar(80), pad char(20), tags text[], raw bytea)`,
		`INSERT INTO "Voice Mail" VALUES ($1, $2, 'é', ARRAY['Ã©'], 'Ã©')`, texts)
	server.Exec(t, "CREATE ROLE reader LOGIN PASSWORD 'reader'")
	for _, statement := range []string{
		"CREATE TABLE secret (a text)", "INSERT INTO secret VALUES ('Ã©')",
		`CREATE VIEW broken AS SELECT 1 / id AS one, pad FROM "Voice Mail"`,
		`GRANT SELECT ON "Voice Mail", broken TO reader`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	// An account that may not read all finds what it may read. That of the DSN gives way.
	conf := writeConf(t, "dsn=DBI:Pg:dbname=%s;host=%s;port=%d;user=other\ndbuser=reader\ndbpass=reader\n", name, server.SocketDir, server.Port)
	warnings, status := check(t, conf, "reader")
	if len(warnings) != 1 || status != 1 {
		t.Fatalf("status %d, %v", status, warnings)
	}
	if out, _ := exec.CommandContext(t.Context(), "dbsep", "check", conf).Output(); !strings.Contains(string(out), "\naccount   reader\n") ||
		!strings.Contains(string(out), "\n         "+warnings[0].SQL+"\n") {
		t.Errorf("for people: %s", out)
	}
	if diff := cmp.Diff([]string{"table Voice Mail: 7 rows hold text in full\"name"}, fix(t, db, warnings)); diff != "" {
		t.Error(diff)
	}
	compareTexts(t, db, `SELECT "full""name" FROM "Voice Mail" ORDER BY id`, texts)
	if warnings, status := check(t, conf, "reader"); len(warnings) > 0 || status != 0 {
		t.Errorf("afterwards: status %d, %v", status, warnings)
	}
}

func TestTableThatIsTooLargeIsTold(t *testing.T) {
	server := pgtest.Start(t)
	name := server.Database(t)
	if _, err := server.Open(t, name).Exec("CREATE TABLE large AS SELECT 'é' || n AS name FROM generate_series(1, 300000) n"); err != nil {
		t.Fatal(err)
	}
	conf := writeConf(t, "dsn=DBI:Pg:dbname=%s;host=%s;port=%d\ndbuser=%s\ndbpass=%s\n[limits]\nstatement_timeout=1ms\n",
		name, server.SocketDir, server.Port, server.User, server.Password)
	warnings, status := check(t, conf, server.User)
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0].Error(), "table large: it cannot be searched within statement_timeout, 1ms") || status != 1 {
		t.Errorf("status %d, %v", status, warnings)
	}
}

func TestTextThatPostgreSQLHasInAnotherEncodingIsLeftAlone(t *testing.T) {
	server := pgtest.Start(t)
	server.Exec(t, "CREATE DATABASE plain OWNER "+server.User+" TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")
	t.Cleanup(func() { server.Exec(t, "DROP DATABASE plain WITH (FORCE)") })
	db := server.Open(t, "plain")
	fill(t, db, "CREATE TABLE names AS SELECT 'café' AS name", "", nil)
	conf := writeConf(t, "dsn=DBI:Pg:dbname=plain;host=%s;port=%d\ndbuser=%s\ndbpass=%s\n", server.SocketDir, server.Port, server.User, server.Password)
	if warnings, status := check(t, conf, server.User); len(warnings) > 0 || status != 0 {
		t.Errorf("status %d, %v", status, warnings)
	}
}

func TestTextThatMariaDBHasTwiceEncoded(t *testing.T) {
	server := mariadbtest.Start(t)
	name := server.Database(t)
	db, err := server.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const insert = "INSERT INTO `voice``mail` (id, name) VALUES (?, ?)"
	fill(t, db, "CREATE TABLE `voice``mail` (id INT, name VARCHAR(80), kind ENUM('Ã©') DEFAULT 'Ã©', raw BLOB DEFAULT 'Ã©')", insert, texts)
	all := texts
	// A connection in latin1, which is Windows-1252, as old client libraries had it.
	old := []string{"5 €", "😀 hi", "Жук", "日本", "café"}
	statements := []string{"SET NAMES latin1"}
	for i, s := range old {
		statements = append(statements, fmt.Sprintf("INSERT INTO `voice``mail` (id, name) VALUES (%d, '%s')", len(all)+i, s),
			fmt.Sprintf("INSERT INTO latin VALUES (%d, '%s')", i, s))
	}
	fill(t, db, "CREATE TABLE latin (id INT, name VARCHAR(80) CHARACTER SET latin1)", "INSERT INTO latin VALUES (?, ?)", nil)
	server.ExecIn(t, name, statements...)
	var olds []text
	for _, s := range old {
		olds = append(olds, whole(s))
	}
	conf := writeConf(t, "dsn=DBI:MariaDB:database=%s;mariadb_socket=%s\ndbuser=%s\ndbpass=%s\n", name, server.Socket, server.User, server.Password)
	for _, want := range [][]string{
		{"table latin: 5 rows hold text in name", "table voice`mail: 7 rows hold text in name", "table voice`mail: 5 rows hold text in name"},
		{"table latin: 5 rows hold text in name"},
		nil,
	} {
		warnings, status := check(t, conf, server.User)
		if diff := cmp.Diff(want, fix(t, db, warnings)); diff != "" || status != min(len(want), 1) {
			t.Errorf("status %d (-want +got):\n%s", status, diff)
		}
	}
	compareTexts(t, db, "SELECT name FROM `voice``mail` ORDER BY id", append(all, olds...))
	compareTexts(t, db, "SELECT name FROM latin ORDER BY id", olds)
}
