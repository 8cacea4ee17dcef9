//go:build odbc

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/inspect"
)

// TestODBCChecksWhatNeedsNoKnowledgeOfTheDatabase has a driver that dbsep does not know,
// before a database with faults of several kinds.
func TestODBCChecksWhatNeedsNoKnowledgeOfTheDatabase(t *testing.T) {
	s := openSite["SQLite"](t)
	s.exec(t, "CREATE TABLE ps_contacts (id VARCHAR(255) PRIMARY KEY, uri VARCHAR(511)"+contactColumns+")",
		"CREATE TABLE queue_members (uniqueid INTEGER PRIMARY KEY, queue_name VARCHAR(80), interface VARCHAR(80), paused INTEGER, reason_paused VARCHAR(80))",
		"INSERT INTO ps_contacts (id, uri) VALUES ('a^3B@1', 'sip:a;transport=ws'), ('b^3B@1', 'sip:b'), ('c^@1', NULL)")
	found, err := filepath.Glob("/usr/lib/*/odbc/libsqlite3odbc.so")
	if err != nil || len(found) == 0 {
		t.Fatal("there is no libsqlite3odbc.so: install libsqliteodbc")
	}
	driver := filepath.Join(t.TempDir(), "libother.so")
	if err := os.Symlink(found[0], driver); err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(strings.TrimSpace(s.settings), "dbname=")
	conf := writeConf(t, "dsn=DBI:ODBC:Driver=%s;Database=%s;LongNames=1\n", driver, file)
	cmd := exec.CommandContext(t.Context(), "dbsep", "check", "--json", "--asterisk", "22", conf)
	out, _ := cmd.Output()
	var r inspect.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var texts []string
	for _, f := range r.Findings {
		texts = append(texts, f.Table+": "+f.Text)
	}
	const columns = " in id, uri, path, user_agent, and Asterisk "
	want := []string{
		"ps_contacts: 1 column of Asterisk 22.10.1 missing, such as ps_contacts.qualify_2xx_only",
		"ps_contacts: 1 row holds a plain ;" + columns + `splits the value there; the first has id "a^3B@1"`,
		"ps_contacts: 1 row holds a plain ^" + columns + `reads another value, or does not find the row; the first has id "c^@1"`,
		"queue_members: 5 columns of Asterisk 22.10.1 missing, such as queue_members.membername",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d := r.Database; d.Asterisk != "compared with the tables of 22.10.1" || !strings.Contains(d.NotChecked, "types, keys and indexes") {
		t.Errorf("%+v", d)
	}
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("status %d", code)
	}
}
