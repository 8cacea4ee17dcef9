package schemas

import (
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"dbsep/gateway"
	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"

	_ "dbsep/internal/database/all"
)

func TestMain(m *testing.M) {
	code := m.Run()
	mariadbtest.Stop()
	pgtest.Stop()
	os.Exit(code)
}

func TestMariaDBSchemas(t *testing.T) {
	server := mariadbtest.Start(t)
	name := server.Database(t)
	beside, err := server.Open(name)
	check(t, err)
	t.Cleanup(func() { beside.Close() })
	run(t, &site{
		beside: beside,
		text: func(c *sqlgen.Column, quoted string) (expression string, isHex bool) {
			switch {
			case c.Class == sqlgen.Binary:
				return "HEX(" + quoted + ")", true
			case strings.HasPrefix(c.Type, "bit"):
				return fmt.Sprintf("LPAD(HEX(%s), %d, '0')", quoted, 2*c.Size), true
			}
			return "CAST(" + quoted + " AS CHAR)", false
		},
	}, "testdata/mariadb.sql", database.Source{
		DSN:  "DBI:mysql:database=" + name + ";mysql_socket=" + server.Socket,
		User: server.User, Password: server.Password,
	})
}

func TestPostgresSchemas(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	run(t, &site{
		beside: beside,
		text: func(c *sqlgen.Column, quoted string) (expression string, isHex bool) {
			switch c.Class {
			case sqlgen.Binary:
				return "encode(" + quoted + ", 'hex')", true
			case sqlgen.Boolean:
				return "CAST(CAST(" + quoted + " AS integer) AS text)", false
			}
			return "CASE WHEN " + quoted + " IS NOT NULL THEN format('%s', " + quoted + ") END", false
		},
	}, "testdata/postgres.sql", source)
}

func TestSQLiteSchemas(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	run(t, &site{
		beside: beside,
		text: func(_ *sqlgen.Column, quoted string) (expression string, isHex bool) {
			return "CASE WHEN " + quoted + " IS NOT NULL THEN hex(CAST(" + quoted + " AS TEXT)) END", true // SQLite ends a text at a NUL
		},
	}, "testdata/sqlite.sql", database.Source{DSN: "DBI:SQLite:dbname=" + path})
}

// A site is a database with dbsep in front of it.
type site struct {
	beside *sql.DB // a connection past dbsep

	// text is the SQL of the database's own text of a column, which may be in
	// hexadecimal digits.
	text func(c *sqlgen.Column, quoted string) (expression string, isHex bool)

	db       *database.DB
	gateway  *gateway.Gateway
	expected map[string]string // what becomes of a table, a column, and an operation on them
}

// run makes the tables of a script and tries them one by one.
func run(t *testing.T, s *site, script string, source database.Source) {
	text, err := os.ReadFile(script)
	check(t, err)
	_, err = s.beside.ExecContext(t.Context(), string(text))
	check(t, err)
	s.expected = expectations(string(text))
	s.db = databasetest.Open(t, source)
	s.gateway = gateway.New(s.db, gateway.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	names, err := s.db.Tables(t.Context())
	check(t, err)
	for _, name := range names {
		t.Run(name, func(t *testing.T) { s.newTable(t, name).try(t) })
	}
}

// expectations reads the comments "-- expect TABLE[.COLUMN] [OPERATION] CODE".
func expectations(script string) map[string]string {
	expected := map[string]string{}
	for line := range strings.Lines(script) {
		if words, ok := strings.CutPrefix(strings.TrimSpace(line), "-- expect "); ok {
			at := strings.LastIndex(words, " ")
			expected[words[:at]] = words[at+1:]
		}
	}
	return expected
}

// send sends a request as Asterisk does and returns the response's body and its code.
func (s *site) send(table, operation string, lookup, values []sqlgen.Field) (body, code string) {
	target, form := "/"+url.PathEscape(table)+"/"+operation, encode(values)
	if operation == "update" {
		target += "?" + encode(lookup)
	} else {
		form = encode(slices.Concat(lookup, values))
	}
	r := httptest.NewRequest("POST", target, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.gateway.ServeHTTP(w, r)
	return w.Body.String(), w.Header().Get("X-Dbsep-Error")
}

func encode(fields []sqlgen.Field) string {
	var pairs []string
	for _, f := range fields {
		pairs = append(pairs, url.QueryEscape(f.Name)+"="+url.QueryEscape(f.Value))
	}
	return strings.ReplaceAll(strings.Join(pairs, "&"), "+", "%20")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
