package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/database/sqlite"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/sqlitedriver"
)

// aSite is an empty database: its lines of dbsep.conf, and a connection of the test's own.
type aSite struct {
	kind     string
	settings string
	account  string
	db       *sql.DB
}

// openSite makes one, by the kind of the database. It ends with the test.
var openSite = map[string]func(t *testing.T) aSite{
	"SQLite": func(t *testing.T) aSite {
		path := filepath.Join(t.TempDir(), "site.db")
		if err := sqlite.Create(t.Context(), path, ""); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open(sqlitedriver.Name, "file:"+path+"?_busy_timeout=10000")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return aSite{"SQLite", "dsn=DBI:SQLite:dbname=" + path + "\n", "", db}
	},
	"MariaDB": func(t *testing.T) aSite {
		server := mariadbtest.Start(t)
		name := server.Database(t)
		db, err := server.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return aSite{"MariaDB", fmt.Sprintf("dsn=DBI:mysql:database=%s;mysql_socket=%s\ndbuser=%s\ndbpass=%s\n", name, server.Socket, server.User, server.Password), server.User, db}
	},
	"PostgreSQL": func(t *testing.T) aSite {
		server := pgtest.Start(t)
		name := server.Database(t)
		return aSite{"PostgreSQL", fmt.Sprintf("dsn=DBI:Pg:dbname=%s;host=%s;port=%d\ndbuser=%s\ndbpass=%s\n", name, server.Host, server.Port, server.User, server.Password),
			server.User, server.Open(t, name)}
	},
}

// exec runs SQL in the database.
func (s aSite) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// onEachDatabase runs a test with a SQLite, a MariaDB and a PostgreSQL in which SQL was
// run.
func onEachDatabase(t *testing.T, test func(t *testing.T, s aSite), statements ...string) {
	for kind, open := range openSite {
		t.Run(kind, func(t *testing.T) {
			s := open(t)
			s.exec(t, statements...)
			test(t, s)
		})
	}
}

// TestSettingsForSomeTables uses tables of a SIP proxy and of a queue beside those of
// Asterisk, with the settings that they need, and without them after a reload.
func TestSettingsForSomeTables(t *testing.T) {
	onEachDatabase(t, testSettingsForSomeTables,
		"CREATE TABLE location (username VARCHAR(64) PRIMARY KEY, contact VARCHAR(255), expires INT)",
		"CREATE TABLE ps_contacts (id VARCHAR(255) PRIMARY KEY, uri VARCHAR(255))",
		"CREATE TABLE queue_members (queue_name VARCHAR(80), interface VARCHAR(80), uniqueid INT PRIMARY KEY)",
		"CREATE TABLE queue_rules (rule_name VARCHAR(80), penalty INT)",
		"INSERT INTO location VALUES ('bob', 'sip:bob@192.0.2.1;ob;x=^3B', 1)",
		"INSERT INTO queue_members VALUES ('q', 'PJSIP/carol', 1), ('q', 'PJSIP/alice', 3), ('q', 'PJSIP/bob', 2)",
		"INSERT INTO queue_rules VALUES ('b', 1), ('a', 2)")
}

func testSettingsForSomeTables(t *testing.T, s aSite) {
	const sections = "[compat loc*]\nsemicolons=raw\n[compat queue_*]\norder=uniqueid\n[compat queue_rule*]\norder=none\n"
	r := startServer(t, t.TempDir(), s.settings+sections)
	stored := func(query, want string) {
		t.Helper()
		var got string
		if err := s.db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
	const bob, alice = "sip:bob@192.0.2.1;ob;x=^3B", "sip:alice@192.0.2.2;ob;y=^"
	r.want(r.post("/location/single.json", "contact="+escape(bob)), reply{200, "", `{"username":"bob","contact":"` + bob + `","expires":"1"}` + "\n"})
	r.want(r.post("/location/single", "contact="+escape(bob)), reply{200, "", "username=bob&contact=sip%3Abob%40192.0.2.1&contact=ob&contact=x%3D%5E3B&expires=1\n"})
	r.want(r.post("/location/multi.json", "contact%20LIKE=%25%3Bob%3B%25"), reply{200, "", `[{"username":"bob","contact":"` + bob + `","expires":"1"}]` + "\n"})
	r.want(r.post("/location/store.json", "username=alice&contact="+escape(alice)), reply{200, "", `{"affected":1}` + "\n"})
	stored("SELECT contact FROM location WHERE username='alice'", alice)
	r.want(r.post("/location/update?contact="+escape(alice), "contact="+escape(alice+";z")), reply{200, "", "1\n"})
	stored("SELECT contact FROM location WHERE username='alice'", alice+";z")
	r.want(r.post("/location/destroy", "contact="+escape(alice+";z")), reply{200, "", "1\n"})

	r.want(r.post("/ps_contacts/store", "id=a%3B%40b&uri="+escape(bob)), reply{200, "", "1\n"})
	stored("SELECT uri FROM ps_contacts WHERE id='a^3B@b'", "sip:bob@192.0.2.1^3Bob^3Bx=^5E3B")
	r.want(r.post("/ps_contacts/multi.json", "id%20LIKE=a%3B%40%25"), reply{200, "", `[{"id":"a;@b","uri":"` + bob + `"}]` + "\n"})
	r.want(r.post("/ps_contacts/destroy", "uri="+escape(bob)), reply{200, "", "1\n"})

	const members = "/queue_members/multi"
	line := func(name string, id int) string {
		return fmt.Sprintf("queue_name=q&interface=PJSIP%%2F%s&uniqueid=%d\n", name, id)
	}
	r.want(r.post(members, "interface LIKE=%25&queue_name=q"), reply{200, "", line("carol", 1) + line("bob", 2) + line("alice", 3)})
	r.want(r.post("/queue_rules/multi", "penalty=2"), reply{200, "", "rule_name=a&penalty=2\n"})
	if log := r.log.String(); strings.Contains(log, "level=WARN") {
		t.Errorf("the log says:\n%s", log)
	}

	r.reload(s.settings+"[compat *]\norder=interface\n", "msg=reloaded")
	r.want(r.post(members, "uniqueid >=0&queue_name=q"), reply{200, "", line("alice", 3) + line("bob", 2) + line("carol", 1)})
	r.want(r.post("/location/single.json", "username=bob"), reply{200, "", `{"username":"bob","contact":"sip:bob@192.0.2.1;ob;x=;","expires":"1"}` + "\n"})
	for range 3 { // the order of the first condition, and one line
		r.want(r.post("/queue_rules/multi", "rule_name LIKE=%25"), reply{200, "", "rule_name=a&penalty=2\nrule_name=b&penalty=1\n"})
	}
	r.said(`level=WARN msg="the rows were ordered by the first condition.*table=queue_rules.*column=interface.*hint="correct order=`)
	if n := strings.Count(r.log.String(), "table=queue_rules"); n != 1 {
		t.Errorf("%d lines about queue_rules:\n%s", n, r.log)
	}
	r.reload(s.settings+"[compat queue_members]\norder=uniqueid desc\n", `queue_members.*order=|dbsep.conf:\d+: order: .*is not the name of one column`)
	r.want(r.post(members, "uniqueid >=0&queue_name=q"), reply{200, "", line("alice", 3) + line("bob", 2) + line("carol", 1)})
}

// escape encodes what is special in a form.
func escape(value string) string {
	return strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", ";", "%3B", "=", "%3D").Replace(value)
}
