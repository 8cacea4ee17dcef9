//go:build e2e

package opensips

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A wire is one connection, which its client keeps.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	seen bytes.Buffer // all that has come
}

// patience is what rest_client has, by docs/opensips.md.
const patience = 2 * time.Second

func dial(t *testing.T, address string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", address)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	w := &wire{conn: c}
	w.in = bufio.NewReader(io.TeeReader(c, &w.seen))
	return w
}

// An answer is a whole response, with its header as it came.
type answer struct {
	status int
	header string
	body   string
	took   time.Duration
	closed bool // the server will close the connection
}

// ask sends the bytes of a request and reads one response. It must be the only one,
// and come in time.
func (w *wire) ask(t *testing.T, request string) answer {
	t.Helper()
	began := time.Now()
	check(t, w.conn.SetDeadline(began.Add(patience)))
	_, err := io.WriteString(w.conn, request)
	check(t, err)
	method, _, _ := strings.Cut(request, " ")
	w.seen.Reset()
	r, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.80q: %v", request, err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(t, err)
	if n := w.in.Buffered(); n > 0 {
		t.Fatalf("%.80q: %d bytes more than the answer came", request, n)
	}
	header, _, _ := strings.Cut(w.seen.String(), "\r\n\r\n")
	if r.StatusCode < 200 || 300 <= r.StatusCode && r.StatusCode < 400 {
		t.Errorf("%.80q: status %d", request, r.StatusCode)
	}
	return answer{r.StatusCode, header + "\r\n", string(body), time.Since(began), r.Close}
}

// want fails the test unless a response is the expected one.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

// rest makes a request as rest_client does: no User-Agent, no Expect, a content
// type only where the script names one.
func rest(method, target, body, contentType string, headers ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n", method, target)
	accept := "Accept: */*"
	for _, h := range headers {
		if strings.HasPrefix(h, "Accept:") {
			accept = h
		}
	}
	text.WriteString(accept + "\r\n")
	for _, h := range headers {
		if h != accept {
			text.WriteString(h + "\r\n")
		}
	}
	if contentType != "" {
		fmt.Fprintf(&text, "Content-Type: %s\r\n", contentType)
	}
	if method != "GET" {
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(body))
	}
	return text.String() + "\r\n" + body
}

// kamailio makes a request as Kamailio's http_client does.
func kamailio(method, target, body string, headers ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: kamailio (6.0.1 (x86_64/linux))\r\nAccept: */*\r\n", method, target)
	for _, h := range headers {
		text.WriteString(h + "\r\n")
	}
	if method != "GET" {
		fmt.Fprintf(&text, "Content-Length: %d\r\nContent-Type: application/x-www-form-urlencoded\r\n", len(body))
	}
	return text.String() + "\r\n" + body
}

// restEscape is {rest.escape}, which is libcurl's: everything but letters,
// digits and -._~ in upper-case hexadecimal.
func restEscape(s string) string {
	return strings.NewReplacer("+", "%20").Replace(url.QueryEscape(s))
}
