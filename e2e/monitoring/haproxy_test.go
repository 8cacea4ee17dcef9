//go:build e2e

package monitoring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// TestHAProxy sends requests to two gateways through a real HAProxy with the
// manual's configuration, one of them without its database.
func TestHAProxy(t *testing.T) {
	need(t, "haproxy")
	one, two := serve(t, true), serve(t, false)
	address := testenv.FreeAddress(t)
	port := func(of string) string { return of[strings.LastIndexByte(of, ':')+1:] }
	text := testenv.OpenPage(t, page).Block(t, "haproxy.cfg",
		"127.0.0.1:8000", address,
		"192.0.2.1:8000 check port 8001", one.address+" check port "+port(one.state),
		"192.0.2.2:8000 check port 8001", two.address+" check port "+port(two.state),
		"192.0.2.1:8000 backup", one.address+" backup",
		"192.0.2.2:8000 backup", two.address+" backup",
		"inter 2s", "inter 100ms")
	conf := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := testenv.Start(t, nil, "haproxy", "-db", "-f", conf)

	// answers waits until so many requests in a row have had this response.
	answers := func(t *testing.T, want, code string) {
		t.Helper()
		testenv.WaitFor(t, "HAProxy", p, func(ctx context.Context) error {
			for range 20 {
				body, response, err := ask(ctx, "http://"+address+"/ps_contacts/destroy", "id=nobody")
				if err != nil {
					return err
				}
				if got := response.Header.Get("X-Dbsep-Error"); body != want || got != code {
					return fmt.Errorf("%s, %s, %q", response.Status, got, body)
				}
			}
			return nil
		})
	}
	testenv.Feature(t, "haproxy", "the dbsep that is ready is asked", func(t *testing.T) { answers(t, "0\n", "") })
	testenv.Feature(t, "haproxy", "a request has the same name in both logs", func(t *testing.T) {
		two.WaitForLog(t, "client=127.0.0.1 request=")
	})
	testenv.Feature(t, "haproxy", "where none is ready, a write is answered as dbsep does", func(t *testing.T) {
		two.End()
		answers(t, "-1\n", "unavailable")
	})
}
