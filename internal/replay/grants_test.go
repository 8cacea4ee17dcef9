package replay

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
)

// TestColumnGrants shows what an account may do that has rights to some columns only.
func TestColumnGrants(t *testing.T) {
	for name, account := range map[string]func(t *testing.T, source database.Source) (user string, grant func(rights string)){
		"mariadb": func(t *testing.T, source database.Source) (string, func(string)) {
			server, user := mariadbtest.Start(t), "part_"+databasetest.DatabaseOf(source)
			server.Exec(t, fmt.Sprintf("CREATE USER %s@localhost IDENTIFIED BY 'secret'", user))
			t.Cleanup(func() { server.Exec(t, "DROP USER "+user+"@localhost") })
			return user, func(rights string) {
				server.Exec(t, fmt.Sprintf("GRANT %s TO %s@localhost", strings.ReplaceAll(rights, "ON ", "ON "+databasetest.DatabaseOf(source)+"."), user))
			}
		},
		"pg": func(t *testing.T, source database.Source) (string, func(string)) {
			server, user := pgtest.Start(t), "part_"+databasetest.DatabaseOf(source)
			owner := server.Open(t, databasetest.DatabaseOf(source))
			server.Exec(t, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'secret'", user))
			t.Cleanup(func() {
				databasetest.Setup(t, owner)("DROP TABLE peers, secrets")
				server.Exec(t, "DROP ROLE "+user)
			})
			return user, func(rights string) { databasetest.Setup(t, owner)(fmt.Sprintf("GRANT %s TO %s", rights, user)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, beside := emptyDatabases[name](t)
			databasetest.Setup(t, beside)(
				"CREATE TABLE peers (id VARCHAR(40), secret VARCHAR(40), callerid VARCHAR(40), port INTEGER)", "INSERT INTO peers VALUES ('a', 'hidden', 'Alice', 5060)",
				"CREATE TABLE secrets (id VARCHAR(40), secret VARCHAR(40))")
			user, grant := account(t, source)
			grant("SELECT (id, callerid), UPDATE (callerid, port), INSERT (id, callerid) ON peers")
			grant("INSERT (id) ON secrets")
			source.User, source.Password = user, "secret"
			g := gateway.New(databasetest.Open(t, source), gateway.Options{})
			send := func(target, body string) (text, code string) {
				r := httptest.NewRequest("POST", target, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				g.ServeHTTP(w, r)
				return w.Body.String(), w.Header().Get("X-Dbsep-Error")
			}
			for _, test := range []struct{ what, target, body, code, want string }{
				{"a read has the columns that the account may read", "/peers/single", "id=a", "", "id=a&callerid=Alice\n"},
				{"all rows likewise", "/peers/multi.json", "id=a", "", `[{"id":"a","callerid":"Alice"}]` + "\n"},
				{"a condition on another column", "/peers/single", "secret=hidden", "denied", ""},
				{"a condition on a column that may only be written", "/peers/single", "port=5060", "denied", ""},
				{"an update of a column", "/peers/update?id=a", "callerid=Ann", "", "1\n"},
				{"an update of a column that may not be read", "/peers/update?id=a", "port=5061", "", "1\n"},
				{"an update of another column", "/peers/update?id=a", "secret=x", "denied", "-1\n"},
				{"an update of another column beside it", "/peers/update?id=a", "callerid=Al&secret=x", "denied", "-1\n"},
				{"which does nothing", "/peers/single", "id=a", "", "id=a&callerid=Ann\n"},
				{"a store", "/peers/store", "id=b&callerid=Bob", "", "1\n"},
				{"a store with another column", "/peers/store", "id=c&secret=x", "denied", "-1\n"},
				{"a delete", "/peers/destroy", "id=b", "denied", "-1\n"},
				{"a table of which it may read nothing", "/secrets/single", "id=a", "denied", ""},
				{"a table that it may only fill", "/secrets/store", "id=a", "", "1\n"},
			} {
				if got, code := send(test.target, test.body); got != test.want || code != test.code {
					t.Errorf("%s: %q, %s; want %q, %s", test.what, got, code, test.want, test.code)
				}
			}
			grant("SELECT (port) ON peers")
			for got := ""; got != "id=a&callerid=Ann&port=5061\n"; got, _ = send("/peers/single", "id=a") {
				time.Sleep(5 * time.Millisecond) // between requests of a client
			}
		})
	}
}
