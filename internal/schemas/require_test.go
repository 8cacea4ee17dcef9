package schemas

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dbsep/gateway"
	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/database/sqlite"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/setup"
)

// TestRequireAddsColumns lets two gateways add columns to a queue log at once, as two processes
// of a CGI program would, and stores an event.
func TestRequireAddsColumns(t *testing.T) {
	const table = "CREATE TABLE queue_log (time VARCHAR(26), event VARCHAR(20))"
	for kind, open := range map[string]func(t *testing.T) database.Source{
		"SQLite": func(t *testing.T) database.Source {
			file := filepath.Join(t.TempDir(), "site.db")
			check(t, sqlite.Create(t.Context(), file, table))
			return database.Source{DSN: "DBI:SQLite:dbname=" + file}
		},
		"MariaDB": func(t *testing.T) database.Source {
			server := mariadbtest.Start(t)
			name := server.Database(t)
			beside, err := server.Open(name)
			check(t, err)
			defer beside.Close()
			_, err = beside.Exec(table)
			check(t, err)
			return database.Source{DSN: "DBI:mysql:database=" + name + ";mysql_socket=" + server.Socket, User: server.User, Password: server.Password}
		},
		"PostgreSQL": func(t *testing.T) database.Source {
			source, beside := databasetest.NewPostgres(t)
			_, err := beside.Exec(table)
			check(t, err)
			return source
		},
	} {
		t.Run(kind, func(t *testing.T) {
			source := open(t)
			var gateways []*gateway.Gateway
			for range 2 {
				db := databasetest.Open(t, source)
				gateways = append(gateways, gateway.New(db, gateway.Options{
					Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Alter: setup.Alter(db),
					TableOptions: func(string) gateway.TableOptions { return gateway.TableOptions{Require: gateway.AddMissing} },
				}))
			}
			ask := func(g *gateway.Gateway, operation, form string) string {
				w := httptest.NewRecorder()
				r := httptest.NewRequest("POST", "/queue_log/"+operation, strings.NewReader(form))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				g.ServeHTTP(w, r)
				return w.Body.String()
			}
			required := "time=char:26&event=char:20&callid=char:80&queuename=char:128&serverid=uinteger2:5&data1=integer4:11&data2=float:10&data3=date:10&data4=datetime:26&data-5=char:255"
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					if got := ask(gateways[i%2], "require", required); got != "0\n" {
						t.Errorf("require: %q", got)
					}
				})
			}
			all.Wait()
			for i, g := range gateways {
				event := fmt.Sprintf("time=%d&event=ADDMEMBER&callid=c&queuename=q&serverid=65535&data1=-7&data2=0.5&data3=2026-11-28&data4=2026-11-28 01:02:03&data-5=x", i)
				if got := ask(g, "store", event); got != "1\n" {
					t.Errorf("store: %q", got)
				}
				got := ask(g, "single", fmt.Sprintf("time=%d", i))
				for _, pair := range []string{"callid=c&", "serverid=65535&", "data1=%2D7&", "data2=0.5&", "data3=2026%2D11%2D28&", "data%2D5=x"} {
					if !strings.Contains(got, pair) {
						t.Errorf("no %s in %q", pair, got)
					}
				}
			}
		})
	}
}
