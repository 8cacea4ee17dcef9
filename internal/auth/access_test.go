package auth_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"dbsep/gateway"
	"dbsep/internal/auth"
)

// from makes a request of a client.
func from(remote string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/t/single?a=b", nil)
	r.RemoteAddr = remote
	return r
}

func newAuthorizer(t *testing.T, r auth.Rules) *auth.Authorizer {
	t.Helper()
	g, err := auth.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// codeOf is the code of a refusal, empty where a client was admitted.
func codeOf(err error) gateway.Code {
	var e *gateway.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAllow(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}})
	for remote, want := range map[string]gateway.Code{
		"10.1.2.3:5":          "",
		"10.2.2.3:5":          gateway.Forbidden,
		"[::ffff:10.1.2.3]:5": "",
		"[fd00::1%eth0]:5":    "",
		"[fe80::1]:5":         gateway.Forbidden,
		"@":                   "", // a unix socket
	} {
		if _, err := g.Authorize(from(remote)); codeOf(err) != want {
			t.Errorf("%s: %v", remote, err)
		}
	}
}

// htpasswdFile writes a file of one user, alice with the password wonderland.
func htpasswdFile(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("wonderland"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "# users\n\nalice:"+string(hash)+"\n")
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func withPassword(r *http.Request, user, password string) *http.Request {
	r.SetBasicAuth(user, password)
	return r
}

func TestPasswords(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Htpasswd: htpasswdFile(t)})
	for range 2 { // the second time it is remembered
		c, err := g.Authorize(withPassword(from("10.0.0.1:1"), "alice", "wonderland"))
		if err != nil || c.Name != "alice" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	for _, r := range []*http.Request{
		from("10.0.0.1:1"),
		withPassword(from("10.0.0.1:1"), "alice", "Wonderland"),
		withPassword(from("10.0.0.1:1"), "alice", ""),
		withPassword(from("10.0.0.1:1"), "bob", "wonderland"),
		withPassword(from("10.0.0.1:1"), "", "alicewonderland"),
	} {
		if _, err := g.Authorize(r); codeOf(err) != gateway.Unauthorized {
			t.Errorf("%q: %v", r.Header.Get("Authorization"), err)
		}
	}
}

func TestFilesOfPasswordsThatCannotBeUsed(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "names no user",
		"alice:plain\n":                     "1 of its lines cannot be used; create them again with htpasswd -B",
		"alice:$apr1$x$y\nbob\n":            "2 of its lines cannot be used",
		"alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG3": "1 of its lines cannot be used",
	} {
		_, err := auth.New(auth.Rules{Htpasswd: writeFile(t, text)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := auth.New(auth.Rules{Htpasswd: "/nowhere/at/all"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

var (
	none  = auth.Right{Pattern: "*"}
	read  = auth.Right{Pattern: "*", Read: true}
	write = auth.Right{Pattern: "*", Read: true, Write: true}
)

// to returns the right to tables of another pattern.
func to(pattern string, r auth.Right) auth.Right {
	r.Pattern = pattern
	return r
}

func TestRights(t *testing.T) {
	tables := []auth.Ruling{
		{Rights: []auth.Right{write, to("cdr*", none), to("cdr", read), to("*_log", read), to("queue_*g", none), to("q*e*l*g", write)}},
		{Kind: "user", Name: "alice", Rights: []auth.Right{none}},
		{Kind: "certificate", Name: "edge", Rights: []auth.Right{read}},
		{Kind: "network", Name: "10.0.0.0/8", Rights: []auth.Right{read}},
		{Kind: "network", Name: "10.1.0.0/16", Rights: []auth.Right{none}},
	}
	g := newAuthorizer(t, auth.Rules{Tables: tables})
	for table, want := range map[string]auth.Right{
		"ps_endpoints": write, "CDR": read, "cdr_old": none, "Queue_Log": none, "my_log": read, "cd": write, "queueing": write, "queuelog": write,
	} {
		c, err := g.Authorize(from("192.0.2.1:1"))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Rights(table); got.CanRead() != want.Read || got.CanWrite() != want.Write || got != c.Rights(table) {
			t.Errorf("%s: %+v", table, got)
		}
	}
	web := auth.NewWeb(tables, func(r *http.Request, name string) string { return r.Header.Get(name) })
	for _, test := range []struct {
		name      string
		variables map[string]string
		want      auth.Right
	}{
		{"nobody known", nil, write},
		{"a user", map[string]string{"REMOTE_USER": "alice", "REMOTE_ADDR": "10.0.0.1"}, none},
		{"a user without rules, by the network", map[string]string{"REMOTE_USER": "bob", "REMOTE_ADDR": "10.0.0.1"}, read},
		{"the narrowest network", map[string]string{"REMOTE_ADDR": "10.1.0.1"}, none},
		{"a certificate", map[string]string{"SSL_CLIENT_S_DN_CN": "edge", "SSL_CLIENT_VERIFY": "SUCCESS", "REMOTE_ADDR": "10.1.0.1"}, read},
		{"a certificate that nobody vouches for", map[string]string{"SSL_CLIENT_S_DN_CN": "edge", "SSL_CLIENT_VERIFY": "GENEROUS"}, write},
	} {
		r := from(test.variables["REMOTE_ADDR"] + ":0")
		for name, value := range test.variables {
			r.Header.Set(name, value)
		}
		c, err := web.Authorize(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Rights("t"); got.CanRead() != test.want.Read || got.CanWrite() != test.want.Write {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestWithoutRulesEveryRight(t *testing.T) {
	c, err := newAuthorizer(t, auth.Rules{}).Authorize(from("192.0.2.1:1"))
	if err != nil || c.Rights != nil || c.Name != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestNamesOfACertificate(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Tables: []auth.Ruling{
		{Rights: []auth.Right{none}},
		{Kind: "certificate", Name: "edge1.example.org", Rights: []auth.Right{read}},
	}})
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: "Edge"}, DNSNames: []string{"edge1.example.org"}}
	r := from("192.0.2.1:1")
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
	if c, _ := g.Authorize(r); c.Rights("t").CanRead() || c.Name != "" {
		t.Error("a certificate that nobody vouches for counts")
	}
	r.TLS.VerifiedChains = [][]*x509.Certificate{{cert}}
	if c, _ := g.Authorize(r); !c.Rights("t").CanRead() || c.Name != "Edge" {
		t.Errorf("%+v", c)
	}
}
