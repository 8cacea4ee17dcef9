//go:build e2e

package perl

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/inspect"
	"dbsep/internal/testenv"
)

// found is how the warnings begin that each kind of database earns by what the
// script has written there.
var found = map[string][]string{
	"sqlite":  {"table ps_contacts: 1 row holds a plain ;"},
	"mariadb": {"table ps_contacts: 1 row holds a plain ;"},
	"pg": {
		"table ps_contacts: 1 row holds a plain ;",
		"table voicemail: 1 row holds text in fullname that was encoded as UTF-8 twice",
		"table voicemail: 1 row holds text in email that was encoded as UTF-8 twice",
	},
}

func TestCheck(t *testing.T) {
	for db := range sites {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			s := openSite(t, db, "")
			testenv.Feature(t, "check/"+s.Kind, "what the script stored split or encoded twice, and its fixing", func(t *testing.T) {
				s.testCheck(t, found[db])
			})
		})
	}
}

func (s *site) testCheck(t *testing.T, want []string) {
	s.exec(t, "DELETE FROM ps_contacts")
	s.widen(t)
	if warnings := s.check(t); len(warnings) != 0 {
		t.Errorf("before the script writes, check warns of %v", warnings)
	}
	for _, w := range []struct{ target, body string }{
		{"/ps_contacts/store", "id=alice%3B%40c9&uri=sip%3Aalice%4010.0.0.9%3A5060%3Bob&endpoint=alice"},
		{"/voicemail/store", "context=default&mailbox=777&fullname=J%C3%B6rg%20M%C3%BCller"},
		{"/voicemail/update?mailbox=777", "email=%E2%82%AC%40example.org"},
	} {
		if a := ask(t, "POST", s.script+w.target, w.body); a.body != "1\n" {
			t.Fatalf("the script answers %s with %q", w.target, a.body)
		}
	}
	warnings := s.check(t)
	if !slices.EqualFunc(warnings, want, func(w inspect.Finding, want string) bool { return strings.HasPrefix(w.Error(), want) }) {
		t.Fatalf("check warns of %v, want %q", warnings, want)
	}
	for _, w := range warnings {
		s.exec(t, w.SQL)
	}
	if warnings := s.check(t); len(warnings) != 0 {
		t.Errorf("when all is fixed, check warns of %v", warnings)
	}
	const row = "&mailbox=777&fullname=J%C3%B6rg%20M%C3%BCller&email=%E2%82%AC%40example.org\n"
	if a := ask(t, "POST", s.Serve(t)+"/voicemail/single", "mailbox=777"); !strings.HasSuffix(a.body, row) {
		t.Errorf("dbsep reads the row as %q", a.body)
	}
}

// widen runs what check proposes for the one column that is narrower than what
// Asterisk stores, where the database limits texts at all.
func (s *site) widen(t *testing.T) {
	if s.Kind == "SQLite" {
		return
	}
	warnings := s.check(t)
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0].Error(), "table sippeers: fullcontact is ") {
		t.Fatalf("check warns of %v, want the width of sippeers.fullcontact", warnings)
	}
	s.exec(t, warnings[0].SQL)
}

// check runs the manual's command and returns the warnings about tables: the script's
// contacts are not all that an Asterisk of today stores. Other rows of the site have a plain
// semicolon from the beginning. The script's account is another
// one, so all may read its configuration; the copy is for one account.
func (s *site) check(t *testing.T) (warnings []inspect.Finding) {
	t.Helper()
	text, err := os.ReadFile(s.Conf)
	check(t, err)
	conf := filepath.Join(t.TempDir(), "dbsep.conf")
	check(t, os.WriteFile(conf, text, 0o600))
	command := testenv.ReadPage(t, "../../docs/migrating.md").Block(t, "check", "/etc/asterisk/dbsep.conf", conf)
	c := exec.CommandContext(t.Context(), "sh", "-c", strings.TrimSpace(command)+" --json")
	c.Env = append(os.Environ(), "PATH="+filepath.Dir(testenv.Program(t))+":"+os.Getenv("PATH"))
	out, err := c.Output()
	var report inspect.Report
	check(t, json.Unmarshal(out, &report))
	if got, want := c.ProcessState.ExitCode(), min(len(report.Findings), 1); got != want {
		t.Errorf("check ends with status %d, want %d: %v\n%s", got, want, err, out)
	}
	for _, f := range report.Findings {
		if ofSite := strings.Contains(f.Text, "holds a plain ;") && f.Table != "ps_contacts"; f.Table != "" && !ofSite {
			warnings = append(warnings, f)
		}
	}
	return warnings
}
