package setup

import (
	"bytes"
	_ "dbsep/internal/database/all"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/config"
	_ "dbsep/internal/database/all"
	"dbsep/internal/database/sqlite"
)

var update = flag.Bool("update", false, "rewrite testdata/config/*.want; then read every line that changed")

// otherFiles are the files that configurations of the test name, or find by
// themselves.
var otherFiles = map[string]string{
	"my.cnf": `[client]
host = db2.example.org
port = 3308
user = client
password = "s3#cret"
[realtime]
database = asterisk # of the PBX
[mysqld]
user = mysql
`,
	"pg_service.conf": `# services
[other]
dbname=other
[pbx]
host=10.0.0.9
port=5432
dbname=asterisk
user=service
`,
	"odbc.ini": `[asterisk]
Description = of the PBX
Driver = MariaDB Unicode
SERVER = db1.example.org
PORT = 3307
DATABASE = asterisk
UID = stored
PWD = stored
`,
	"odbcinst.ini": `[MariaDB Unicode]
Driver = /usr/lib/x86_64-linux-gnu/odbc/libmaodbc.so
[PostgreSQL Unicode]
Driver = psqlodbcw.so
[SQLite3]
Driver = libsqlite3odbc.so
`,
}

// others are variables that say something of a database.
var others = regexp.MustCompile(`^(DBI|PG|MYSQL|ODBC)`)

// environments are what some of the configurations find in theirs.
var environments = map[string][]string{
	"pg":                           {"PGHOST=db9.example.org", "PGUSER=other"}, // for what is left open only
	"pg-service":                   {"PGSERVICEFILE=WORK/pg_service.conf", "PGUSER=other", "DBI_USER=another"},
	"environment":                  {"DBI_DSN=DBI:Pg:dbname=asterisk", "DBI_USER=asterisk", "DBI_PASS=s3cret", "PGHOST=db3.example.org"},
	"environment-with-empty-lines": {"DBI_DSN=DBI:mysql:asterisk:db1.example.org", "DBI_USER=asterisk", "DBI_PASS=s3cret"},
}

// TestConfigurations reads files as sites have them: each NAME.conf of
// testdata/config has to be read as NAME.want says. WORK is replaced by a folder
// with the files that they name.
func TestConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".conf")
		t.Run(name, func(t *testing.T) {
			testConfiguration(t, strings.TrimSuffix(file, ".conf"), environments[name])
		})
	}
}

func testConfiguration(t *testing.T, path string, environ []string) {
	dir := t.TempDir()
	text, err := os.ReadFile(path + ".conf")
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, filepath.Base(path)+".conf")
	if err := os.WriteFile(conf, bytes.ReplaceAll(text, []byte("WORK"), []byte(dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, content := range otherFiles {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlite.Create(t.Context(), filepath.Join(dir, "realtime.db"), ""); err != nil {
		t.Fatal(err)
	}
	for _, variable := range os.Environ() { // what a machine has by itself does not count
		if name, _, _ := strings.Cut(variable, "="); others.MatchString(name) {
			t.Setenv(name, "")
		}
	}
	for _, variable := range append([]string{
		"HOME=WORK", "MYSQL_UNIX_PORT=/run/mysqld/mysqld.sock", "ODBCSYSINI=WORK",
	}, environ...) {
		variable, value, _ := strings.Cut(strings.ReplaceAll(variable, "WORK", dir), "=")
		t.Setenv(variable, value)
	}
	got := strings.ReplaceAll(reading(t, conf), dir, "WORK")
	if *update {
		if err := os.WriteFile(path+".want", []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path + ".want")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the file is read otherwise; with -update the reading is written down, to be read line by line (-want +got):\n%s", diff)
	}
}

// reading is how a configuration is read, in lines for people.
func reading(t *testing.T, conf string) string {
	var b strings.Builder
	s, err := Load(conf)
	var mistakes config.Problems
	switch {
	case errors.As(err, &mistakes):
		for _, p := range mistakes {
			fmt.Fprintf(&b, "mistake   %v\n", p)
		}
		return b.String()
	case err != nil:
		t.Fatal(err)
	}
	defer s.Close()
	value := func(name, text string) { fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("%-9s %s", name, text), " ")) }
	account := s.DB.Account()
	if u, err := user.Current(); err == nil && account == u.Username {
		account = "(the one that dbsep runs as)"
	}
	value("kind", s.DB.Kind())
	value("address", s.DB.Address())
	value("account", account)
	if through := s.DB.Through(); through != "" {
		value("through", through)
	}
	value("dbpass", s.Config.Password)
	value("dbschema", s.Config.Schema)
	for _, p := range s.Warnings() {
		fmt.Fprintf(&b, "warning   %v\n", p)
	}
	return b.String()
}
