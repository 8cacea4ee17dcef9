package testenv

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/sqlitedriver"

	"dbsep/internal/mariadbtest"
)

// A Site is a database with tables and rows, and a dbsep.conf that names it.
type Site struct {
	Kind   string  // "SQLite", "MariaDB" or "PostgreSQL"
	Conf   string  // path of dbsep.conf
	DB     *sql.DB // the tests' own way to the rows, past dbsep
	Folder string
}

// SQLite makes a site of a file and fills it with the SQL of a script. Any
// account may write it.
func SQLite(t testing.TB, script string) *Site {
	t.Helper()
	dir := openFolder(t)
	file := filepath.Join(dir, "site.db")
	db, err := sql.Open(sqlitedriver.Name, "file:"+file+"?_busy_timeout=10000")
	check(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), Script(t, script))
	check(t, err)
	check(t, os.Chmod(file, 0o666))
	return newSite(t, "SQLite", dir, db, "dsn=DBI:SQLite:dbname="+file, "dbuser=", "dbpass=")
}

// MariaDB makes a site of a database of its own on the test server and fills it.
func MariaDB(t testing.TB, script string) *Site {
	t.Helper()
	server := mariadbtest.Start(t)
	name := server.Database(t)
	db, err := server.Open(name)
	check(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), Script(t, script))
	check(t, err)
	return newSite(t, "MariaDB", openFolder(t), db,
		fmt.Sprintf("dsn=DBI:mysql:database=%s;host=%s;port=%d", name, server.Host, server.Port),
		"dbuser="+server.User, "dbpass="+server.Password)
}

func newSite(t testing.TB, kind, dir string, db *sql.DB, lines ...string) *Site {
	t.Helper()
	s := &Site{Kind: kind, Conf: filepath.Join(dir, "dbsep.conf"), DB: db, Folder: dir}
	s.Configure(t, lines...)
	return s
}

// Configure adds lines to the site's dbsep.conf.
func (s *Site) Configure(t testing.TB, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(s.Conf, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(t, err)
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	check(t, err)
	check(t, f.Close())
}

// openFolder makes a temporary folder that programs of other accounts can enter
// and write.
func openFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dbsep-e2e-")
	check(t, err)
	check(t, os.Chmod(dir, 0o777))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	return string(text)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
