//go:build e2e

package kamailio

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"dbsep/internal/testenv"
)

// A faultProxy passes requests on to a gateway, unless it has a response of its
// own: one that a broken gateway, or a web server in front of it, could send.
type faultProxy struct {
	response atomic.Pointer[response]
	proxy    *httputil.ReverseProxy
}

type response struct {
	status int
	body   string
}

func (f *faultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	own := f.response.Load()
	if own == nil {
		f.proxy.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(own.status)
	_, _ = io.WriteString(w, own.body)
}

// newFaultProxy starts one in front of the gateway at an address, and returns it
// and its own address.
func newFaultProxy(t *testing.T, gateway string) (*faultProxy, string) {
	t.Helper()
	f := &faultProxy{proxy: httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: gateway})}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.Listener.Addr().String()
}

// faults are what must never give a phone a password that is not its own, though
// Kamailio has just looked up another phone's.
var faults = []struct {
	name  string
	begin func(t *testing.T, p *proxy)
	ok    bool // the status is 200
}{
	{"both gateways stopped", func(t *testing.T, p *proxy) {
		p.apache.Cut()
		p.direct.Cut()
	}, false},
	{"404 with the text of a web server", answerAll(404, "<html><body>Not Found</body></html>"), false},
	{"404 with a row in text", answerAll(404, "id=alice&password=alice-pw\n"), false},
	{"404 with a row in JSON", answerAll(404, `{"id":"alice","password":"alice-pw"}`), false},
	{"500 with a row in text", answerAll(500, "id=alice&password=alice-pw\n"), false},
	{"500 with a row in JSON", answerAll(500, `{"id":"alice","password":"alice-pw"}`), false},
	{"403 without a body", answerAll(403, ""), false},
	{"503 without a body", answerAll(503, ""), false},
	{"200 without a body", answerAll(200, ""), true},
	{"200 with an empty line", answerAll(200, "\n"), true},
	{"200 with a page of a web server", answerAll(200, "<html><body>It works!</body></html>"), true},
	{"200 with JSON that breaks off", answerAll(200, `{"id":"bob","passw`), true},
	{"200 with a password that is null", answerAll(200, `{"id":"bob","password":null}`), true},
	{"200 with a row without a password", answerAll(200, "id=bob&auth_type=userpass\n"), true},
	{"200 with an empty list", answerAll(200, "[]\n"), true},
}

func answerAll(status int, body string) func(t *testing.T, p *proxy) {
	return func(_ *testing.T, p *proxy) {
		p.firstFault.response.Store(&response{status, body})
		p.secondFault.response.Store(&response{status, body})
	}
}

func (p *proxy) endFaults(t *testing.T) {
	t.Helper()
	p.firstFault.response.Store(nil)
	p.secondFault.response.Store(nil)
	p.apache.Restore(t)
	p.direct.Restore(t)
}

// findAlice looks up alice's password, again if need be: Kamailio may still use a
// connection that a fault has cut.
func (p *proxy) findAlice(t *testing.T, route string) {
	t.Helper()
	testenv.WaitFor(t, route+": alice's password", nil, func(ctx context.Context) error {
		r, err := p.send(ctx, route, "alice", "example.org")
		if err == nil && (r.status != "200" || r.result != "alice-pw") {
			err = fmt.Errorf("status %s and %q", r.status, r.result)
		}
		return err
	})
}

// lookups are the routes that look up a password.
var lookups = []string{"password", "query", "text", "async"}

func (p *proxy) testFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			for _, route := range lookups {
				p.endFaults(t)
				p.findAlice(t, route)
				f.begin(t, p)
				p.ask(t, route, "bob", "example.org").wantNothing(t, route, f.ok)
			}
			p.endFaults(t)
			p.ask(t, "members", "alice", "support").want(t, "200", supportMembers)
			f.begin(t, p)
			p.ask(t, "members", "alice", "support").wantNothing(t, "members", f.ok)
			p.endFaults(t)
		})
	}
	t.Run("a user that makes the longest request", func(t *testing.T) {
		long := strings.Repeat("+", 22000)
		for _, route := range lookups {
			p.findAlice(t, route)
			if r := p.ask(t, route, long, "example.org"); r.result != "" {
				t.Errorf("%s: the script got status %s and %q, want nothing", route, r.status, r.result)
			}
		}
	})
}

// testRegister registers phones with SIP's digest authentication.
func (p *proxy) testRegister(t *testing.T) {
	challenge := func(user string) string {
		t.Helper()
		status, nonce := p.register(t, user, credentials{})
		if status != 401 || nonce == "" {
			t.Fatalf("%s without a password: status %d", user, status)
		}
		return nonce
	}
	want := func(what, user string, c credentials, want int) {
		t.Helper()
		if status, _ := p.register(t, user, c); status != want {
			t.Errorf("%s: status %d, want %d", what, status, want)
		}
	}
	_, err := p.first.DB.ExecContext(t.Context(), "INSERT INTO ps_auths (id, password) VALUES ('null', NULL), ('empty', '')")
	check(t, err)
	alice, bob := challenge("alice"), challenge("bob")
	want("the right password", "alice", credentials{"alice", "alice-pw", alice}, 200)
	want("another phone's password", "bob", credentials{"bob", "alice-pw", bob}, 401)
	want("another phone's name and bob's password", "bob", credentials{"alice", "bob-pw", bob}, 403)
	for _, user := range []string{"null", "empty", "nobody"} {
		for _, password := range []string{"", "0", "null", "<null>"} {
			want(user+" with "+password, user, credentials{user, password, bob}, 403)
		}
	}
	for _, f := range faults {
		want("the right password, before "+f.name, "alice", credentials{"alice", "alice-pw", alice}, 200)
		f.begin(t, p)
		for _, password := range []string{"alice-pw", "", "0"} {
			if status, _ := p.register(t, "bob", credentials{"bob", password, bob}); status != 403 && status != 503 {
				t.Errorf("%s: bob with %q: status %d", f.name, password, status)
			}
		}
		p.endFaults(t)
	}
	want("bob with his own, after all", "bob", credentials{"bob", "bob-pw", bob}, 200)
}

// wantNothing fails the test if the script found something in a response, or took
// it for a good one.
func (r reply) wantNothing(t *testing.T, route string, ok bool) {
	t.Helper()
	if r.result != "" || (r.status == "200") != ok {
		t.Errorf("%s: the script got status %s and %q, want nothing", route, r.status, r.result)
	}
}
