//go:build e2e

package attack

import (
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// A hostileRequest is what no client should send.
type hostileRequest struct {
	name    string
	send    string
	forever string // sent again and again behind it, for as long as the server takes it
	answer  string // an expression for all that comes back until the server closes
}

// Expressions for responses.
const (
	nothing = `^$`
	refused = `^HTTP/1\.1 400 Bad Request\r\n(\S+: .*\r\n)*X-Dbsep-Error: bad-request\r\n(\S+: .*\r\n)*\r\n$`

	noOperation = `HTTP/1\.1 40[04] (?s:.*)\r\n\r\n-1\n`

	invalidWrite = `HTTP/1\.1 200 OK\r\n(\S+: .*\r\n)*X-Dbsep-Error: bad-request\r\n(\S+: .*\r\n)*\r\n-1\n`

	row   = `HTTP/1\.[01] 200 OK\r\n(\S+: .*\r\n)*\r\nname=alice&context=inside&port=5060\n`
	noRow = `HTTP/1\.[01] 404 Not Found\r\n`
	minus = `HTTP/1\.[01] 200 OK\r\n(\S+: .*\r\n)*\r\n-1\n`
)

const (
	single = "POST /peers/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice"
	update = "POST /peers/update?name=bob HTTP/1.1\r\nHost: x\r\n"
)

var hostileRequests = []hostileRequest{
	{name: "an ordinary request, kept open until idle_timeout", send: single, answer: `^` + row + `$`},
	{name: "a header of 1 MiB", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", answer: `^(HTTP/1\.1 400 .*\r\n(\S+: .*\r\n)*X-Dbsep-Error: bad-request\r\n(\S+: .*\r\n)*\r\n)?$`},
	{name: "10,000 headers", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: a\r\n", 10000) + "\r\n", answer: `^(HTTP/1\.1 400 .*\r\n(\S+: .*\r\n)*X-Dbsep-Error: bad-request\r\n(\S+: .*\r\n)*\r\n)?$`},
	{name: "a header without end", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\n", forever: "X-Many: a\r\n", answer: `^(HTTP/1\.1 400 .*\r\n(\S+: .*\r\n)*X-Dbsep-Error: bad-request\r\n(\S+: .*\r\n)*\r\n)?$`},
	{name: "a path of 1 MiB", send: "POST /" + strings.Repeat("a", 1<<20) + "/single HTTP/1.1\r\nHost: x\r\n\r\n", answer: `^(` + noOperation + `)?$`},
	{name: "a header that is never ended", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\n", answer: nothing},
	{name: "a request line that is never ended", send: "POST /peers/sin", answer: `^(` + noOperation + `)?$`},
	{name: "empty lines without end", forever: "\r\n", answer: `^(HTTP/1\.1 4\d\d .*\r\n(?s:.*))?$`},
	{name: "NUL bytes without end", forever: strings.Repeat("\x00", 1024), answer: `^(HTTP/1\.1 4\d\d .*\r\n(?s:.*))?$`},
	{name: "a TLS greeting", send: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 508) + "\r\n\r\n", answer: refused},
	{name: "an HTTP/2 preface", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", answer: `^HTTP/1\.1 (4|5)\d\d `},
	{name: "a folded header", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\n folded\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^(HTTP/1\.1 400 |` + row + `)`},
	{name: "a NUL in a header", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\nX-Nul: a\x00b\r\nContent-Length: 10\r\n\r\nname=alice", answer: refused},
	{name: "a header without a colon", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", answer: refused},
	{name: "a space before the colon", send: update + "Content-Length : 6\r\n\r\nport=1", answer: invalidWrite},
	{name: "no Host", send: "POST /peers/single HTTP/1.1\r\nContent-Length: 10\r\n\r\nname=alice", answer: refused},
	{name: "two Hosts", send: "POST /peers/single HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 10\r\n\r\nname=alice", answer: refused},
	{name: "lines that end in LF", send: strings.ReplaceAll(single, "\r\n", "\n"), answer: `^` + row},

	{name: "a body in chunks", send: update + "Transfer-Encoding: chunked\r\n\r\n6\r\nport=7\r\n0\r\n\r\n", answer: `\r\n\r\n1\n$`},
	{name: "chunks without end", send: update + "Transfer-Encoding: chunked\r\n\r\n6\r\nport=1\r\n", forever: "400\r\n" + strings.Repeat("1", 1024) + "\r\n", answer: minus},
	{name: "a body in chunks that is never ended", send: update + "Transfer-Encoding: chunked\r\n\r\n6\r\nport=1\r\n", answer: minus},
	{name: "a chunk without a size", send: update + "Transfer-Encoding: chunked\r\n\r\nport=1\r\n0\r\n\r\n", answer: minus},
	{name: "a chunk of a negative size", send: update + "Transfer-Encoding: chunked\r\n\r\n-6\r\nport=1\r\n0\r\n\r\n", answer: minus},
	{name: "a chunk of 2^64 bytes", send: update + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nport=1\r\n0\r\n\r\n", answer: minus},
	{name: "chunk extensions without end", send: update + "Transfer-Encoding: chunked\r\n\r\n6;", forever: strings.Repeat("x", 1024), answer: minus},
	{name: "a trailer without end", send: update + "Transfer-Encoding: chunked\r\n\r\n6\r\nport=1\r\n0\r\n", forever: "X-Trailer: x\r\n", answer: minus},
	{name: "an encoding that is not there", send: update + "Transfer-Encoding: gzip\r\n\r\nport=1", answer: invalidWrite},
	{name: "chunks and a length", send: update + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nport=1", answer: `^HTTP/1\.1 (400 |` + `200 OK\r\n(\S+: .*\r\n)*X-Dbsep-Error: no-value)`},

	{name: "less body than its length", send: update + "Content-Length: 100\r\n\r\nport=1", answer: minus},
	{name: "more body than its length", send: update + "Content-Length: 6\r\n\r\nport=8garbage\r\n\r\n", answer: `^HTTP/1\.1 200 OK\r\n(\S+: .*\r\n)*\r\n1\nHTTP/1\.1 400 `},
	{name: "a negative length", send: update + "Content-Length: -1\r\n\r\nport=1", answer: invalidWrite},
	{name: "a length of 2^64", send: update + "Content-Length: 18446744073709551616\r\n\r\nport=1", answer: invalidWrite},
	{name: "a length of 2^62", send: update + "Content-Length: 4611686018427387904\r\n\r\nport=1", forever: strings.Repeat("x", 1024), answer: minus},
	{name: "two lengths", send: update + "Content-Length: 6\r\nContent-Length: 7\r\n\r\nport=12", answer: invalidWrite},
	{name: "a length that is no number", send: update + "Content-Length: six\r\n\r\nport=1", answer: invalidWrite},
	{name: "a body without a length", send: update + "\r\nport=1", answer: `^` + minus + `HTTP/1\.1 400 `},

	{name: "200 requests at once", send: strings.Repeat(single, 200), answer: `^(` + row + `){200}$`},
	{name: "a request that a body hides", send: update + "Content-Length: 102\r\n\r\nport=9\r\n\r\nPOST /peers/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nname=bob" + strings.Repeat(" ", 23), answer: `^HTTP/1\.1 200 OK\r\n(\S+: .*\r\n)*\r\n(1|-1)\n$`},
	{name: "HTTP/1.0", send: "POST /peers/single HTTP/1.0\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + row + `$`},
	{name: "HTTP/0.9", send: "GET /peers/single?name=alice\r\n\r\n", answer: refused},
	{name: "HTTP/1.9", send: "POST /peers/single HTTP/1.9\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^HTTP/1\.1 `},
	{name: "HTTP/3.0", send: "POST /peers/single HTTP/3.0\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: refused},
	{name: "no version", send: "POST /peers/single\r\nHost: x\r\n\r\n", answer: refused},

	{name: "an absolute URL", send: "POST http://elsewhere.example/peers/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + row},
	{name: "an absolute URL of a file", send: "POST file:///etc/passwd HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + noOperation},
	{name: "OPTIONS *", send: "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", answer: `^HTTP/1\.1 (200|404|405) `},
	{name: "CONNECT", send: "CONNECT elsewhere.example:25 HTTP/1.1\r\nHost: elsewhere.example:25\r\n\r\n", answer: `^HTTP/1\.1 4\d\d `},
	{name: "CONNECT with the path of a table", send: "CONNECT /peers/single HTTP/1.1\r\nHost: x\r\n\r\n", answer: `^HTTP/1\.1 4\d\d `},
	{name: "TRACE", send: "TRACE /peers/single HTTP/1.1\r\nHost: x\r\nX-Secret: s\r\n\r\n", answer: `^HTTP/1\.1 405 `},
	{name: "a method that is not there", send: "FROB /peers/update HTTP/1.1\r\nHost: x\r\n\r\n", answer: `^` + minus},
	{name: "a method of control characters", send: "PO\x01ST /peers/single HTTP/1.1\r\nHost: x\r\n\r\n", answer: refused},
	{name: "an upgrade to a websocket", send: "GET /peers/single?name=alice HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n", answer: `^` + row + `$`},
	{name: "an upgrade to HTTP/2", send: "GET /peers/single?name=alice HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", answer: `^` + row + `$`},
	{name: "100-continue, and then nothing", send: update + "Expect: 100-continue\r\nContent-Length: 6\r\n\r\n", answer: `^HTTP/1\.1 100 Continue\r\n\r\n` + minus},
	{name: "an expectation that is not there", send: update + "Expect: miracles\r\nContent-Length: 6\r\n\r\nport=1", answer: invalidWrite},

	{name: "a NUL in the path", send: "POST /pe\x00ers/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: refused},
	{name: "an encoded NUL in the path", send: "POST /peers%00/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + noRow},
	{name: "bytes beyond ASCII in the path", send: "POST /p\xe9\xff\xfeers/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + noRow},
	{name: "a broken % in the path", send: "POST /peers%zz/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: refused},
	{name: "a path of dots", send: "POST /../../../../etc/passwd/../peers/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + row},
	{name: "encoded slashes and dots for a table", send: "POST /..%2f..%2fetc%2fpasswd/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + noRow},
	{name: "a path of 5,000 slashes", send: "POST " + strings.Repeat("/", 5000) + "peers/single HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname=alice", answer: `^` + row},
	{name: "a query of NUL bytes", send: "GET /peers/single?name=%00%00 HTTP/1.1\r\nHost: x\r\n\r\n", answer: `^HTTP/1\.1 400 Bad Request\r\n(\S+: .*\r\n)*X-Dbsep-Error: nul-byte`},
	{name: "a line break smuggled into a header of the answer", send: "GET /peers%0d%0aX-Smuggled:%20yes/single?name=alice HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\rX-Smuggled: yes\r\n\r\n", answer: refused},
}

func TestHostileHTTP(t *testing.T) {
	x := serve(t, testenv.SQLite(t, tables), "[limits]", "header_timeout=1s", "read_timeout=1s", "write_timeout=1s", "idle_timeout=1s", "max_body_bytes=64K")
	before := x.atRest(t)
	testenv.Feature(t, "attack", "hostile HTTP: each ends within the limits, and the server goes on", func(t *testing.T) {
		for _, h := range hostileRequests {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				answer := h.outcome(t, x.dial(t, ""))
				if !regexp.MustCompile(h.answer).MatchString(answer) {
					t.Errorf("answered %.1000q", answer)
				}
				if strings.Contains(answer, "\nX-Smuggled") {
					t.Errorf("a header was smuggled into %q", answer)
				}
			})
		}
	})
	if answer := exchange(t, x.dial(t, ""), single); !regexp.MustCompile(row).MatchString(answer) {
		t.Errorf("afterwards the server answers %q", answer)
	}
	x.backTo(t, before)
}

// outcome sends a request and reads until the server ends the connection. That
// it is reset while there is more to send is an end as well.
func (h *hostileRequest) outcome(t *testing.T, c net.Conn) string {
	t.Helper()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, err := io.WriteString(c, h.send)
		for h.forever != "" && err == nil {
			_, err = io.WriteString(c, h.forever)
		}
	}()
	answer, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server has not ended the connection")
	}
	c.Close()
	<-sent
	return string(answer)
}
