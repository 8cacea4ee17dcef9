package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testserver"
)

// askAs sends a write that matches no row, with a Host and further header lines.
func (l listener) askAs(t *testing.T, host, header string) (code, body string) {
	t.Helper()
	r, body := lastResponse(t, l.dial(t), "POST /ps_endpoints/destroy HTTP/1.1\r\n"+host+header+"Connection: close\r\nContent-Length: 9\r\n\r\nid=nobody")
	return r.Header.Get("X-Dbsep-Error"), body
}

// TestWebPagesAreRefused shows that a page of another server can neither write nor read,
// whatever its browser says of it.
func TestWebPagesAreRefused(t *testing.T) {
	for _, l := range listenersOf(t, "hosts=ui.example.org\n") {
		for _, header := range []string{
			"Origin: https://elsewhere.example\r\n",
			"Origin: https://elsewhere.example\r\nSec-Fetch-Site: cross-site\r\n",
			"Origin: null\r\n",
			"Origin: http://localhost:9999\r\n",
			"Origin: http://ui.example.org.elsewhere.example\r\n",
			"Sec-Fetch-Site: cross-site\r\n",
			"Sec-Fetch-Site: same-site\r\n",
			"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n",
		} {
			for _, o := range append(operationsOfAsterisk("cross-origin"),
				operation{"GET", "/ps_endpoints/multi?id+LIKE=%25", "", false},
				operation{"HEAD", "/ps_endpoints/multi?id+LIKE=%25", "", false}) {
				r, body := lastResponse(t, l.dial(t), o.method+" "+o.target+" HTTP/1.1\r\nHost: localhost\r\n"+header+"Content-Length: 9\r\n\r\ncontext=x")
				if body != o.body || r.StatusCode != http.StatusForbidden || r.Header.Get("X-Dbsep-Error") != "cross-origin" || !r.Close {
					t.Errorf("%s: %q: %s %s: got %s, %q", l.name, header, o.method, o.target, r.Status, body)
				}
			}
		}
		for _, header := range []string{
			"",
			"Origin: http://localhost\r\n",
			"Origin: https://ui.example.org:8443\r\nSec-Fetch-Site: cross-site\r\n",
			"Sec-Fetch-Site: none\r\n",
			"Sec-Fetch-Site: same-origin\r\n",
		} {
			if code, body := l.askAs(t, "Host: localhost\r\n", header); code != "" || body != "0\n" {
				t.Errorf("%s: %q: got %s, %q", l.name, header, code, body)
			}
		}
		if r, body := lastResponse(t, l.dial(t), "GET /ps_endpoints/single?id=bob HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.Contains(body, "id=bob") || strings.Contains(body, "context=x") {
			t.Errorf("%s: afterwards: %s, %q", l.name, r.Status, body)
		}
		l.said(`code=cross-origin operation=update .*hint="if the page is one of yours, add elsewhere.example to hosts= in the section \[server\]`)
		l.said(`code=cross-origin operation=update .*hint="let the page send it to its own server`)
	}
}

// hostsOfOthers are names that a page of another server may have.
var hostsOfOthers = []string{
	"elsewhere.example", "elsewhere.example:8000", "127.0.0.1.elsewhere.example", "localhost.elsewhere.example:80",
	"elsewhere.localhost.example", "ELSEWHERE.example.", "sub.pbx.example.org",
}

// hostsOfTheServer are names that no page of another server has, or that hosts= names.
var hostsOfTheServer = []string{
	"localhost", "localhost:8000", "LocalHost.", "pbx.localhost", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3:1", "[::1]", "[::1]:8000",
	"[::ffff:127.0.0.1]:8000", "10.1.0.5:8000", "[2001:db8::1]", "dbsep", "dbsep:8000", "asterisk_realtime", "",
	"pbx.example.org", "PBX.example.org:8000", "pbx.example.org.", "other.example.org",
}

// TestForeignHostsAreRefused shows that a page whose name has come to mean this machine
// cannot read, at a loopback address where no one needs a password.
func TestForeignHostsAreRefused(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range listenersOf(t, "hosts=PBX.example.org, other.example.org\n") {
		if l.hasAddresses() {
			for _, host := range hostsOfOthers {
				for _, o := range append(operationsOfAsterisk("unknown-host"), operation{"GET", "/ps_endpoints/multi?id+LIKE=%25", "", false}) {
					r, body := lastResponse(t, l.dial(t), o.method+" "+o.target+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 9\r\n\r\nid=nobody")
					if body != o.body || r.StatusCode != http.StatusForbidden || r.Header.Get("X-Dbsep-Error") != "unknown-host" || !r.Close {
						t.Errorf("%s: %s: %s %s: got %s, %q", l.name, host, o.method, o.target, r.Status, body)
					}
				}
			}
			l.said(`code=unknown-host operation=update .*hint="add elsewhere.example to hosts= in the section \[server\], or let the client or the proxy send Host: localhost"`)
		} else {
			for _, host := range hostsOfOthers {
				if code, body := l.askAs(t, "Host: "+host+"\r\n", ""); code != "" || body != "0\n" {
					t.Errorf("%s: %s: got %s, %q", l.name, host, code, body)
				}
			}
		}
		for _, host := range append(hostsOfTheServer, machine) {
			if code, body := l.askAs(t, "Host: "+host+"\r\n", ""); code != "" || body != "0\n" {
				t.Errorf("%s: %s: got %s, %q", l.name, host, code, body)
			}
		}
		if _, body := lastResponse(t, l.dial(t), "POST /ps_endpoints/destroy HTTP/1.0\r\nContent-Length: 9\r\n\r\nid=nobody"); body != "0\n" {
			t.Errorf("%s: HTTP/1.0 without a Host: %q", l.name, body)
		}
	}
}

// TestHostsOfAServerForOthers shows that every name is right where a password or a
// certificate is required, or where other machines connect.
func TestHostsOfAServerForOthers(t *testing.T) {
	dir := sampleSite(t)
	ca, err := testserver.Certify(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, testserver.KeyFile)
	shown, err := tls.LoadX509KeyPair(ca, key)
	if err != nil {
		t.Fatal(err)
	}
	htpasswd := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(htpasswd, []byte("alice:"+wonderland(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const password = "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n"
	for _, test := range []struct {
		name, listen, lines, header string
		secure                      bool
	}{
		{"a password", "127.0.0.1", "htpasswd=" + htpasswd, password, false},
		{"a certificate", "127.0.0.1", "tls_cert=" + ca + "\ntls_key=" + key + "\nclient_ca=" + ca, "", true},
		{"all addresses", "0.0.0.0", "allow=127.0.0.0/8", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			port := freePort(t)
			startServer(t, sampleSite(t), "[server]\nlisten="+net.JoinHostPort(test.listen, port)+"\n"+test.lines+"\n")
			l := listener{dial: func(t *testing.T) net.Conn {
				c := dial(t, "tcp", net.JoinHostPort("127.0.0.1", port))
				if test.secure {
					c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{shown}}) //nolint:gosec // it is the test's own
				}
				return c
			}}
			if code, body := l.askAs(t, "Host: elsewhere.example\r\n", test.header); code != "" || body != "0\n" {
				t.Errorf("got %s, %q", code, body)
			}
		})
	}
}

// TestHostsAreReloaded shows that a name which is added helps at once.
func TestHostsAreReloaded(t *testing.T) {
	address := net.JoinHostPort("127.0.0.1", freePort(t))
	conf := "[server]\nlisten=" + address + "\n"
	r := startServer(t, sampleSite(t), conf)
	l := listener{running: r, dial: func(t *testing.T) net.Conn { return dial(t, "tcp", address) }}
	const host = "Host: pbx.example.org\r\n"
	if code, body := l.askAs(t, host, ""); code != "unknown-host" || body != "-1\n" {
		t.Errorf("got %s, %q", code, body)
	}
	r.reload(conf+"hosts=pbx.example.org\n", "msg=reloaded")
	if code, body := l.askAs(t, host, ""); code != "" || body != "0\n" {
		t.Errorf("after the reload: %s, %q", code, body)
	}
}
