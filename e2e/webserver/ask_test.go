//go:build e2e

package webserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A door is a web server's way to a site.
type door struct {
	system  string // what is printed: "apache cgid/SQLite"
	address string // of the web server
	base    string // in front of every path
	site    *site
	client  *http.Client
}

// path is where dbsep.cgi has always been.
const path = "/cgi-bin/dbsep.cgi"

func newDoor(system, address string, s *site) *door {
	return &door{system, address, path, s, &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// An answer is the response that a client gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a request in Asterisk's manner.
func (d *door) post(t *testing.T, target, body string, header ...string) answer {
	t.Helper()
	return d.ask(t, http.MethodPost, target, body, header...)
}

func (d *door) get(t *testing.T, target string, header ...string) answer {
	t.Helper()
	return d.ask(t, http.MethodGet, target, "", header...)
}

// ask sends a request with the target as it is written, and fails the test for what
// no client may ever get: no response, one before the response, or a redirect.
func (d *door) ask(t *testing.T, method, target, body string, header ...string) answer {
	t.Helper()
	a, err := d.try(t.Context(), method, target, body, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	if a.status/100 == 3 {
		t.Fatalf("%s %s: redirected to %s", method, target, a.header.Get("Location"))
	}
	return a
}

// try sends a request and, like libcurl, sends it again when a connection that had
// served before was closed without a response.
func (d *door) try(ctx context.Context, method, target, body string, header ...string) (answer, error) {
	a, reused, err := d.send(ctx, method, target, body, header)
	if reused && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) {
		d.client.CloseIdleConnections() // those that the server is about to close, too
		a, _, err = d.send(ctx, method, target, body, header)
	}
	return a, err
}

func (d *door) send(ctx context.Context, method, target, body string, header []string) (a answer, reused bool, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			return fmt.Errorf("an answer with status %d came before the answer", code)
		},
	})
	r, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+"/", strings.NewReader(body))
	if err != nil {
		return answer{}, false, err
	}
	r.URL.Opaque = d.base + target
	r.Header.Set("User-Agent", "asterisk-libcurl-agent/1.0")
	r.Header.Set("Accept", "*/*")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.Host = r.Header.Get("Host") // the address if empty
	response, err := d.client.Do(r)
	if err != nil {
		return answer{}, reused, err
	}
	defer response.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(response.Body)
	return answer{response.StatusCode, response.Header, text.String()}, false, err
}

// want fails the test when a body is another one than expected.
func (a answer) want(t *testing.T, body string) {
	t.Helper()
	if a.body != body {
		t.Errorf("status %d, X-Dbsep-Error %q: got %.300q, want %.300q", a.status, a.header.Get("X-Dbsep-Error"), a.body, body)
	}
}

// wantSafe fails the test unless Asterisk takes a response for a failure and for
// nothing else (P1, P3, P5).
func (a answer) wantSafe(t *testing.T, operation string) {
	t.Helper()
	safe := a.body == ""
	switch operation {
	case "update", "store", "destroy":
		safe = strings.TrimSpace(a.body) == "-1"
	case "require":
		safe = strings.TrimSpace(a.body) == "0"
	case "static":
		safe = strings.Contains(a.body, "var_name=%23include&var_val=%2Fdbsep%2Ferror%2F") && strings.Count(strings.TrimSpace(a.body), "\n") == 0
	}
	if !safe {
		t.Errorf("a failed %s was answered with status %d and %.200q", operation, a.status, a.body)
	}
}
