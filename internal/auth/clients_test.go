package auth_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"dbsep/gateway"
	"dbsep/internal/auth"
)

// A site is a server with an authorizer, whose clients are counted. It responds with
// the code of the refusal.
type site struct {
	*auth.Clients
	*auth.Authorizer
	address          net.Addr
	handled          func(*http.Request) // is called in between requests; nil: nothing
	refused, dropped atomic.Int64
}

func newSite(t *testing.T, network, address string, a auth.Admission, r auth.Rules) *site {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{address: l.Addr(), Authorizer: newAuthorizer(t, r)}
	s.Clients = auth.NewClients(func() { s.refused.Add(1) }, func() { s.dropped.Add(1) })
	s.Admit(a)
	server := &http.Server{
		ConnContext:       auth.ConnContext,
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := s.Authorize(r)
			if s.handled != nil {
				s.handled(r)
			}
			var refusal *gateway.Error
			if errors.As(err, &refusal) && refusal.Refused {
				w.Header().Set("Connection", "close")
			}
			_, _ = io.WriteString(w, string(codeOf(err))+"\n")
		}),
	}
	go server.Serve(s.Listener(l))
	t.Cleanup(func() { server.Close() })
	return s
}

// onLoopback is a site at a loopback address.
func onLoopback(t *testing.T, a auth.Admission, r auth.Rules) *site {
	return newSite(t, "tcp", "127.0.0.1:0", a, r)
}

// dial connects from an address of this machine.
func (s *site) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	d := net.Dialer{}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.DialContext(t.Context(), s.address.Network(), s.address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends a request and returns what the site responds. kept reports whether the
// connection stays open.
func ask(t *testing.T, c net.Conn, header ...string) (code gateway.Code, kept bool) {
	t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n"+strings.Join(header, "")+"\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Close {
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("after Connection: close: %v", err)
		}
	}
	return gateway.Code(strings.TrimSpace(string(text))), !response.Close
}

// want asks and compares.
func want(t *testing.T, what string, c net.Conn, code gateway.Code, kept bool, header ...string) {
	t.Helper()
	if got, open := ask(t, c, header...); got != code || open != kept {
		t.Errorf("%s: got %q, kept %v; want %q, %v", what, got, open, code, kept)
	}
}

// wantDropped wants a connection to have been closed without a response.
func wantDropped(t *testing.T, what string, c net.Conn) {
	t.Helper()
	if text, err := io.ReadAll(c); len(text) > 0 || err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: %q, %v", what, text, err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not met: %s", what)
		}
	}
}

// await waits until so many places are taken.
func (s *site) await(t *testing.T, places int) {
	t.Helper()
	until(t, fmt.Sprintf("%d places are taken", places), func() bool { return s.Open() == places })
}

func TestOneClientTooMany(t *testing.T) {
	for name, a := range map[string]auth.Admission{
		"in all":           {MaxClients: 2, MaxPerAddress: 9},
		"from one address": {MaxClients: 9, MaxPerAddress: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := onLoopback(t, a, auth.Rules{})
			first, second := s.dial(t, ""), s.dial(t, "")
			want(t, "the first", first, "", true)
			want(t, "the second", second, "", true)
			want(t, "the third", s.dial(t, ""), gateway.TooManyClients, false)
			fourth := s.dial(t, "")
			until(t, "the fourth is accepted", func() bool { return s.refused.Load() == 2 })
			if s.Open() != 2 {
				t.Errorf("%d places are taken", s.Open())
			}
			first.Close()
			s.await(t, 1)
			want(t, "one that came before a place was free", fourth, "", true)
			want(t, "the second, still", second, "", true)
			if n := s.refused.Load(); n != 2 {
				t.Errorf("%d were refused", n)
			}
		})
	}
}

func TestAddressesHaveTheirOwnPlaces(t *testing.T) {
	s := onLoopback(t, auth.Admission{MaxClients: 9, MaxPerAddress: 1}, auth.Rules{})
	one := s.dial(t, "127.0.0.1")
	want(t, "an address", one, "", true)
	want(t, "the same again", s.dial(t, "127.0.0.1"), gateway.TooManyClients, false)
	want(t, "another", s.dial(t, "127.0.0.2"), "", true)

	s.Admit(auth.Admission{MaxClients: 9, MaxPerAddress: 1, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.3/32")}})
	for range 3 {
		want(t, "a proxy", s.dial(t, "127.0.0.3"), "", true)
	}
}

// strangers are more connections than there may be without a place.
const strangers = 600

func TestStrangersTakeNoPlace(t *testing.T) {
	inside := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	s := onLoopback(t, auth.Admission{MaxClients: 2, MaxPerAddress: 2, Allow: inside}, auth.Rules{Allow: inside})
	first := s.dial(t, "127.0.0.1")
	want(t, "a client", first, "", true)
	var all []net.Conn
	for range strangers {
		all = append(all, s.dial(t, "127.0.0.2"))
	}
	want(t, "a second client, among strangers", s.dial(t, "127.0.0.1"), "", true)
	s.await(t, 2)
	const most = 512
	for _, c := range all[:strangers-most] {
		wantDropped(t, "a stranger too many", c)
	}
	for _, c := range all[strangers-most:] {
		want(t, "a stranger", c, gateway.Forbidden, false)
	}
	want(t, "the first client, still", first, "", true)
	if refused, dropped := s.refused.Load(), s.dropped.Load(); refused != 0 || dropped != strangers-most {
		t.Errorf("%d refused, %d dropped", refused, dropped)
	}
}

// A client that is one too many gets its response although strangers come, too.
func TestStrangersDoNotDropClients(t *testing.T) {
	inside := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	s := onLoopback(t, auth.Admission{MaxClients: 1, MaxPerAddress: 1, Allow: inside}, auth.Rules{Allow: inside})
	want(t, "a client", s.dial(t, "127.0.0.1"), "", true)
	for range 10 {
		for range strangers / 10 {
			s.dial(t, "127.0.0.2")
		}
		want(t, "a client too many", s.dial(t, "127.0.0.1"), gateway.TooManyClients, false)
	}
}

const (
	rightPassword = "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n" // alice:wonderland
	wrongPassword = "Authorization: Basic YWxpY2U6bG9vay1pbmc=\r\n"     // alice:look-ing
)

// Who has shown no password has no place that others could need.
func TestConnectionsWithoutAPasswordGiveWay(t *testing.T) {
	for name, a := range map[string]auth.Admission{
		"in all":           {MaxClients: 3, MaxPerAddress: 9, Proof: true},
		"from one address": {MaxClients: 9, MaxPerAddress: 3, Proof: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := onLoopback(t, a, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "wonderland")})
			alice := s.dial(t, "")
			want(t, "a client", alice, "", true, rightPassword)
			oldest, other := s.dial(t, ""), s.dial(t, "")
			s.await(t, 3)
			second := s.dial(t, "")
			want(t, "a second client", second, "", true, rightPassword)
			wantDropped(t, "the oldest silent connection", oldest)
			want(t, "without a password", other, gateway.Unauthorized, true)
			want(t, "a third client", s.dial(t, ""), "", true, rightPassword)
			wantDropped(t, "the one without a password", other)
			for _, c := range []net.Conn{alice, second} {
				want(t, "a client, still", c, "", true, rightPassword)
			}
			want(t, "all places are those of clients", s.dial(t, ""), gateway.TooManyClients, false, rightPassword)
			if n := s.dropped.Load(); n != 1 {
				t.Errorf("%d were dropped", n)
			}
		})
	}
}

// The connections of a proxy are those of clients that are not known yet.
func TestConnectionsOfAProxyGiveWay(t *testing.T) {
	a := auth.Admission{MaxClients: 3, MaxPerAddress: 3, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.3/32")}}
	s := onLoopback(t, a, auth.Rules{})
	through := s.dial(t, "127.0.0.3")
	want(t, "a client behind the proxy", through, "", true)
	silent := s.dial(t, "127.0.0.3")
	s.await(t, 2)
	s.dial(t, "127.0.0.3")
	s.await(t, 3)
	want(t, "a client beside the proxy", s.dial(t, "127.0.0.1"), "", true)
	wantDropped(t, "a silent connection of the proxy", silent)
	want(t, "the client behind the proxy, still", through, "", true)
}

// A guess that waits for its delayed response gives up its place, too.
func TestDelayedGuessesGiveWay(t *testing.T) {
	for name, before := range map[string]string{
		"on a connection of its own":         "",
		"on one that had the right password": rightPassword,
	} {
		t.Run(name, func(t *testing.T) {
			s := onLoopback(t, auth.Admission{MaxClients: 2, MaxPerAddress: 2, Proof: true}, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "wonderland")})
			want(t, "a client", s.dial(t, ""), "", true, rightPassword)
			for code := gateway.Code(""); code != gateway.TooManyAttempts; {
				code, _ = ask(t, s.dial(t, ""), wrongPassword)
			}
			s.await(t, 1)
			guess, compared := s.dial(t, ""), auth.Comparisons(s.Authorizer)
			if before != "" {
				want(t, "before the guess", guess, "", true, before)
			}
			ended := make(chan error, 1)
			s.handled = func(r *http.Request) {
				if _, password, _ := r.BasicAuth(); password == "guess" {
					ended <- context.Cause(r.Context())
				}
			}
			if _, err := io.WriteString(guess, "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YWxpY2U6Z3Vlc3M=\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			until(t, "the guess is compared", func() bool { return auth.Comparisons(s.Authorizer) > compared })
			want(t, "a client beside a guess", s.dial(t, ""), "", true, rightPassword)
			text, err := io.ReadAll(guess)
			if err != nil || !strings.Contains(string(text), "\r\n\r\ntoo-many-") { // attempts, or clients if it was still compared
				t.Errorf("the guess: %q, %v", text, err)
			}
			if code := codeOf(<-ended); code != gateway.TooManyClients {
				t.Errorf("the guess ended for %q", code)
			}
			if n := s.dropped.Load(); n != 0 {
				t.Errorf("%d were dropped without a response", n)
			}
		})
	}
}

// A connection on which a wrong password comes after a right one, as behind a web
// server, is no better than others.
func TestAKeptConnectionIsForRightPasswords(t *testing.T) {
	s := onLoopback(t, auth.Admission{MaxClients: 9, MaxPerAddress: 9, Proof: true}, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "wonderland")})
	c := s.dial(t, "")
	want(t, "the right password", c, "", true, rightPassword)
	want(t, "a wrong one", c, gateway.Unauthorized, false, wrongPassword)
}

func TestWhoIsAProxy(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	tcp, unix := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }, &net.UnixAddr{Name: "@", Net: "unix"}
	for _, test := range []struct {
		name    string
		peer    net.Addr
		proxies []netip.Prefix
		want    bool
	}{
		{"an address of the networks", tcp("10.1.2.3"), proxies, true},
		{"another address", tcp("192.0.2.1"), proxies, false},
		{"an address, where there are no proxies", tcp("10.1.2.3"), nil, false},
		{"a unix socket", unix, proxies, true},
		{"a unix socket, where there are no proxies", unix, nil, false},
	} {
		if got := auth.IsProxy(test.peer, test.proxies); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestClientsOfAUnixSocket(t *testing.T) {
	inside := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	s := newSite(t, "unix", filepath.Join(t.TempDir(), "socket"), auth.Admission{MaxClients: 2, MaxPerAddress: 1, Allow: inside}, auth.Rules{Allow: inside})
	want(t, "a client", s.dial(t, ""), "", true)
	want(t, "another, without an address either", s.dial(t, ""), "", true)
	want(t, "one too many", s.dial(t, ""), gateway.TooManyClients, false)
}

// An admitted request allocates nothing.
func TestAdmissionAllocatesNothing(t *testing.T) {
	s := onLoopback(t, auth.Admission{MaxClients: 9, MaxPerAddress: 9}, auth.Rules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Hosts: []string{"pbx.example.org"}})
	for _, host := range []string{"localhost", "127.0.0.1:8000", "pbx.example.org"} {
		c := s.dial(t, "")
		want(t, host, c, "", true)
		s.handled = func(r *http.Request) {
			r.Host = host
			if n := testing.AllocsPerRun(100, func() { _, _ = s.Authorize(r) }); n > 0 {
				t.Errorf("%s: %v allocations", host, n)
			}
		}
		want(t, host, c, "", true)
		s.handled = nil
	}
}
