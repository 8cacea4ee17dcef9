package explain_test

import (
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/explain"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/setup"
	"dbsep/sqlgen"

	_ "dbsep/internal/database/all"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt; then read every line that changed")

func TestMain(m *testing.M) {
	code := m.Run()
	mariadbtest.Stop()
	pgtest.Stop()
	os.Exit(code)
}

// tables are the same on every database. Each change of a contact is noted in changes.
var tables = []string{
	`CREATE TABLE ps_contacts (id VARCHAR(255) NOT NULL PRIMARY KEY, uri VARCHAR(511), expiration_time BIGINT, user_agent VARCHAR(20))`,
	`CREATE TABLE ps_endpoints (id VARCHAR(40) NOT NULL PRIMARY KEY, context VARCHAR(40), allow VARCHAR(200))`,
	`CREATE TABLE voicemail (mailbox VARCHAR(40) NOT NULL, context VARCHAR(40) NOT NULL, password VARCHAR(40), PRIMARY KEY (mailbox, context))`,
	`CREATE TABLE ast_config (id INTEGER NOT NULL PRIMARY KEY, cat_metric INTEGER, var_metric INTEGER, commented INTEGER, filename VARCHAR(40), category VARCHAR(40), var_name VARCHAR(40), var_val VARCHAR(40))`,
	`CREATE INDEX ast_config_filename ON ast_config (filename)`,
	`CREATE TABLE changes (name VARCHAR(40))`,
	`INSERT INTO ps_endpoints VALUES ('alice', 'demo', 'ulaw;alaw'), ('bob', NULL, '')`,
	`INSERT INTO voicemail VALUES ('100', 'default', '1234')`,
	`INSERT INTO ast_config VALUES (1, 0, 0, 0, 'queues.conf', 'general', 'autofill', 'yes')`,
}

// fill gives each table with a key so many rows that no database reads all of them where it has
// an index.
func fill() []string {
	var contacts, endpoints, mailboxes, files []string
	for n := range 3000 {
		contacts = append(contacts, fmt.Sprintf("('u%d^3B@1', 'sip:u%[1]d@192.0.2.1', %[1]d, 'phone')", n))
		endpoints = append(endpoints, fmt.Sprintf("('u%d', 'demo', 'ulaw')", n))
		mailboxes = append(mailboxes, fmt.Sprintf("('u%d', 'default', '1')", n))
		files = append(files, fmt.Sprintf("(%d, 0, 0, 0, 'f%[1]d.conf', 'general', 'a', 'b')", n+2))
	}
	return []string{
		"INSERT INTO ps_contacts VALUES " + strings.Join(contacts, ", "),
		"INSERT INTO ps_endpoints VALUES " + strings.Join(endpoints, ", "),
		"INSERT INTO voicemail VALUES " + strings.Join(mailboxes, ", "),
		"INSERT INTO ast_config VALUES " + strings.Join(files, ", "),
	}
}

// settings are those of dbsep.conf behind the database.
const settings = `
[server]
allow=192.0.2.0/24, 198.51.100.0/24
[compat voicemail]
store_duplicate=replace
[compat ps_endpoints]
strict=no
[tables]
*=write
[tables user:kamailio]
*=none
ps_endpoints=read id allow
[tables network:192.0.2.0/24]
*=read
`

// A site is a database with its configuration.
type site struct {
	beside *sql.DB
	conf   string // of setup.LoadToRead
}

// newSite makes the tables, and what each database needs to note changes and to write in a view.
func newSite(t *testing.T, source database.Source, beside *sql.DB, special ...string) *site {
	t.Helper()
	for _, text := range slices.Concat(tables, fill(), special) {
		if _, err := beside.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
	}
	conf := filepath.Join(t.TempDir(), "dbsep.conf")
	text := fmt.Sprintf("dsn=%s\ndbuser=%s\ndbpass=%s\n%s", source.DSN, source.User, source.Password, settings)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &site{beside, conf}
}

// sites are the databases. A change of a contact makes a row in changes, and so does a row that
// is read from the view busy.
var sites = map[string]func(t *testing.T) *site{
	"sqlite": func(t *testing.T) *site {
		path, beside := databasetest.NewSQLiteFile(t)
		var triggers []string
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			triggers = append(triggers, "CREATE TRIGGER note_"+event+" BEFORE "+event+" ON ps_contacts BEGIN INSERT INTO changes VALUES ('"+event+"'); END")
		}
		return newSite(t, database.Source{DSN: "DBI:SQLite:dbname=" + path}, beside, append(triggers,
			"CREATE VIEW phones AS SELECT id, user_agent FROM ps_contacts",
			"CREATE TRIGGER phones_update INSTEAD OF UPDATE ON phones BEGIN UPDATE ps_contacts SET user_agent = new.user_agent WHERE id = old.id; END",
			"ANALYZE")...)
	},
	"mariadb": func(t *testing.T) *site {
		server := mariadbtest.Start(t)
		name := server.Database(t)
		beside, err := server.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { beside.Close() })
		var special []string
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			special = append(special, "CREATE TRIGGER note_"+event+" BEFORE "+event+" ON ps_contacts FOR EACH ROW INSERT INTO changes VALUES ('"+event+"')")
		}
		special = append(special,
			"CREATE FUNCTION note() RETURNS INTEGER DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO changes VALUES ('read'); RETURN 1; END",
			"CREATE VIEW phones AS SELECT id, user_agent FROM ps_contacts",
			"CREATE VIEW busy AS SELECT id, user_agent, note() AS noted FROM ps_contacts",
			"ANALYZE TABLE ps_contacts, ps_endpoints, voicemail, ast_config")
		return newSite(t, database.Source{DSN: "DBI:mysql:database=" + name + ";mysql_socket=" + server.Socket, User: server.User, Password: server.Password}, beside, special...)
	},
	"postgres": func(t *testing.T) *site {
		source, beside := databasetest.NewPostgres(t)
		return newSite(t, source, beside,
			"CREATE FUNCTION note() RETURNS INTEGER LANGUAGE plpgsql AS $$ BEGIN INSERT INTO changes VALUES ('read'); RETURN 1; END $$",
			"CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO changes VALUES (TG_OP); RETURN COALESCE(NEW, OLD); END $$",
			"CREATE TRIGGER note_all BEFORE INSERT OR UPDATE OR DELETE ON ps_contacts FOR EACH ROW EXECUTE FUNCTION noted()",
			"CREATE VIEW phones AS SELECT id, user_agent FROM ps_contacts",
			"CREATE VIEW busy AS SELECT id, user_agent, note() AS noted FROM ps_contacts",
			"ANALYZE")
	},
}

// A case is a request that is explained.
type testCase struct {
	name        string
	text        string
	fields, set []string
	as          []string
	semicolons  string
}

var cases = []testCase{
	{name: "a row is found by its key", text: "ps_endpoints/single", fields: []string{"id=alice"}},
	{name: "a client of JSON", text: "ps_endpoints/single.json", fields: []string{"id=alice"}},
	{name: "no row", text: "ps_endpoints/single", fields: []string{"id=nobody"}},
	{name: "the contacts of a phone", text: "ps_contacts/multi", fields: []string{"id LIKE=u5;@%"}},
	{name: "semicolons are raw", text: "ps_contacts/multi", fields: []string{"id=u5;@1"}, semicolons: "raw"},
	{name: "expired contacts", text: "ps_contacts/multi", fields: []string{"expiration_time <=4"}},
	{name: "a value that the column cannot hold", text: "ps_contacts/multi", fields: []string{"expiration_time=soon"}},
	{name: "no index", text: "ps_contacts/multi", fields: []string{"user_agent=none"}},
	{name: "a file", text: "ast_config/static", fields: []string{"file=queues.conf"}},
	{name: "requirements", text: "ps_contacts/require", fields: []string{"user_agent=char:255", "id=char:40"}},
	{name: "an update", text: "ps_contacts/update", fields: []string{"id=u5;@1"}, set: []string{"expiration_time=9", "user_agent=a;b", "made_up=1"}},
	{name: "an update of no row", text: "ps_contacts/update", fields: []string{"id=nobody"}, set: []string{"expiration_time="}},
	{name: "an update through a view", text: "phones/update", fields: []string{"id=u5;@1"}, set: []string{"user_agent=x"}},
	{name: "the change of a voicemail password", text: `{"path":"/voicemail/update","query":"&context=defaultmailbox=100","body":"&password=4321"}`},
	{name: "a store", text: "ps_contacts/store", fields: []string{"id=new", "uri=sip:new@192.0.2.2"}},
	{name: "a store of a key that exists", text: "ps_contacts/store", fields: []string{"id=u5;@1", "uri=sip:new@192.0.2.2"}},
	{name: "a store that replaces", text: "voicemail/store", fields: []string{"mailbox=100", "context=default", "password=1"}},
	{name: "a value that is too long", text: "ps_contacts/store", fields: []string{"id=new", "user_agent=a phone with a very long name"}},
	{name: "a value that may be cut", text: "ps_endpoints/update", fields: []string{"id=alice"}, set: []string{"context=" + strings.Repeat("x", 41)}},
	{name: "a destroy", text: "ps_contacts/destroy", fields: []string{"id LIKE=u29%"}},
	{name: "a client that may read two columns", text: "ps_endpoints/multi", fields: []string{"id=alice"}, as: []string{"user:kamailio"}},
	{name: "a column that a client may not use", text: "ps_endpoints/multi", fields: []string{"context=demo"}, as: []string{"user:kamailio"}},
	{name: "a client that may not write", text: "ps_endpoints/destroy", fields: []string{"id=alice"}, as: []string{"address:192.0.2.9"}},
	{name: "a table that is not there", text: "ps_endpoint/single", fields: []string{"id=alice"}},
	{name: "a column that is not there", text: "ps_endpoints/multi", fields: []string{"idd=alice"}},
	{name: "an operator that is not there", text: "ps_endpoints/multi", fields: []string{"id ILIKE=alice"}},
	{name: "no condition", text: "ps_endpoints/destroy"},
	{name: "an operation that is not there", text: "ps_endpoints/mutli", fields: []string{"id=alice"}},
	{name: "an address that may not connect", text: "ps_endpoints/single", fields: []string{"id=alice"}, as: []string{"address:203.0.113.1"}},
	{name: "what controls a terminal", text: `{"path":"/ps_endpoints/multi","body":"%1b[31m=%1b[32m"}`, as: []string{"user:\x1b[33m\u009b"}},
	{name: "a & within a value", text: `{"path":"/ps_endpoints/update","query":"id=alice","body":"context=a&b"}`},
	{name: "a & that is missing", text: `{"path":"/voicemail/single","body":"mailbox=100context=default"}`},
	{name: "a line of a web server", text: `192.0.2.1 - - [28/Nov/2026:00:10:31 +0000] "GET /cgi-bin/dbsep.cgi/ps_endpoints/single?id=alice HTTP/1.1" 200 12 "-" "-"`},
	{name: "a line of the log", text: `level=WARN msg="the table has no such column" code=unknown-column operation=update table=ps_contacts client=198.51.100.7 user=kamailio column=x explain="dbsep explain --as name:kamailio ps_contacts/update 'id LIKE=' --set x="`},
	{name: "a line of the access log", text: `{"level":"INFO","msg":"request","operation":"single","table":"ps_endpoints","client":"192.0.2.9","status":200,"rows":1}`, fields: []string{"id=alice"}},
}

// load opens the database as the command does.
func (s *site) load(t *testing.T) *setup.Loaded {
	t.Helper()
	l, err := setup.LoadToRead(s.conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// explained is the report of a case as text, without the plans, which differ between the
// versions of a database.
func (s *site) explained(t *testing.T, c testCase) (string, error) {
	t.Helper()
	l := s.load(t)
	report, err := c.explain(t, l)
	if err != nil {
		return "", err
	}
	for i := range report.Statements {
		if plan := &report.Statements[i].Plan; len(*plan) > 0 {
			*plan = []string{"..."}
		}
	}
	var text bytes.Buffer
	report.WriteText(&text)
	return strings.ReplaceAll(text.String(), l.DB.Address(), "ADDRESS"), nil
}

func (c testCase) explain(t *testing.T, l *setup.Loaded) (*explain.Report, error) {
	t.Helper()
	r, err := explain.Parse(c.text, c.fields, c.set)
	if err != nil {
		t.Fatal(err)
	}
	for _, as := range c.as {
		if err := r.Client.Set(as); err != nil {
			t.Fatal(err)
		}
	}
	return explain.Explain(t.Context(), l, r, explain.Options{Semicolons: c.semicolons})
}

// TestExplain explains requests on every database, and none changes a row.
func TestExplain(t *testing.T) {
	for name, open := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			before := s.rows(t)
			for test, run := range map[string]func(t *testing.T, s *site, name string){
				"reports": testReports, "plans": testPlans, "a view that writes": testViewThatWrites, "a write": testWrite,
			} {
				t.Run(test, func(t *testing.T) {
					run(t, s, name)
					if diff := cmp.Diff(before, s.rows(t)); diff != "" {
						t.Errorf("rows have changed:\n%s", diff)
					}
				})
			}
		})
	}
}

// testReports compares the reports with testdata/DATABASE.txt.
func testReports(t *testing.T, s *site, name string) {
	var all strings.Builder
	for _, c := range cases {
		text, err := s.explained(t, c)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		fmt.Fprintf(&all, "--- %s ---\n%s\n", c.name, text)
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(all.String(), "\n")); diff != "" {
		t.Errorf("the reports are others; with -update they are written down (-want +got):\n%s", diff)
	}
}

// planWords are what each database says of an index, and of a table that it reads from end to
// end.
var planWords = map[string]map[bool]*regexp.Regexp{ // by whether all rows are read
	"sqlite":   {false: regexp.MustCompile(`^SEARCH ps_contacts USING INDEX`), true: regexp.MustCompile(`^SCAN ps_contacts`)},
	"mariadb":  {false: regexp.MustCompile(`^table=ps_contacts type=(const|range) .*key=PRIMARY`), true: regexp.MustCompile(`^table=ps_contacts type=ALL .*rows=`)},
	"postgres": {false: regexp.MustCompile(`Index Scan using ps_contacts_pkey`), true: regexp.MustCompile(`Seq Scan on ps_contacts`)},
}

func testPlans(t *testing.T, s *site, name string) {
	l := s.load(t)
	for _, c := range []testCase{
		{text: "ps_contacts/single", fields: []string{"id=u5;@1"}},
		{text: "ps_contacts/update", fields: []string{"id=u5;@1"}, set: []string{"uri=x"}},
		{text: "ps_contacts/destroy", fields: []string{"id=u5;@1"}},
		{text: "ps_contacts/multi", fields: []string{"user_agent=x"}},
		{text: "ps_contacts/update", fields: []string{"user_agent=x"}, set: []string{"uri=x"}},
		{text: "ps_contacts/destroy", fields: []string{"user_agent=x"}},
	} {
		report, err := c.explain(t, l)
		if err != nil {
			t.Fatal(err)
		}
		st, all := report.Statements[0], c.fields[0] == "user_agent=x"
		if st.Scans != all || !slices.ContainsFunc(st.Plan, planWords[name][all].MatchString) {
			t.Errorf("%s: it reads all rows: %v: %q", st.SQL, st.Scans, st.Plan)
		}
	}
}

// testWrite shows the guard behind the gateway, which sends no write.
func testWrite(t *testing.T, s *site, _ string) {
	db := s.load(t).DB
	table, err := db.Describe(t.Context(), "ps_contacts")
	if err != nil {
		t.Fatal(err)
	}
	destroy, err := sqlgen.Destroy(db.Dialect(), table, []sqlgen.Field{{Name: "id LIKE", Value: "%"}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.Exec(t.Context(), destroy); databasetest.CauseOf(err) != sqlgen.ReadOnly {
		t.Errorf("%d rows, %v", n, err)
	}
	if n, err := db.ExecAll(t.Context(), []sqlgen.Statement{destroy}); databasetest.CauseOf(err) != sqlgen.ReadOnly {
		t.Errorf("all: %d statements, %v", n, err)
	}
	if n, err := db.Alter(t.Context(), false, []string{"DROP TABLE ps_contacts"}); databasetest.CauseOf(err) != sqlgen.ReadOnly {
		t.Errorf("tables: %d statements, %v", n, err)
	}
}

// testViewThatWrites explains requests that would write whatever the operation: to read a row of
// the view is to change one. SQLite has no such views.
func testViewThatWrites(t *testing.T, s *site, name string) {
	want := explain.ErrChanges
	if name == "sqlite" {
		want = nil // there is no such table
	}
	for _, c := range []testCase{
		{name: "a read", text: "busy/multi", fields: []string{"noted=1"}},
		{name: "an update", text: "busy/update", fields: []string{"noted=1"}, set: []string{"user_agent=x"}},
		{name: "a destroy", text: "busy/destroy", fields: []string{"noted=1"}},
	} {
		if text, err := s.explained(t, c); !errors.Is(err, want) {
			t.Errorf("%s: %v\n%s", c.name, err, text)
		}
	}
}

// TestLinesAreShort finds lines of more than 100 characters that are neither SQL nor of the
// response.
func TestLinesAreShort(t *testing.T) {
	for name := range sites {
		text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		label := ""
		for line := range strings.Lines(string(text)) {
			if word, _, _ := strings.Cut(line, " "); word != "" {
				label = word
			}
			if len(line) > 101 && !slices.Contains([]string{"sql", "response", "Asterisk"}, label) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// rows are all rows of all tables.
func (s *site) rows(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, table := range []string{"ps_contacts", "ps_endpoints", "voicemail", "ast_config", "changes"} {
		rows, err := s.beside.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		found[table] = []string{}
		for rows.Next() {
			values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			found[table] = append(found[table], fmt.Sprint(values))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(found[table])
	}
	return found
}
