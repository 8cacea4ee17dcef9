package main

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"

	"dbsep/internal/testserver"
)

// proxyHeader is a header of the PROXY protocol for a client.
func proxyHeader(t *testing.T, version byte, client string) string {
	t.Helper()
	address := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(client))
	text, err := proxyproto.HeaderProxyFromAddrs(version, address, &net.TCPAddr{IP: address.IP, Port: 8000}).Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const requestBehindProxy = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\nid=nobody"

// behindProxy sends a header in plain, and a request behind it, over TLS where it is spoken.
func behindProxy(t *testing.T, l listener, header, request string) (status, code, body string) {
	t.Helper()
	c := l.dial(t)
	plain := c
	if over, ok := c.(*tls.Conn); ok {
		plain = over.NetConn()
	}
	if _, err := plain.Write([]byte(header)); err != nil {
		t.Fatal(err)
	}
	r, text := lastResponse(t, c, request)
	return r.Status, r.Header.Get("X-Dbsep-Error"), text
}

// TestUnexpectedProxyHeaderIsRefusedSafely shows what Asterisk gets behind a proxy that
// sends a header which dbsep.conf does not expect.
func TestUnexpectedProxyHeaderIsRefusedSafely(t *testing.T) {
	for name, lines := range map[string]string{"no network": "", "another network": "proxy_protocol=192.0.2.0/24\n"} {
		for _, l := range listenersOf(t, lines) {
			if lines != "" && l.name == "unix socket" {
				continue
			}
			for _, header := range []string{
				proxyHeader(t, 1, "198.51.100.7:5000"), proxyHeader(t, 2, "198.51.100.7:5000"), proxyHeader(t, 1, "[2001:db8::7]:5000"),
				"PROXY UNKNOWN\r\n", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
			} {
				t.Run(name+"/"+l.name+"/"+strconv.Quote(header), func(t *testing.T) {
					for _, o := range operationsOfAsterisk("unexpected-proxy-header") {
						status, code, body := behindProxy(t, l, header, o.method+" "+o.target+requestBehindProxy)
						if code != "unexpected-proxy-header" || body != o.body {
							t.Errorf("%s %s: got %s, %s, %q", o.method, o.target, status, code, body)
						}
					}
				})
			}
			l.said("code=unexpected-proxy-header operation=update .*proxy_protocol")
		}
	}
}

// TestInvalidProxyHeaderIsRefusedSafely shows headers that nobody can read.
func TestInvalidProxyHeaderIsRefusedSafely(t *testing.T) {
	for _, l := range listenersOf(t, "proxy_protocol=127.0.0.1\n") {
		for _, header := range []string{"PROXY nonsense\r\n", "PROXY TCP4 a b c d\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 99999999\r\n"} {
			for _, o := range operationsOfAsterisk("bad-request") {
				if status, code, body := behindProxy(t, l, header, o.method+" "+o.target+requestBehindProxy); code != "bad-request" || body != o.body {
					t.Errorf("%s: %q: %s: got %s, %s, %q", l.name, header, o.target, status, code, body)
				}
			}
		}
	}
}

// TestProxyHeaderNamesTheClient shows that the address of the header counts.
func TestProxyHeaderNamesTheClient(t *testing.T) {
	const lines = "proxy_protocol=192.0.2.0/24, 127.0.0.0/8\nallow=198.51.100.0/24, 2001:db8::/32, 127.0.0.0/8\n" +
		"[tables]\n*=none\n[tables network:198.51.100.7]\n*=write\n[tables network:2001:db8::/32]\n*=read\n"
	for _, l := range listenersOf(t, lines) {
		for _, test := range []struct{ name, header, code, body string }{
			{"may write, version 1", proxyHeader(t, 1, "198.51.100.7:5000"), "", "0\n"},
			{"may write, version 2", proxyHeader(t, 2, "198.51.100.7:5000"), "", "0\n"},
			{"may only read", proxyHeader(t, 1, "[2001:db8::7]:5000"), "forbidden", "-1\n"},
			{"is not allowed", proxyHeader(t, 2, "203.0.113.9:5000"), "forbidden", "-1\n"},
			{"the proxy itself, version 1", "PROXY UNKNOWN\r\n", "forbidden", "-1\n"},
			{"the proxy itself, version 2", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "forbidden", "-1\n"},
			{"the proxy itself, without a header", "", "forbidden", "-1\n"},
		} {
			t.Run(l.name+"/"+test.name, func(t *testing.T) {
				if status, code, body := behindProxy(t, l, test.header, "POST /ps_endpoints/destroy"+requestBehindProxy); code != test.code || body != test.body {
					t.Errorf("got %s, %s, %q", status, code, body)
				}
				if status, _, body := behindProxy(t, l, test.header, "GET /livez"+requestBehindProxy); body != "ok\n" {
					t.Errorf("got %s, %q", status, body)
				}
			})
		}
		l.said("code=forbidden operation=destroy.* client=203.0.113.9 ")
		l.said("code=forbidden operation=destroy.* client=2001:db8::7 ")
	}
}

// TestProxyProtocolIsReloaded shows that a reload changes who may send a header.
func TestProxyProtocolIsReloaded(t *testing.T) {
	port, err := testserver.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	conf := "[server]\nlisten=" + address + "\n"
	r := startServer(t, sampleSite(t), conf)
	l := listener{running: r, dial: func(t *testing.T) net.Conn { return dial(t, "tcp", address) }}
	send := func() string {
		_, code, body := behindProxy(t, l, proxyHeader(t, 1, "198.51.100.7:5000"), "POST /ps_endpoints/destroy"+requestBehindProxy)
		return code + body
	}
	if got := send(); got != "unexpected-proxy-header-1\n" {
		t.Errorf("got %q", got)
	}
	r.reload(conf+"proxy_protocol=127.0.0.1\n", "msg=reloaded")
	if got := send(); got != "0\n" {
		t.Errorf("after the reload: %q", got)
	}
}

// TestProxysConnectionsDoNotCountByAddress shows that a proxy may open more of them than
// one client.
func TestProxysConnectionsDoNotCountByAddress(t *testing.T) {
	for lines, want := range map[string]string{"": "-1\n", "proxy_protocol=127.0.0.1\n": "0\n"} {
		port, err := testserver.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		startServer(t, sampleSite(t), "[server]\nlisten="+address+"\n"+lines+"[limits]\nmax_clients_per_address=1\n")
		first := dial(t, "tcp", address)
		if _, err := first.Write([]byte("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Read(make([]byte, 1)); err != nil { // it counts by now
			t.Fatal(err)
		}
		r, body := lastResponse(t, dial(t, "tcp", address), "POST /ps_endpoints/destroy"+requestBehindProxy)
		if body != want || strings.Contains(r.Header.Get("X-Dbsep-Error"), "too-many") != (want == "-1\n") {
			t.Errorf("%q: got %q, %s", lines, body, r.Header.Get("X-Dbsep-Error"))
		}
	}
}
