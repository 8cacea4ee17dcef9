package schema_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/asterisk"
	"dbsep/internal/database"
	_ "dbsep/internal/database/all"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/schema"
	"dbsep/internal/sqlitedriver"
)

func TestMain(m *testing.M) {
	code := m.Run()
	mariadbtest.Stop()
	pgtest.Stop()
	os.Exit(code)
}

// A site is a database as an administrator and as dbsep sees it.
type site struct {
	*sql.DB
	source database.Source
}

// sites make an empty database, by the name of its kind.
var sites = map[string]func(t *testing.T) site{
	"sqlite": func(t *testing.T) site {
		file := filepath.Join(t.TempDir(), "site.db")
		check(t, os.WriteFile(file, nil, 0o600))
		db, err := sql.Open(sqlitedriver.Name, "file:"+file+"?_busy_timeout=10000")
		check(t, err)
		t.Cleanup(func() { db.Close() })
		return site{db, database.Source{DSN: "DBI:SQLite:dbname=" + file}}
	},
	"mysql": func(t *testing.T) site {
		server := mariadbtest.Start(t)
		name := server.Database(t)
		db, err := server.Open(name)
		check(t, err)
		t.Cleanup(func() { db.Close() })
		return site{db, database.Source{
			DSN:  fmt.Sprintf("DBI:mysql:database=%s;mysql_socket=%s", name, server.Socket),
			User: server.User, Password: server.Password,
		}}
	},
	"postgresql": func(t *testing.T) site {
		server := pgtest.Start(t)
		name := server.Database(t)
		return site{server.Open(t, name), database.Source{
			DSN:  fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", name, server.SocketDir, server.Port),
			User: server.User, Password: server.Password,
		}}
	},
}

// TestPrintedTablesCanBeMade runs the script of each release on the database that takes no time for
// it, and of some on the others.
func TestPrintedTablesCanBeMade(t *testing.T) {
	for name, make := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			versions := []string{"16.0.0", "18", "development"}
			if name == "sqlite" {
				versions = []string{"16.0.0", "16", "17", "18.0.0", "18", "19", "20.0.0", "20.11", "20.12", "20", "21", "22.0.0", "22", "23.0.0", "23", "development"}
			}
			for _, version := range versions {
				s := make(t)
				if _, err := s.ExecContext(t.Context(), printed(t, name, version)); err != nil {
					t.Fatalf("%s: %v", version, err)
				}
			}
		})
	}
}

func printed(t *testing.T, database, version string, groups ...string) string {
	t.Helper()
	d, err := schema.Find(database)
	check(t, err)
	r, note, err := asterisk.FindRelease(version)
	check(t, err)
	tables, err := asterisk.Tables(r, groups...)
	check(t, err)
	var text strings.Builder
	check(t, schema.Write(&text, d, r, note, tables))
	return text.String()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
