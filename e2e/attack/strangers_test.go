//go:build e2e

package attack

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// strangers are clients at addresses outside [server] allow, each at its own.
const strangers = 250

func TestStrangersOutsideAllow(t *testing.T) {
	testenv.Feature(t, "attack", fmt.Sprintf("%d addresses outside allow hold connections: each is answered once, and those inside are served", strangers), func(t *testing.T) {
		x := serve(t, testenv.SQLite(t, tables), "[server]", "allow=127.0.0.1", "[limits]", "max_clients=32", "header_timeout=2s")
		before := x.atRest(t)
		served := withPhones(t, x, "127.0.0.1", func() {
			var all sync.WaitGroup
			for i := range strangers {
				all.Go(func() { x.strange(t, fmt.Sprintf("127.0.%d.%d", 1+i/250, 2+i%250)) })
			}
			all.Wait()
			var hold []net.Conn
			for i := range 2 * mostWithoutPlace {
				hold = append(hold, x.dial(t, fmt.Sprintf("127.0.2.%d", 2+i%250)))
			}
			for i := range 10 {
				p := testenv.NewPhone(x.url, fmt.Sprintf("late%d", i), "127.0.0.1")
				if err := p.Round(t.Context()); err != nil {
					t.Error(err)
				}
				p.Close()
			}
			for _, c := range hold {
				c.Close()
			}
		})
		t.Logf("%d requests of those inside were answered meanwhile", served)
		if refused := testenv.Metrics(t, x.status)["dbsep_http_connections_refused_total"]; refused > 0 {
			t.Errorf("%v clients inside had no place", refused)
		}
		x.backTo(t, before)
	})
}

// strange does what strangers do, over and over.
func (x *target) strange(t *testing.T, from string) {
	const host = " HTTP/1.1\r\nHost: x\r\n"
	for range 3 {
		for _, test := range []struct{ request, body string }{
			{"POST /peers/update?name=bob" + host + "Content-Length: 6\r\n\r\nport=1", "-1\n"},
			{"POST /peers/single" + host + "Content-Length: 8\r\n\r\nname=bob", ""},
			{"GET /livez" + host + "\r\n", ""},
		} {
			answer, err := x.say(from, test.request)
			if err != nil || !strings.HasPrefix(answer, "HTTP/1.1 403 ") || !strings.Contains(answer, "\r\nConnection: close\r\n") || !strings.HasSuffix(answer, "\r\n\r\n"+test.body) {
				t.Errorf("%s: %q was answered %q, %v", from, test.request, answer, err)
			}
		}
	}
	for _, part := range []string{"", "POST /peers/update?name=bob" + host} {
		if answer, err := x.say(from, part); err != nil || answer != "" {
			t.Errorf("%s: half a request was answered %q, %v", from, answer, err)
		}
	}
}

// say sends a text from an address and reads until the server closes the connection.
func (x *target) say(from, text string) (string, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", x.address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}
