package database_test

import (
	"errors"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
)

func TestHostsProblems(t *testing.T) {
	path, _ := databasetest.NewSQLiteFile(t)
	for text, want := range map[string]struct{ dsn, readFrom, key, text string }{
		"more ports than hosts": {"DBI:mysql:database=db;host=a,b;port=1,2,3", "", "dsn", "more or fewer ports than hosts"},
		"an empty host":         {"DBI:mysql:database=db;host=a,,b", "", "dsn", "an empty one"},
		"no port":               {"DBI:mysql:database=db;host=a", "b:x", "read_replicas", "no host and no host:port"},
		"an empty reader":       {"DBI:mysql:database=db;host=a", "b,", "read_replicas", "no host and no host:port"},
		"a parameter":           {"DBI:Pg:dbname=db;host=a", "b;port=1", "read_replicas", "no host and no host:port"},
		"a file":                {"DBI:SQLite:dbname=" + path, "b", "read_replicas", "means nothing to SQLite"},
	} {
		_, err := database.Open(database.Source{DSN: want.dsn, ReadReplicas: want.readFrom})
		var p *database.Problem
		if !errors.As(err, &p) || p.Key != want.key || !strings.Contains(p.Text, want.text) || p.Hint == "" {
			t.Errorf("%s: %v, want %q", text, err, want.text)
		}
	}
}

func TestHostsForms(t *testing.T) {
	for _, c := range []struct{ dsn, readFrom, want string }{
		{"DBI:mysql:database=db;host=a,b", "", "a:3306,b:3306/db"},
		{"DBI:mysql:database=db;host=a,b;port=3307", "", "a:3307,b:3307/db"},
		{"DBI:mysql:db:a,b:3307", "", "a:3307,b:3307/db"},
		{"DBI:MariaDB:database=db;host=[::1],b;port=1,2", "", "[::1]:1,b:2/db"},
		{"DBI:mysql:database=db;host=a;port=3307", "b,c:3308,[::1]:9,::2", "a:3307/db, reads from b:3307,c:3308,[::1]:9,[::2]:3307"},
		{"DBI:mysql:database=db;host=a;port=3307;mysql_socket=/s", "localhost", "a:3307/db, reads from unix(/s)"},
		{"DBI:Pg:dbname=db;host=a,b;port=5433,5434", "c,/run/x,d:1", "a:5433,b:5434/db, reads from c:5433,unix(/run/x/.s.PGSQL.5433),d:1"},
	} {
		if got := databasetest.Open(t, database.Source{DSN: c.dsn, ReadReplicas: c.readFrom}).Address(); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.dsn, c.readFrom, got, c.want)
		}
	}
}
