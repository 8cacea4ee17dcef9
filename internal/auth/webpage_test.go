package auth_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"dbsep/gateway"
	"dbsep/internal/auth"
)

func TestPagesOfOtherServersAreRefused(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Hosts: []string{"ui.example.org"}})
	for _, test := range []struct {
		name, origin, site string
		want               gateway.Code
	}{
		{"no browser", "", "", ""},
		{"a page of another server", "https://elsewhere.example", "", gateway.CrossOrigin},
		{"the same in a browser that says so", "https://elsewhere.example", "cross-site", gateway.CrossOrigin},
		{"a script of another server", "", "cross-site", gateway.CrossOrigin},
		{"a page of the server", "http://pbx.example.org", "", ""},
		{"the same in a browser that says so", "", "same-origin", ""},
		{"a page of a server that is named", "https://ui.example.org:8443", "cross-site", ""},
		{"a file", "null", "", gateway.CrossOrigin},
		{"the user", "", "none", ""},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := from("192.0.2.1:1")
			r.Method, r.Host = method, "pbx.example.org"
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.site != "" {
				r.Header.Set("Sec-Fetch-Site", test.site)
			}
			_, err := g.Authorize(r)
			if codeOf(err) != test.want {
				t.Errorf("%s, %s: %v", test.name, method, err)
			}
			hint := ""
			if test.want != "" && strings.HasPrefix(test.origin, "https://") {
				hint = "if the page is one of yours, add elsewhere.example to hosts= in the section [server]"
			}
			if e := new(gateway.Error); errors.As(err, &e) && e.Hint != hint {
				t.Errorf("%s, %s: %q", test.name, method, e.Hint)
			}
		}
	}
}

// A page reads the responses of this machine once its own name means this machine.
func TestNamesOfOtherServersAreRefused(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	s := onLoopback(t, auth.Admission{MaxClients: 99, MaxPerAddress: 99}, auth.Rules{Hosts: []string{"pbx.example.org"}})
	for _, test := range []struct {
		name, target, host string
		want               gateway.Code
	}{
		{"another server", "/", "elsewhere.example:8000", gateway.UnknownHost},
		{"a name that ends like the server's", "/", "sub.pbx.example.org", gateway.UnknownHost},
		{"the server's name", "/", "PBX.example.org.:8000", ""},
		{"the machine's name", "/", machine, ""},
		{"a name without a dot", "/", "dbsep", ""},
		{"a name below localhost", "/", "pbx.localhost", ""},
		{"an address", "/", "10.1.0.5:8000", ""},
		{"an IPv6 address", "/", "[::1]", ""},
		{"no name", "/", "", ""},
		{"a proxy's request", "http://elsewhere.example/", "elsewhere.example", ""},
	} {
		c := s.dial(t, "")
		if _, err := io.WriteString(c, "GET "+test.target+" HTTP/1.1\r\nHost: "+test.host+"\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err != nil || string(text) != string(test.want)+"\n" {
			t.Errorf("%s: %q, %v; want %q", test.name, text, err, test.want)
		}
	}
}
