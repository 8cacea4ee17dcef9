package testenv_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestSiteServes(t *testing.T) {
	const data = "../replay/testdata/"
	for _, site := range []*testenv.Site{testenv.SQLite(t, data+"asterisk-sqlite.sql"), testenv.MariaDB(t, data+"asterisk-mysql.sql"), testenv.Postgres(t, data+"asterisk-pg.sql")} {
		t.Run(site.Kind, func(t *testing.T) {
			response, err := http.Post(site.Serve(t)+"/ps_auths/single", "", strings.NewReader("id=alice"))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(body), "id=alice&") {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}
