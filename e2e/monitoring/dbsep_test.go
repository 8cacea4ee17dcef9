//go:build e2e

package monitoring

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"dbsep/internal/testenv"
)

// A gateway is a dbsep with an address for its state.
type gateway struct {
	*testenv.Process
	site    *testenv.Site
	address string // of requests
	state   string // of its state
}

// serve starts a dbsep. A database that is away is one that nobody runs; the
// configuration then has its lines in front.
func serve(t *testing.T, away bool) *gateway {
	t.Helper()
	g := &gateway{site: testenv.SQLite(t, tables), address: testenv.FreeAddress(t), state: testenv.FreeAddress(t)}
	if away {
		_, port, _ := strings.Cut(testenv.FreeAddress(t), ":")
		g.site.Configure(t, "dsn=DBI:mysql:database=none;host=127.0.0.1;port="+port, "dbuser=nobody")
	}
	g.site.Configure(t, "[server]", "status_listen="+g.state, "[log]", "access=yes")
	g.Process = g.site.ServeAt(t, g.address)
	return g
}

// reload gives it a further line of configuration and waits for what it says.
func (g *gateway) reload(t *testing.T, line, says string) {
	t.Helper()
	g.site.Configure(t, line)
	if err := g.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	g.WaitForLog(t, says)
}

// ask sends a request, by POST if it has a body, and returns the response's body.
func ask(ctx context.Context, url, body string) (string, *http.Response, error) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), response, err
}

// work sends requests for something of everything that is counted.
func (g *gateway) work(ctx context.Context) error {
	for path, body := range map[string]string{
		"/ps_endpoints/single":            "id=alice",
		"/ps_endpoints/multi":             "id LIKE=%25",
		"/ps_contacts/store":              "id=watch&uri=sip%3Aa%40b",
		"/ps_contacts/update?id=watch":    "uri=sip%3Ac%40d&nowhere=1", // a column is left out
		"/ps_contacts/destroy":            "id=watch%C3",               // a value is cut
		"/ps_contacts/require":            "id=char:10",
		"/ast_config/static?file=x.conf":  "",
		"/ps_endpoints/single.json?id=no": "",
		"/ps_aors/multi":                  "nope=1",
		"/nowhere/single":                 "id=1",
	} {
		if _, _, err := ask(ctx, "http://"+g.address+path, body); err != nil {
			return err
		}
	}
	return nil
}
