//go:build e2e

package opensips

import (
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const scripts = "../../internal/replay/testdata/asterisk-"

// A gateway is a dbsep and its database.
type gateway struct {
	system, address string
	site            *testenv.Site
	outage          *testenv.Outage
	process         *testenv.Process
}

// onEach runs a test on a gateway to each database, with the settings that
// docs/kamailio.md and docs/opensips.md want, and some tables of OpenSIPS' own.
func onEach(t *testing.T, test func(t *testing.T, g *gateway)) {
	page := testenv.ReadPage(t, "../../docs/kamailio.md")
	for _, kind := range []string{"SQLite", "MariaDB"} {
		t.Run(kind, func(t *testing.T) {
			g := &gateway{system: "opensips/" + kind, address: testenv.FreeAddress(t)}
			if kind == "SQLite" {
				g.site = testenv.SQLite(t, scripts+"sqlite.sql")
			} else {
				g.site = testenv.MariaDB(t, scripts+"mysql.sql")
			}
			for _, table := range []string{"location (contact_id INTEGER PRIMARY KEY, username VARCHAR(64), contact VARCHAR(255), received VARCHAR(255))",
				"dispatcher (id INTEGER PRIMARY KEY, destination VARCHAR(192))", "subscriber (id INTEGER PRIMARY KEY, password VARCHAR(64))"} {
				_, err := g.site.DB.ExecContext(t.Context(), "CREATE TABLE "+table)
				check(t, err)
			}
			g.outage = testenv.NewOutage(t, g.site)
			g.site.Configure(t, page.Block(t, "dbsep.conf"), testenv.OpenPage(t, "../../docs/opensips.md").Block(t, "tables.conf"))
			g.process = g.site.ServeAt(t, g.address)
			test(t, g)
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
