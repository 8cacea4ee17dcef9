package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/database/sqlite"
	"dbsep/internal/mariadbtest"
)

// TestWritesOnACarelessMariaDB sends writes to a server whose database neither
// commits nor refuses anything by itself.
func TestWritesOnACarelessMariaDB(t *testing.T) {
	server := mariadbtest.Start(t)
	server.Exec(t, "SET GLOBAL autocommit=0", "SET GLOBAL sql_mode=''", "SET GLOBAL sql_select_limit=1")
	defer server.Exec(t, "SET GLOBAL autocommit=1", "SET GLOBAL sql_mode=DEFAULT", "SET GLOBAL sql_select_limit=18446744073709551615")
	name := server.Database(t)
	server.ExecIn(t, name, "SET autocommit=1",
		"CREATE TABLE voicemail (uniqueid INT NOT NULL PRIMARY KEY, context VARCHAR(80), box VARCHAR(80), mailbox VARCHAR(80), password VARCHAR(4))",
		"CREATE TABLE cdr LIKE voicemail", "INSERT INTO voicemail VALUES (1, 'default', '', '1234', '1'), (2, 'defaultmail', '1234', '', '2')",
		"INSERT INTO cdr SELECT * FROM voicemail",
		"CREATE TABLE ps_contacts (id VARCHAR(255) PRIMARY KEY, uri VARCHAR(255), endpoint VARCHAR(40), reg_server VARCHAR(20), via_port INT NOT NULL DEFAULT 0, expiration_time BIGINT)",
		"CREATE TABLE queue_log (time DATETIME, data1 VARCHAR(20), data2 VARCHAR(20), data3 VARCHAR(20), data4 VARCHAR(20), data5 VARCHAR(20))",
		"INSERT INTO ps_contacts VALUES ('a', 'sip:a', 'a', '', 0, 5), ('b', 'sip:b', 'b', '', 0, 50)")
	db, err := server.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "SET autocommit=1"); err != nil { // each look is a new one
		t.Fatal(err)
	}
	settings := fmt.Sprintf("dsn=DBI:mysql:database=%s;mysql_socket=%s\ndbuser=%s\ndbpass=%s\n", name, server.Socket, server.User, server.Password) +
		"[compat]\nstore_duplicate=replace\n[compat CDR]\nstrict=no\n"
	r := startServer(t, t.TempDir(), settings)
	for _, c := range []struct {
		target, body string
		want         reply
		stored       string // a query with one value, and = and the value; empty: not looked at
	}{
		{"/voicemail/update?uniqueid=1", "password=987654", reply{200, "bad-value", "-1\n"}, "SELECT password FROM voicemail WHERE uniqueid=1 = 1"},
		{"/cdr/update?uniqueid=1", "password=987654", reply{200, "", "1\n"}, "SELECT password FROM cdr WHERE uniqueid=1 = 9876"},
		{"/voicemail/update?uniqueid=1", "password=98765", reply{200, "bad-value", "-1\n"}, ""},
		{"/voicemail/store", "uniqueid=3&mailbox=3", reply{200, "", "1\n"}, "SELECT count(*) FROM voicemail = 3"},
		{"/voicemail/store", "uniqueid=3&mailbox=4", reply{200, "", "1\n"}, "SELECT mailbox FROM voicemail WHERE uniqueid=3 = 4"},
		{"/voicemail/multi.json", "uniqueid%20%3E=0", reply{200, "", `[` +
			`{"uniqueid":"1","context":"default","box":"","mailbox":"1234","password":"1"},` +
			`{"uniqueid":"2","context":"defaultmail","box":"1234","mailbox":"","password":"2"},` +
			`{"uniqueid":"3","context":null,"box":null,"mailbox":"4","password":null}]` + "\n"}, ""},
		{"/queue_log/require", "time=datetime%3A26&data1=char%3A20", reply{200, "", "0\n"}, ""},
		{"/ps_contacts/destroy", "expiration_time%20%3C%3D=abc", reply{200, "bad-value", "-1\n"}, "SELECT count(*) FROM ps_contacts = 2"},
		{"/ps_contacts/destroy", "expiration_time%20%3C%3D=", reply{200, "bad-value", "-1\n"}, "SELECT count(*) FROM ps_contacts = 2"},
		{"/ps_contacts/destroy", "expiration_time=5x", reply{200, "", "0\n"}, "SELECT count(*) FROM ps_contacts = 2"},
		{"/ps_contacts/destroy", "via_port=", reply{200, "", "0\n"}, "SELECT count(*) FROM ps_contacts = 2"},
		{"/ps_contacts/destroy", "expiration_time%20%3C%3D=5.000000", reply{200, "", "1\n"}, "SELECT count(*) FROM ps_contacts = 1"},
	} {
		r.want(r.post(c.target, c.body), c.want)
		query, want, looked := strings.Cut(c.stored, " = ")
		if !looked {
			continue
		}
		var got string
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("after %s %s others see %q, %v; want %q", c.target, c.body, got, err, want)
		}
	}

	conf := writeConf(t, "%s", settings)
	warnings, status := check(t, conf, server.User)
	var all string
	for _, w := range warnings {
		all += w.Error() + "\n" + w.SQL + "\n"
	}
	for _, want := range []string{
		"table ps_contacts: endpoint is varchar(40), too narrow for char:255, which Asterisk may store",
		"table ps_contacts: reg_server is varchar(20), too narrow for char:255",
		"table ps_contacts: via_port must not be NULL",
		"table queue_log: time is datetime, too narrow for datetime:26, but Asterisk requires it",
		"ALTER TABLE `queue_log` MODIFY COLUMN `time` DATETIME(6)",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("check does not say %q:\n%s", want, all)
		}
	}
	if status != 1 {
		t.Errorf("status %d, want 1", status)
	}
}

// TestColumnsThatChangeTextsAreReported stores digits in a column whose declaration
// makes SQLite take them for a number.
func TestColumnsThatChangeTextsAreReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := sqlite.Create(t.Context(), path, "CREATE TABLE ps_auths (id VARCHAR(40) PRIMARY KEY, password STRING, realm TEXT, port DECIMAL(5,0), plain)"); err != nil {
		t.Fatal(err)
	}
	settings := "dsn=DBI:SQLite:dbname=" + path + "\n"
	r := startServer(t, t.TempDir(), settings)
	r.want(r.post("/ps_auths/store", "id=007&password=007&realm=007&plain=007"), reply{200, "", "1\n"})
	r.want(r.post("/ps_auths/single", "id=007"), reply{200, "", "id=007&password=7&realm=007&plain=007\n"})
	warnings, _ := check(t, writeConf(t, "%s", settings), "")
	if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "table ps_auths: password is declared STRING") {
		t.Errorf("%v", warnings)
	}
}

// TestStatementEndsWithTheCGIProgram shows that nothing runs in the database after a
// request whose time was up, and that others cost one connection.
func TestStatementEndsWithTheCGIProgram(t *testing.T) {
	server := mariadbtest.Start(t)
	name := server.Database(t)
	server.ExecIn(t, name, "CREATE TABLE fast (id INT)", "INSERT INTO fast VALUES (1)", "CREATE VIEW slow AS SELECT BENCHMARK(1000000000000, 1 + 1) AS id")
	dir := t.TempDir()
	conf := fmt.Sprintf("dsn=DBI:mysql:database=%s;mysql_socket=%s\ndbuser=%s\ndbpass=%s\n[limits]\nstatement_timeout=500ms\n", name, server.Socket, server.User, server.Password)
	if err := os.WriteFile(filepath.Join(dir, "dbsep.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	number := func(query string) (n int) {
		if err := server.Root.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	connections := func() int {
		return number("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Connections'")
	}
	for table, want := range map[string]string{"fast": "\r\n\r\nid=1\n", "slow": "X-Dbsep-Error: timeout"} {
		before := connections()
		response := sendCGI(t, dir, map[string]string{
			"REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": "4", "REMOTE_ADDR": "192.0.2.1",
			"CONTENT_TYPE": "application/x-www-form-urlencoded", "PATH_INFO": "/" + table + "/single",
		}, "id=1")
		if !strings.Contains(response, want) {
			t.Errorf("%s: %q", table, response)
		}
		if n := connections() - before; table == "fast" && n != 1 {
			t.Errorf("%d connections", n)
		}
	}
	for t.Context().Err() == nil && number("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '"+server.User+"' AND db = '"+name+"'") > 0 {
	}
}
