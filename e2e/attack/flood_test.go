//go:build e2e

package attack

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// mostOfOne is how many connections one address may have in the test of floods.
const mostOfOne = 200

// mostWithoutPlace is how many connections stay open to be told that they are too many.
const mostWithoutPlace = 512

func TestFloodOfConnections(t *testing.T) {
	const flood = 5 * mostOfOne
	testenv.Feature(t, "attack", fmt.Sprintf("%d connections from one address that may have %d: others are served", flood, mostOfOne), func(t *testing.T) {
		x := serve(t, testenv.SQLite(t, tables), "[limits]", fmt.Sprintf("max_clients_per_address=%d", mostOfOne), "header_timeout=1m")
		before := x.atRest(t)
		withPhones(t, x, "127.0.0.2", func() {
			var all []net.Conn
			for range flood {
				all = append(all, x.dial(t, ""))
			}
			for _, c := range all[mostOfOne : flood-mostWithoutPlace] {
				if answer, err := io.ReadAll(c); len(answer) > 0 {
					t.Errorf("one of the oldest without a place was answered %q, %v", answer, err)
				}
			}
			x.await(t, "the rest of the flood", func(now testenv.Series) bool {
				return now["dbsep_http_connections_refused_total"] >= flood-mostOfOne
			})
			for _, c := range all[flood-mostWithoutPlace:] {
				wantRefused(t, c)
			}
			c := all[0]
			answer := exchange(t, c, "POST /peers/update?name=bob HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\nport=2")
			if !strings.HasSuffix(answer, "\r\n\r\n1\n") {
				t.Errorf("a connection within the bound was answered %q", answer)
			}
			for _, c := range all {
				c.Close()
			}
		})
		now := testenv.Metrics(t, x.status)
		if refused, dropped := now["dbsep_http_connections_refused_total"], now["dbsep_http_connections_dropped_total"]; refused != flood-mostOfOne || dropped != flood-mostOfOne-mostWithoutPlace {
			t.Errorf("%v connections are counted as refused, %v as dropped", refused, dropped)
		}
		x.backTo(t, before)
	})
}

// wantRefused writes on a connection that is one too many, and wants a response
// that says so.
func wantRefused(t *testing.T, c net.Conn) {
	t.Helper()
	answer := exchange(t, c, "POST /peers/update?name=bob HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nport=1")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.Contains(answer, "\r\nX-Dbsep-Error: too-many-clients\r\n") || !strings.HasSuffix(answer, "\r\n\r\n-1\n") {
		t.Errorf("a connection too many was answered %q", answer)
	}
}

// dial connects from an address of this machine, empty for any. No reading from the
// connection lasts for ever.
func (x *target) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.DialContext(t.Context(), "tcp", x.address)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	check(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c
}

// exchange sends a text and reads until the server closes the connection.
func exchange(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	_, err := io.WriteString(c, text)
	check(t, err)
	answer, err := io.ReadAll(c)
	check(t, err)
	return string(answer)
}
