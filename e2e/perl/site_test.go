//go:build e2e

package perl

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// recorded is the folder of the recordings, and of the rows they were made of.
const recorded = "../../internal/replay/testdata/"

// sites are the kinds of databases, by the names that the recordings have for
// them: how one is made, and what it calls its schema.
var sites = map[string]struct {
	open   func(t testing.TB, script string) *testenv.Site
	schema string
}{
	"sqlite":  {testenv.SQLite, "SELECT 'main'"},
	"mariadb": {testenv.MariaDB, "SELECT DATABASE()"},
	"pg":      {testenv.Postgres, "SELECT current_schema()"},
}

// A site is a database that the Perl script serves, behind an Apache.
type site struct {
	*testenv.Site
	script string // URL of the Perl script
	log    string // file of Apache's access log
}

// accessLog is Debian's way to write one.
const accessLog = `LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" combined
CustomLog `

// openSite makes a site of the recordings' rows and starts an Apache with the
// script and further lines of configuration.
func openSite(t *testing.T, db, further string) *site {
	t.Helper()
	s := newSite(t, db)
	s.Configure(t, "dbschema="+s.value(t, sites[db].schema))
	s.log = filepath.Join(s.Folder, "access.log")
	address := testenv.FreeAddress(t)
	lines := testenv.ReadPage(t, "../../docs/apache.md").Block(t, "dbsep-cgi.conf",
		"/usr/lib/cgi-bin", s.InstallPerlScript(t), "/etc/asterisk/dbsep.conf", s.Conf)
	testenv.Apache(t, address, []string{"cgid"}, lines+accessLog+s.log+" combined\n"+further)
	s.script = "http://" + address + path
	return s
}

// newSite makes a site of the recordings' rows that only dbsep serves.
func newSite(t *testing.T, db string) *site {
	t.Helper()
	return &site{Site: sites[db].open(t, recorded+"golden-"+db+".sql")}
}

// path is where dbsep.cgi has always been.
const path = "/cgi-bin/dbsep.cgi"

// An answer is the response that a client gets.
type answer struct {
	status     int
	kind, body string // Content-Type and text
}

// ask sends a request in Asterisk's manner.
func ask(t *testing.T, method, url, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	check(t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := http.DefaultClient.Do(r)
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
}

// logged tries to find at least so many lines in the access log.
func (s *site) logged(lines int) func(context.Context) error {
	return func(context.Context) error {
		text, err := os.ReadFile(s.log)
		if n := bytes.Count(text, []byte("\n")); err == nil && n < lines {
			return fmt.Errorf("the access log has %d lines", n)
		}
		return err
	}
}

// exec runs a statement past both gateways.
func (s *site) exec(t *testing.T, statement string) {
	t.Helper()
	_, err := s.DB.ExecContext(t.Context(), statement)
	check(t, err)
}

// value reads one value past both gateways.
func (s *site) value(t *testing.T, query string) string {
	t.Helper()
	var v sql.NullString
	check(t, s.DB.QueryRowContext(t.Context(), query).Scan(&v))
	return v.String
}

// dbsep runs the program to its end and returns what it writes, and its status.
func dbsep(t *testing.T, arguments ...string) (out string, status int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), testenv.Program(t), arguments...)
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	if err := c.Run(); c.ProcessState == nil {
		t.Fatal(err)
	}
	return both.String(), c.ProcessState.ExitCode()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
