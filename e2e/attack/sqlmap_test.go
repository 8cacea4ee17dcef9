//go:build e2e

package attack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// An injection is a request with an asterisk at each place where sqlmap tries to
// smuggle SQL in.
type injection struct {
	name, target, body string
	everywhere         bool // in the short run too, not only on SQLite
}

var injections = []injection{
	{name: "single", target: "/peers*/single", body: "name*%20LIKE*=alice*", everywhere: true},
	{name: "update", target: "/peers/update?name=alice*&port*=5060*", body: "context*=inside*", everywhere: true},
	{name: "two conditions", target: "/peers/single", body: "port*%20%3E*=5059*&name=alice*"},
	{name: "single by GET", target: "/peers*/single?name*%20LIKE*=alice*&port*=5060*"},
	{name: "multi", target: "/peers*/multi", body: "name*%20LIKE*=al%25*&port*%20%3E*=5059*"},
	{name: "update with an operator", target: "/peers*/update?name*%20LIKE*=alice*", body: "context=inside"},
	{name: "store", target: "/peers*/store", body: "name=carol*&context*=inside*&port=5062*"},
	{name: "destroy", target: "/peers*/destroy", body: "name*%20LIKE*=nobody*&port*%20%3C*=1*"},
	{name: "require", target: "/peers*/require", body: "name*=char*:40*"},
}

// canary is what rows hold that no client may see: letters, which no encoding
// changes.
const canary = "canary"

// full is whether sqlmap is to try every place on every database, and UNION with
// every number of columns. It takes half an hour; "make attack" does it.
var full = os.Getenv("DBSEP_ATTACK") == "full"

func TestInjection(t *testing.T) {
	program := testenv.Installed(t, "sqlmap", "sqlmap")
	for _, k := range kinds {
		testenv.Feature(t, "attack/"+k.name, "sqlmap, level 5, risk 3: no finding", func(t *testing.T) {
			site := k.site(t, "testdata/injection.sql")
			hideElsewhere(t, site)
			x := serve(t, site, "[tables]", "*=write", "hidden=none")
			before := schema(t, site)
			t.Run("attacks", func(t *testing.T) {
				for _, i := range injections {
					if !full && !i.everywhere && k.name != "SQLite" {
						continue
					}
					t.Run(i.name, func(t *testing.T) {
						t.Parallel()
						attackBySQLMap(t, program, x.url, k.name, i).wantNothing(t, i)
					})
				}
			})
			if after := schema(t, site); after != before {
				t.Errorf("the database was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// TestSQLMapFindsWhatIsThere shows that the same attack finds a server that makes
// SQL of what it is sent, and with it what is hidden.
func TestSQLMapFindsWhatIsThere(t *testing.T) {
	program := testenv.Installed(t, "sqlmap", "sqlmap")
	testenv.Feature(t, "attack", "sqlmap, level 5, risk 3: finds a careless server", func(t *testing.T) {
		site := testenv.SQLite(t, "testdata/injection.sql")
		found := attackBySQLMap(t, program, careless(t, site.DB), site.Kind, injection{target: "/peers/single", body: "name=alice*"}, "--dump", "-T", "hidden", "-C", "secret")
		if !strings.Contains(found.said, "is vulnerable") || strings.Contains(found.said, "all tested parameters do not appear to be injectable") {
			t.Errorf("sqlmap says:\n%s", found.said)
		}
		if !found.leaked() {
			t.Errorf("sqlmap has not found the canary:\n%s", found.said)
		}
	})
}

// A finding is what sqlmap said, and where it left the requests and responses.
type finding struct {
	said, traffic string
}

// attackBySQLMap runs sqlmap on one injection.
func attackBySQLMap(t *testing.T, program, base, kind string, i injection, more ...string) finding {
	t.Helper()
	dir := t.TempDir()
	arguments := []string{
		"-u", base + i.target, "--level", "5", "--risk", "3", "--ignore-code", "*",
		"--dbms", map[string]string{"SQLite": "SQLite", "MariaDB": "MySQL", "PostgreSQL": "PostgreSQL"}[kind],
		"--batch", "--flush-session", "--disable-coloring", "--output-dir", dir, "-t", filepath.Join(dir, "traffic"),
	}
	if i.body != "" {
		arguments = append(arguments, "--data", i.body)
	}
	if full {
		arguments = append(arguments, "--answers", "reduce the number=N")
	}
	cmd := exec.CommandContext(t.Context(), program, append(arguments, more...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlmap: %v\n%s", err, said)
	}
	traffic, err := os.ReadFile(filepath.Join(dir, "traffic"))
	check(t, err)
	return finding{string(said), string(traffic)}
}

func (f finding) leaked() bool {
	return strings.Contains(f.said, canary) || strings.Contains(f.traffic, canary)
}

var harmless = regexp.MustCompile(`parameter '#\d+\*' does not seem to be injectable`)

// wantNothing wants sqlmap to have tried every place, to have had responses, and to
// have found nothing.
func (f finding) wantNothing(t *testing.T, i injection) {
	t.Helper()
	places := strings.Count(i.target+i.body, "*")
	if n := len(harmless.FindAllString(f.said, -1)); n != places || !strings.Contains(f.said, "all tested parameters do not appear to be injectable") || strings.Contains(f.said, "is vulnerable") {
		t.Errorf("sqlmap calls %d of %d places harmless:\n%s", n, places, f.said)
	}
	if f.leaked() {
		t.Error("an answer holds a canary")
	}
	requests, answers := strings.Count(f.traffic, "HTTP request [#"), strings.Count(f.traffic, "HTTP response [#")
	if requests < 100*places || answers < requests {
		t.Errorf("%d requests, %d answers", requests, answers)
	}
	t.Logf("%d places, %d requests", places, requests)
}

// hideElsewhere puts a canary beside the schema that dbsep serves.
func hideElsewhere(t *testing.T, s *testenv.Site) {
	t.Helper()
	var statements []string
	switch s.Kind {
	case "SQLite":
		check(t, os.WriteFile(filepath.Join(s.Folder, "elsewhere.txt"), []byte(canary+"File"), 0o600))
		return
	case "MariaDB":
		statements = append(statements, "DROP DATABASE IF EXISTS elsewhere", "CREATE DATABASE elsewhere")
		t.Cleanup(func() {
			if _, err := s.DB.Exec("DROP DATABASE elsewhere"); err != nil {
				t.Error(err)
			}
		})
	case "PostgreSQL":
		statements = append(statements, "CREATE SCHEMA elsewhere")
	}
	statements = append(statements, "CREATE TABLE elsewhere.peers (name VARCHAR(40), secret VARCHAR(80))",
		"INSERT INTO elsewhere.peers VALUES ('alice', '"+canary+"Elsewhere')")
	for _, text := range statements {
		_, err := s.DB.ExecContext(t.Context(), text)
		check(t, err)
	}
}

// schema returns what tables a site has, with their columns, and what is in the one
// that nobody may reach.
func schema(t *testing.T, s *testenv.Site) string {
	t.Helper()
	text := "SELECT concat(table_schema, '.', table_name, '.', column_name, ' ', data_type) FROM information_schema.columns " +
		"WHERE table_schema NOT IN ('information_schema', 'pg_catalog', 'mysql', 'sys', 'performance_schema') ORDER BY 1"
	if s.Kind == "SQLite" {
		text = "SELECT coalesce(sql, name) FROM sqlite_master ORDER BY name"
	}
	var all strings.Builder
	for _, text := range []string{text, "SELECT concat(name, ' ', secret) FROM hidden"} {
		if s.Kind == "SQLite" {
			text = strings.Replace(text, "concat(name, ' ', secret)", "name || ' ' || secret", 1)
		}
		rows, err := s.DB.QueryContext(t.Context(), text)
		check(t, err)
		defer rows.Close()
		for rows.Next() {
			var one string
			check(t, rows.Scan(&one))
			fmt.Fprintln(&all, one)
		}
		check(t, rows.Err())
	}
	return all.String()
}
