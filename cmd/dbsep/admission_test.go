package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// dialFrom connects to a listener from another address of this machine, with TLS where
// it is spoken.
func (l listener) dialFrom(t *testing.T, from string) net.Conn {
	t.Helper()
	c := l.dial(t)
	address := c.RemoteAddr()
	c.Close()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), address.Network(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := errors.Join(c.SetDeadline(time.Now().Add(time.Minute)), c.(*net.TCPConn).SetWriteBuffer(4096)); err != nil {
		t.Fatal(err)
	}
	if l.secure {
		secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is the test's own
		if err := secure.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return secure
	}
	return c
}

// hasAddresses reports whether the clients of a listener have addresses.
func (l listener) hasAddresses() bool { return l.name != "unix socket" }

// exchange sends a request on a connection that stays open, and returns its response.
func exchange(t *testing.T, c net.Conn, request string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// TestRefusedClientsAreClosed shows that a client that is refused gets the body that is
// safe for its operation, and that its connection is then closed, though it did not ask
// for that.
func TestRefusedClientsAreClosed(t *testing.T) {
	for _, l := range listenersOf(t, "allow=127.0.0.1\n") {
		if !l.hasAddresses() {
			continue
		}
		for _, o := range operationsOfAsterisk("forbidden") {
			r, body := lastResponse(t, l.dialFrom(t, "127.0.0.2"), o.method+" "+o.target+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nid=nobody")
			if body != o.body || r.StatusCode != http.StatusForbidden || !r.Close || r.Header.Get("X-Dbsep-Error") != "forbidden" {
				t.Errorf("%s: %s %s: got %s, %q, %v", l.name, o.method, o.target, r.Status, body, r.Header)
			}
		}
		for _, path := range []string{"/livez", "/readyz", "/metrics", "/nothing"} {
			if r, _ := lastResponse(t, l.dialFrom(t, "127.0.0.2"), "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); !r.Close {
				t.Errorf("%s: %s keeps the connection", l.name, path)
			}
		}
	}
}

// TestStrangersHoldNoPlace shows that clients inside are served while strangers, more of
// them than there are places, hold connections in every way.
func TestStrangersHoldNoPlace(t *testing.T) {
	for _, l := range listenersOf(t, "allow=127.0.0.1\n[limits]\nmax_clients=21\nheader_timeout=1h\n") {
		if !l.hasAddresses() {
			continue
		}
		plain := l
		plain.secure = false
		for n := range 20 {
			from := fmt.Sprintf("127.0.0.%d", 2+n)
			plain.dialFrom(t, from) // silent, also before TLS
			for _, part := range []string{"", "POST /ps_endpoints/update?id=bob HTTP/1.1\r\nHost: "} {
				if _, err := io.WriteString(l.dialFrom(t, from), part); err != nil {
					t.Fatal(err)
				}
			}
			if r, body := exchange(t, l.dialFrom(t, from), "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); body != "ok\n" {
				t.Errorf("%s: a stranger: %s, %q", l.name, r.Status, body)
			}
		}
		inside := l.dialFrom(t, "127.0.0.1")
		for range 20 {
			for _, c := range []net.Conn{inside, l.dialFrom(t, "127.0.0.1")} {
				const write = "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nid=nobody"
				if r, body := exchange(t, c, write); body != "0\n" || r.Close {
					t.Errorf("%s: a client inside: %s, %q", l.name, r.Status, body)
				}
				if c != inside {
					c.Close()
				}
			}
		}
	}
}

// TestRefusalReachesAClientThatStillSends shows that the connection is not reset under
// the response.
func TestRefusalReachesAClientThatStillSends(t *testing.T) {
	for _, l := range listenersOf(t, "allow=127.0.0.1\n") {
		if !l.hasAddresses() {
			continue
		}
		body := strings.Repeat("x", 1<<20)
		request := fmt.Sprintf("POST /ps_endpoints/update?id=bob HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if r, body := lastResponse(t, l.dialFrom(t, "127.0.0.2"), request); body != "-1\n" || r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s, %q", l.name, r.Status, body)
		}
	}
}

// TestConnectionsOverTheLimit shows that a client too many gets a response, that /livez
// does not keep its connection either, and that the clients inside keep theirs.
func TestConnectionsOverTheLimit(t *testing.T) {
	const write = "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nid=nobody"
	for _, l := range listenersOf(t, "[limits]\nmax_clients=1\n") {
		inside := l.dial(t)
		for range 3 {
			if r, body := exchange(t, inside, write); body != "0\n" || r.Close {
				t.Errorf("%s: the client inside: %s, %q", l.name, r.Status, body)
			}
			if r, body := lastResponse(t, l.dial(t), write); body != "-1\n" || r.Header.Get("X-Dbsep-Error") != "too-many-clients" {
				t.Errorf("%s: one too many: %s, %q", l.name, r.Status, body)
			}
			if r, body := lastResponse(t, l.dial(t), "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); body != "ok\n" {
				t.Errorf("%s: one too many: %s, %q", l.name, r.Status, body)
			}
		}
	}
}

// TestStatusListenerDropsTheOldest shows that connections of monitoring are limited, and
// that silent ones keep no other out.
func TestStatusListenerDropsTheOldest(t *testing.T) {
	address := net.JoinHostPort("127.0.0.1", freePort(t))
	dir := sampleSite(t)
	startServer(t, dir, "[server]\nlisten=unix:"+dir+"/socket\nstatus_listen="+address+"\n[limits]\nheader_timeout=1h\n")
	var all []net.Conn
	for range 100 {
		all = append(all, dial(t, "tcp", address))
	}
	c := dial(t, "tcp", address)
	for range 2 {
		if r, body := exchange(t, c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); body != "ok\n" || r.Close {
			t.Errorf("got %s, %q", r.Status, body)
		}
	}
	for _, c := range all[:100+1-64] {
		if text, err := io.ReadAll(c); len(text) > 0 || err != nil {
			t.Errorf("one of the oldest: %q, %v", text, err)
		}
	}
}
