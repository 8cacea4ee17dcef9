package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/inspect"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
)

// found is what dbsep check finds in a database: "TABLE: TEXT".
func (s aSite) found(t *testing.T, account string) (texts []string) {
	t.Helper()
	findings, _ := check(t, writeConf(t, "%s", s.settings), account)
	for _, f := range findings {
		if f.Level != inspect.Warning || f.Hint == "" {
			t.Errorf("it is an error, or does not say what to do: %+v", f)
		}
		texts = append(texts, f.Table+": "+f.Text)
	}
	return texts
}

// A scene is a table that Asterisk writes, made of others, and what is found then by the kind
// of the database; "" for none. MySQL is as MariaDB where nothing else is said.
type scene struct {
	name  string
	make  []string
	found map[string]string
}

const (
	contactsTable = "CREATE TABLE contacts (id VARCHAR(255) NOT NULL PRIMARY KEY, uri VARCHAR(511)" + contactColumns + ")"
	contactsView  = `CREATE VIEW ps_contacts AS SELECT id, uri, expiration_time, qualify_frequency, outbound_proxy, path, user_agent,
		qualify_timeout, reg_server, authenticate_qualify, via_addr, via_port, call_id, endpoint, prune_on_boot FROM contacts`
	membersTable = `CREATE TABLE members (uniqueid INTEGER NOT NULL PRIMARY KEY, queue_name VARCHAR(80), interface VARCHAR(80), penalty INTEGER,
		paused INTEGER, reason_paused VARCHAR(80))`
)

const (
	noView       = "it takes no changes, which Asterisk makes: "
	noViewAtAll  = "it takes no changes, no new rows, no deletions, which Asterisk makes: "
	noValue      = " takes no value, and Asterisk stores one: "
	sqliteView   = "cannot modify TABLE because it is a view"
	postgresView = `ERROR: cannot update view "TABLE" (SQLSTATE 55000)`
)

var scenes = []scene{
	{
		"a view of all columns", []string{contactsTable, contactsView},
		map[string]string{"SQLite": "ps_contacts: " + noViewAtAll + sqliteView},
	},
	{
		"a view with a computed column", []string{contactsTable, strings.Replace(contactsView, "via_port", "via_port + 0 AS via_port", 1)},
		map[string]string{
			"SQLite":     "ps_contacts: " + noViewAtAll + sqliteView,
			"MariaDB":    "ps_contacts: via_port" + noValue + "Error 1348 (HY000): Column 'via_port' is not updatable",
			"MySQL":      "ps_contacts: it takes no new rows, which Asterisk makes: Error 1348 (HY000): Column 'via_port' is not updatable",
			"PostgreSQL": "ps_contacts: via_port" + noValue + `ERROR: cannot update column "via_port" of view "ps_contacts" (SQLSTATE 0A000)`,
		},
	},
	{
		"a view with a computed column that Asterisk only reads",
		[]string{membersTable, "CREATE VIEW queue_members AS SELECT uniqueid, queue_name, interface, penalty + 1 AS penalty, paused, reason_paused FROM members"},
		map[string]string{"SQLite": "queue_members: " + noView + sqliteView},
	},
	{
		"a view of groups",
		[]string{membersTable, "CREATE VIEW queue_members AS SELECT uniqueid, max(queue_name) AS queue_name, max(interface) AS interface, max(penalty) AS penalty, " +
			"max(paused) AS paused, max(reason_paused) AS reason_paused FROM members GROUP BY uniqueid"},
		map[string]string{
			"SQLite":     "queue_members: " + noView + sqliteView,
			"MariaDB":    "queue_members: " + noView + "Error 1288 (HY000): The target table queue_members of the UPDATE is not updatable",
			"PostgreSQL": "queue_members: " + noView + postgresView,
		},
	},
	{
		"a join that has the stored columns of two tables",
		[]string{
			"CREATE TABLE members (uniqueid INTEGER NOT NULL PRIMARY KEY, queue_name VARCHAR(80), interface VARCHAR(80), penalty INTEGER, paused INTEGER)",
			"CREATE TABLE reasons (uniqueid INTEGER NOT NULL PRIMARY KEY, reason_paused VARCHAR(80))",
			"CREATE VIEW queue_members AS SELECT m.uniqueid, queue_name, interface, penalty, paused, reason_paused FROM members m JOIN reasons r ON r.uniqueid = m.uniqueid",
		},
		map[string]string{
			"SQLite":     "queue_members: " + noView + sqliteView,
			"MariaDB":    "queue_members: " + noView + "Error 1393 (HY000): Can not modify more than one base table through a join view",
			"PostgreSQL": "queue_members: " + noView + postgresView,
		},
	},
	{
		"a password that is computed",
		[]string{
			"CREATE TABLE boxes (uniqueid INTEGER NOT NULL PRIMARY KEY, context VARCHAR(80), mailbox VARCHAR(80), pin VARCHAR(80))",
			"CREATE VIEW voicemail AS SELECT uniqueid, context, mailbox, lower(pin) AS password FROM boxes",
		},
		map[string]string{
			"SQLite":     "voicemail: " + noView + sqliteView,
			"MariaDB":    "voicemail: password" + noValue + "Error 1348 (HY000): Column 'password' is not updatable",
			"PostgreSQL": "voicemail: password" + noValue + `ERROR: cannot update column "password" of view "voicemail" (SQLSTATE 0A000)`,
		},
	},
	{
		"a generated column",
		[]string{"CREATE TABLE queue_members (uniqueid INTEGER NOT NULL PRIMARY KEY, queue_name VARCHAR(80), interface VARCHAR(80), penalty INTEGER, " +
			"paused INTEGER GENERATED ALWAYS AS (penalty + 1) STORED, reason_paused VARCHAR(80))"},
		map[string]string{
			"SQLite":     `queue_members: paused` + noValue + `cannot UPDATE generated column "paused"`,
			"MariaDB":    "queue_members: paused" + noValue + "the database computes it",
			"MySQL":      "queue_members: paused" + noValue + "Error 3105 (HY000): The value specified for generated column 'paused' in table 'queue_members' is not allowed.",
			"PostgreSQL": "queue_members: paused" + noValue + `ERROR: column "paused" can only be updated to DEFAULT (SQLSTATE 428C9)`,
		},
	},
}

func TestColumnsThatCannotBeWritten(t *testing.T) {
	for _, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			onEachDatabase(t, func(t *testing.T, s aSite) {
				var want []string
				text := sc.found[s.kind]
				if own := sc.found["MySQL"]; s.kind == "MariaDB" && os.Getenv(mariadbtest.MySQLRoot) != "" && own != "" {
					text = own
				}
				if text != "" {
					table, _, _ := strings.Cut(text, ":")
					want = []string{strings.ReplaceAll(text, "TABLE", table)}
				}
				got := s.found(t, s.account)
				for i := range got {
					got[i], _, _ = strings.Cut(got[i], " 'test") // the name of the test's database
					// SQLite's translation to Go says more.
					got[i] = strings.TrimSuffix(strings.Replace(got[i], "SQL logic error: ", "", 1), " (1)")
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}, sc.make...)
		})
	}
}

// TestViewsWithTriggers has views that INSTEAD OF triggers make writable.
func TestViewsWithTriggers(t *testing.T) {
	for kind, triggers := range map[string][]string{
		"SQLite": {
			"CREATE TRIGGER a INSTEAD OF INSERT ON ps_contacts BEGIN INSERT INTO contacts (id) VALUES (NEW.id); END",
			"CREATE TRIGGER b INSTEAD OF UPDATE ON ps_contacts BEGIN UPDATE contacts SET uri = NEW.uri WHERE id = OLD.id; END",
			"CREATE TRIGGER c INSTEAD OF DELETE ON ps_contacts BEGIN DELETE FROM contacts WHERE id = OLD.id; END",
			"CREATE TRIGGER d INSTEAD OF UPDATE ON queue_members BEGIN UPDATE members SET paused = NEW.paused WHERE uniqueid = OLD.uniqueid; END",
		},
		"PostgreSQL": {
			"CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER a INSTEAD OF INSERT OR UPDATE OR DELETE ON ps_contacts FOR EACH ROW EXECUTE FUNCTION nothing()",
			"CREATE TRIGGER d INSTEAD OF UPDATE ON queue_members FOR EACH ROW EXECUTE FUNCTION nothing()",
		},
	} {
		var want []string
		if kind == "SQLite" {
			want = []string{"ps_contacts: it is a view with INSTEAD OF triggers, whose rows SQLite does not count, and Asterisk takes each write for failed"}
		}
		t.Run(kind, func(t *testing.T) {
			s := openSite[kind](t)
			s.exec(t, append([]string{
				contactsTable, strings.Replace(contactsView, "FROM contacts", "FROM contacts GROUP BY id", 1),
				membersTable, "CREATE VIEW queue_members AS SELECT uniqueid, queue_name, interface, penalty, paused + 0 AS paused, reason_paused FROM members",
			}, triggers...)...)
			if diff := cmp.Diff(want, s.found(t, s.account)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRightsAreThoseOfWhatAsteriskWrites has an account that may change a column and nothing
// else.
func TestRightsAreThoseOfWhatAsteriskWrites(t *testing.T) {
	s := openSite["PostgreSQL"](t)
	pgtest.Start(t).Exec(t, "CREATE ROLE pinchanger LOGIN PASSWORD 'pinchanger'")
	s.exec(t, "CREATE TABLE voicemail (uniqueid INTEGER PRIMARY KEY, context VARCHAR(80), mailbox VARCHAR(80), password VARCHAR(80))",
		"CREATE TABLE queue_log (time TIMESTAMP(6), callid VARCHAR(80), queuename VARCHAR(80), agent VARCHAR(80), event VARCHAR(80), "+
			"data1 VARCHAR(80), data2 VARCHAR(80), data3 VARCHAR(80), data4 VARCHAR(80), data5 VARCHAR(80))",
		"GRANT SELECT ON voicemail, queue_log TO pinchanger", "GRANT UPDATE (password) ON voicemail TO pinchanger")
	findings, _ := check(t, writeConf(t, "%sdbuser=pinchanger\ndbpass=pinchanger\n", strings.SplitAfterN(s.settings, "\n", 2)[0]), "pinchanger")
	if len(findings) != 1 || findings[0].Error() != "table queue_log: Asterisk writes it, and the account may not; grant it INSERT" {
		t.Errorf("%v", findings)
	}
}
