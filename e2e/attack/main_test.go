//go:build e2e

package attack

import (
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const tables = "testdata/tables.sql"

// kinds are the databases that are attacked, and how each is set up.
var kinds = []struct {
	name string
	site func(t testing.TB, script string) *testenv.Site
}{
	{"SQLite", testenv.SQLite},
	{"MariaDB", testenv.MariaDB},
	{"PostgreSQL", testenv.Postgres},
}

// A target is a server to attack.
type target struct {
	*testenv.Process
	site    *testenv.Site
	address string
	url     string // with http://
	status  string // where its state is queried, so that no attack is in the way
}

// serve starts dbsep with lines of configuration.
func serve(t *testing.T, site *testenv.Site, lines ...string) *target {
	t.Helper()
	x := &target{site: site, address: testenv.FreeAddress(t)}
	status := testenv.FreeAddress(t)
	site.Configure(t, append([]string{"[server]", "status_listen=" + status, "[log]", "level=error"}, lines...)...)
	x.url, x.status = "http://"+x.address, "http://"+status
	x.Process = site.ServeAt(t, x.address)
	return x
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
