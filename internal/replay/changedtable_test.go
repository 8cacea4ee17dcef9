package replay

import (
	"database/sql"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
)

// emptyDatabases are empty databases, each with a connection beside that of dbsep.
var emptyDatabases = map[string]func(t testing.TB) (database.Source, *sql.DB){
	"sqlite": func(t testing.TB) (database.Source, *sql.DB) {
		path, beside := databasetest.NewSQLiteFile(t)
		return database.Source{DSN: "DBI:SQLite:dbname=" + path}, beside
	},
	"mariadb": databasetest.NewMariaDB,
	"pg":      databasetest.NewPostgres,
}

// TestChangedTable changes a table between requests, and sends each request until its
// response is right.
func TestChangedTable(t *testing.T) {
	for name, open := range emptyDatabases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, beside := open(t)
			run := databasetest.Setup(t, beside)
			run("CREATE TABLE peers (id VARCHAR(40) PRIMARY KEY, port VARCHAR(10))", "INSERT INTO peers VALUES ('a', '')")
			s := httptest.NewServer(gateway.New(databasetest.Open(t, source), gateway.Options{Log: slog.New(slog.DiscardHandler)}))
			defer s.Close()
			send := func(target, body string) string {
				r, err := s.Client().Post(s.URL+target, "application/x-www-form-urlencoded", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Body.Close()
				text, err := io.ReadAll(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			for _, change := range []struct {
				sql                string
				target, body, want string
			}{
				{"", "/peers/single.json", "id=a", `{"id":"a","port":""}`},
				{"ALTER TABLE peers ADD COLUMN host VARCHAR(40)", "/peers/single.json", "id=a", `{"id":"a","port":"","host":null}`},
				{"ALTER TABLE peers ADD COLUMN mask VARCHAR(40)", "/peers/update?id=a", "mask=m", "1"},
				{"", "/peers/single", "mask=m", "id=a&mask=m"},
				{"ALTER TABLE peers RENAME COLUMN mask TO deny", "/peers/single", "id=a", "id=a&deny=m"},
				{"ALTER TABLE peers RENAME COLUMN deny TO permit", "/peers/update?permit=m", "permit=p", "1"},
				{"ALTER TABLE peers DROP COLUMN host", "/peers/single", "id=a", "id=a&permit=p"},
				{"DROP TABLE peers; CREATE TABLE peers (id VARCHAR(40), port INTEGER); INSERT INTO peers VALUES ('b', 1)", "/peers/single", "id=b", "id=b&port=1"},
				{"", "/peers/update?id=b", "port=", "1"},
				{"", "/peers/single.json", "id=b", `{"id":"b","port":null}`},
				{"DROP TABLE peers", "/peers/update?id=b", "port=1", "-1"},
				{"CREATE TABLE peers (port INTEGER)", "/peers/store", "port=1", "1"},
			} {
				if change.sql != "" {
					run(strings.Split(change.sql, "; ")...)
				}
				for send(change.target, change.body) != change.want+"\n" {
					time.Sleep(5 * time.Millisecond) // between requests of a client
				}
			}
		})
	}
}
