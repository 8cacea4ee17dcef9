package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/testserver"
)

// kept is a static file's row that makes Asterisk keep what it has.
func kept(code string) string {
	return "cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2F" + strings.ReplaceAll(code, "-", "%2D") + "\n"
}

// An operation is a request, with the body of the response when it fails, and
// whether its status is 200.
type operation struct {
	method, target, body string
	ok                   bool
}

// operationsOfAsterisk are all operations, failing with a code, and two paths with none.
func operationsOfAsterisk(code string) []operation {
	return []operation{
		{"POST", "/ps_endpoints/single", "", false},
		{"POST", "/ps_endpoints/multi", "", false},
		{"POST", "/ps_endpoints/store", "-1\n", true},
		{"POST", "/ps_endpoints/update?id=bob", "-1\n", true},
		{"POST", "/ps_endpoints/destroy", "-1\n", true},
		{"POST", "/ps_endpoints/require", "-1\n", true},
		{"GET", "/ast_config/static?file=queues.conf", kept(code), true},
		{"GET", "/ps_endpoints/single?id=bob", "", false},
		{"GET", "/ps_endpoints/update?id=bob", "-1\n", true},
		{"POST", "/cgi-bin/dbsep.cgi/ps_endpoints//UPDATE/?id=bob", "-1\n", true},
		{"POST", "/cgi-bin/dbsep.cgi", "-1\n", false},
		{"GET", "/cgi-bin/dbsep.cgi", "", false},
	}
}

// invalid are requests that are not valid HTTP, or that net/http responds to by itself.
// METHOD and TARGET are the place of an operation.
var invalid = []struct{ name, request string }{
	{"two Host headers", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"no Host header", "METHOD TARGET HTTP/1.1\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"an invalid Host", "METHOD TARGET HTTP/1.1\r\nHost: a b\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a negative length", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: -9\r\n\r\nid=nobody"},
	{"a length that is not a number", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\nid=nobody"},
	{"two lengths", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\nid=nobody"},
	{"a length too large", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nid=nobody"},
	{"an unknown transfer encoding", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nid=nobody"},
	{"two transfer encodings", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"a path with %zz", "METHOD /%zzTARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a path with a space", "METHOD /a bTARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a path without a slash", "METHOD xTARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a URL of another kind", "METHOD http://x:y:zTARGET HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a header too large", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 40<<10) + "\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a header line without a colon", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nnothing\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a header name with a space", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nX Y: z\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a header value with a NUL", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nX: \x00\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"a folded first header line", "METHOD TARGET HTTP/1.1\r\n Host: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"HTTP/3.0", "METHOD TARGET HTTP/3.0\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"HTTP/2.0", "METHOD TARGET HTTP/2.0\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"HTTP/0.9", "METHOD TARGET\r\n\r\n"},
	{"a version that is none", "METHOD TARGET HTTP/one\r\nHost: x\r\n\r\n"},
	{"another expectation", "METHOD TARGET HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 9\r\n\r\nid=nobody"},
	{"line ends without CR", "METHOD TARGET HTTP/1.1\nHost: x\nHost: y\nContent-Length: 9\n\nid=nobody"},
	{"empty lines in front", "\r\nMETHOD TARGET HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
	{"behind a valid request", "POST /ps_endpoints/single HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobodyMETHOD TARGET HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 9\r\n\r\nid=nobody"},
}

// A listener is a way to a server.
type listener struct {
	name string
	*running
	dial   func(t *testing.T) net.Conn // an open connection, with TLS where it is spoken
	secure bool
}

// listenersOf starts a server of each kind, with further lines in its [server].
func listenersOf(t *testing.T, lines string) []listener {
	dir := sampleSite(t)
	if _, err := testserver.Certify(dir); err != nil {
		t.Fatal(err)
	}
	onUnix := startServer(t, dir, "[server]\nlisten=unix:"+filepath.Join(dir, "socket")+"\n"+lines)
	port := func() string {
		p, err := testserver.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(p))
	}
	plain, secure := port(), port()
	onTCP := startServer(t, sampleSite(t), "[server]\nlisten="+plain+"\n"+lines)
	onTLS := startServer(t, sampleSite(t), "[server]\nlisten="+secure+"\ntls_cert="+filepath.Join(dir, "cert.pem")+"\ntls_key="+filepath.Join(dir, "key.pem")+"\n"+lines)
	return []listener{
		{"TCP", onTCP, func(t *testing.T) net.Conn { return dial(t, "tcp", plain) }, false},
		{"unix socket", onUnix, func(t *testing.T) net.Conn { return dial(t, "unix", filepath.Join(dir, "socket")) }, false},
		{"TLS", onTLS, func(t *testing.T) net.Conn { return overTLS(dial(t, "tcp", secure)) }, true},
	}
}

func overTLS(c net.Conn) net.Conn {
	return tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is the test's own
}

// lastResponse sends bytes and returns the last response of the connection, which the
// server has to close.
func lastResponse(t *testing.T, c net.Conn, sent string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("the connection ended with %v after %q", err, all)
	}
	var response *http.Response
	var body []byte
	for in := bufio.NewReader(bytes.NewReader(all)); ; {
		if _, err := in.Peek(1); err != nil {
			break
		}
		if response, err = http.ReadResponse(in, nil); err != nil {
			t.Fatalf("%v: %q", err, all)
		}
		if body, err = io.ReadAll(response.Body); err != nil {
			t.Fatalf("%v: %q", err, all)
		}
	}
	if response == nil {
		t.Fatal("there was no response")
	}
	return response, string(body)
}

// wantRefusal checks a response that ends its connection.
func wantRefusal(t *testing.T, o operation, r *http.Response, body, code, want string) {
	t.Helper()
	if body != want || r.Header.Get("X-Dbsep-Error") != code {
		t.Errorf("got %s, %s, %q, want %s, %q", r.Status, r.Header.Get("X-Dbsep-Error"), body, code, want)
	}
	if o.ok != (r.StatusCode == http.StatusOK) || !o.ok && r.StatusCode < 400 {
		t.Errorf("the status is %s for the body %q", r.Status, body)
	}
	if !r.Close {
		t.Error("the response does not say Connection: close")
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
}

// TestInvalidHTTPIsRefusedSafely shows that what net/http responds by itself never
// reaches Asterisk, which takes it for a row, or for a number of rows.
func TestInvalidHTTPIsRefusedSafely(t *testing.T) {
	for _, l := range listenersOf(t, "") {
		for _, test := range invalid {
			t.Run(l.name+"/"+test.name, func(t *testing.T) {
				for _, o := range operationsOfAsterisk("bad-request") {
					sent := strings.NewReplacer("METHOD", o.method, "TARGET", o.target).Replace(test.request)
					r, body := lastResponse(t, l.dial(t), sent)
					wantRefusal(t, o, r, body, "bad-request", o.body)
				}
			})
		}
		l.said("code=bad-request operation=update")
		if got := l.log.String(); strings.Contains(got, "panic") || strings.Contains(got, "nobody") {
			t.Errorf("%s: the log says\n%s", l.name, got)
		}
	}
}

// TestPlainHTTPOnAPortForTLS shows what a client that says http:// gets where TLS is
// spoken.
func TestPlainHTTPOnAPortForTLS(t *testing.T) {
	for _, l := range listenersOf(t, "") {
		if !l.secure {
			continue
		}
		for _, o := range operationsOfAsterisk("https-required") {
			c := l.dial(t).(*tls.Conn).NetConn()
			r, body := lastResponse(t, c, o.method+" "+o.target+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody")
			wantRefusal(t, o, r, body, "https-required", o.body)
		}
		l.said("code=https-required operation=update .*https://")
		if r, body := lastResponse(t, l.dial(t).(*tls.Conn).NetConn(), "POST /x/update HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"); body != "-1\n" {
			t.Errorf("invalid HTTP, too: %s, %q", r.Status, body)
		}
	}
}

// TestTLSOnAPortForPlainHTTP shows that a client that begins with TLS gets no text.
func TestTLSOnAPortForPlainHTTP(t *testing.T) {
	for _, l := range listenersOf(t, "") {
		if l.secure {
			continue
		}
		if _, err := overTLS(l.dial(t)).Write([]byte("x")); err == nil {
			t.Error("the handshake succeeded")
		}
		l.said("code=bad-request .*hint=.*the client speaks TLS")
	}
}

// TestOddMethods shows requests that net/http has ideas of its own about.
func TestOddMethods(t *testing.T) {
	for _, l := range listenersOf(t, "") {
		for sent, want := range map[string]string{
			"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                                                                                        "",
			"CONNECT db.example.org:3306 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                                                                      "",
			"TRACE /ps_endpoints/update HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                                                                       "-1\n",
			"PUT /ps_endpoints/store HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                                                                          "-1\n",
			"POST /ps_endpoints/update?id=bob HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\nid=nobody\r\n": "-1\n",
			"GET /livez/update HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                                                                                "-1\n",
			"POST /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n":                                                                 "-1\n",
		} {
			r, body := lastResponse(t, l.dial(t), sent)
			if body != want || r.StatusCode == http.StatusOK && want == "" || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %.30q: got %s, %q, %s", l.name, sent, r.Status, body, r.Header.Get("Cache-Control"))
			}
		}
		if !l.secure { // HTTP/2 without TLS is not spoken
			if r, body := lastResponse(t, l.dial(t), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); body != "" || r.StatusCode == http.StatusOK {
				t.Errorf("HTTP/2: got %s, %q", r.Status, body)
			}
		}
	}
}

// TestStatusListenerRefusesSafely shows what Asterisk gets where extconfig.conf names
// the port of the status listener.
func TestStatusListenerRefusesSafely(t *testing.T) {
	dir := sampleSite(t)
	socket := filepath.Join(dir, "status")
	startServer(t, dir, "[server]\nlisten=unix:"+filepath.Join(dir, "socket")+"\nstatus_listen=unix:"+socket+"\n")
	for _, o := range operationsOfAsterisk("unknown-operation") {
		r, body := lastResponse(t, dial(t, "unix", socket), o.method+" "+o.target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\nid=nobody")
		wantRefusal(t, o, r, body, "unknown-operation", o.body)
		r, body = lastResponse(t, dial(t, "unix", socket), o.method+" "+o.target+" HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 9\r\n\r\nid=nobody")
		wantRefusal(t, o, r, body, "bad-request", strings.ReplaceAll(o.body, "unknown%2Doperation", "bad%2Drequest"))
	}
}

// TestJSONClientIsToldWhatIsInvalid shows the refusal of a client that wants JSON.
func TestJSONClientIsToldWhatIsInvalid(t *testing.T) {
	for _, l := range listenersOf(t, "") {
		for _, sent := range []string{
			"POST /ps_endpoints/update.json?id=bob HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
			"POST /ps_endpoints/update?id=bob HTTP/1.1\r\nAccept: application/json\r\nHost: x\r\nHost: y\r\n\r\n",
		} {
			r, body := lastResponse(t, l.dial(t), sent)
			if r.StatusCode != http.StatusBadRequest || !strings.HasPrefix(body, `{"error":{"code":"bad-request","message":"the request is not valid HTTP"`) {
				t.Errorf("%s: got %s, %q", l.name, r.Status, body)
			}
		}
	}
}
