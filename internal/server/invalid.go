package server

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dbsep/gateway"
)

// A request line that net/http has not seen the end of gets so much more time. After the
// response a client may still send what nobody reads, for so long and so much: a
// connection that is closed with bytes unread is reset, and the client might not
// see the response.
const (
	lineTime    = time.Second
	lingerTime  = 2 * time.Second
	lingerBytes = 4 << 20
)

// replace sends the gateway's response in place of what net/http has to say, and ends
// the connection.
func (c *connection) replace(said []byte) error {
	stream := c.stream()
	_ = stream.SetReadDeadline(time.Now().Add(lineTime))
	r := parseHead(c.requestLine(stream))
	r.RemoteAddr = c.RemoteAddr().String()
	err := c.refusal
	if err == nil {
		err = &gateway.Error{Code: gateway.BadRequest, Hint: hintFor(said, r)}
	}
	w := &responseRecorder{header: make(http.Header)}
	c.server.refuse(w, r, err)
	_ = stream.SetDeadline(time.Now().Add(lingerTime))
	if err := w.send(stream, r); err != nil {
		return err
	}
	c.linger()
	return nil
}

// linger ends what is sent on a connection, and reads what the client still sends. It
// reads below TLS and buffer, since net/http may be reading, too.
func (c *connection) linger() {
	raw := c.plain.Conn
	_ = raw.SetDeadline(time.Now().Add(lingerTime))
	_ = closeWrite(c.stream())
	_ = closeWrite(raw)
	_, _ = io.CopyN(io.Discard, raw, lingerBytes)
}

// requestLine returns the beginning of the request, and reads on where net/http has
// given up before the end of its first line. It does not for a client that speaks TLS.
func (c *connection) requestLine(stream net.Conn) []byte {
	c.mu.Lock()
	head := bytes.TrimLeft(c.head, "\r\n")
	c.mu.Unlock()
	more := make([]byte, 512)
	for !bytes.HasPrefix(head, []byte{tlsHandshake}) && !bytes.Contains(head, []byte("\n")) && len(head) < headBytes {
		n, err := stream.Read(more)
		head = bytes.TrimLeft(append(head, more[:n]...), "\r\n")
		if err != nil {
			break
		}
	}
	return head
}

// parseHead makes a request of the beginning of one that net/http could not read. The
// path is what can be read of it; the gateway needs its end only.
func parseHead(head []byte) *http.Request {
	lines := strings.Split(string(head), "\n")
	method, target, _ := strings.Cut(strings.TrimSpace(lines[0]), " ")
	if i := strings.LastIndex(target, " HTTP/"); i >= 0 {
		target = target[:i]
	}
	target = strings.TrimSpace(target)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		path, _, _ := strings.Cut(target, "?")
		u = &url.URL{Path: path}
	}
	r := &http.Request{Method: method, URL: u, Header: make(http.Header), Body: http.NoBody}
	for _, line := range lines[1:] {
		name, value, found := strings.Cut(line, ":")
		if !found {
			break
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	return r
}

// hints say what to do, by the response of net/http.
var hints = []struct{ response, hint string }{
	{"400 Bad Request: missing required Host", "send a Host header"},
	{"400 Bad Request: malformed Host", "send one Host header, with a valid name"},
	{"400 Bad Request: invalid header", "send header lines of valid names and values"},
	{"417 ", "send no Expect header other than 100-continue"},
	{"431 ", "send a shorter URL and shorter header lines: together they may have 16 KiB"},
	{"501 ", "send no Transfer-Encoding other than chunked"},
	{"505 ", "use HTTP/1.0 or HTTP/1.1"},
}

// hintFor says what to do about a request, as far as net/http says what is wrong;
// empty: the hint of the code.
func hintFor(said []byte, r *http.Request) string {
	if strings.HasPrefix(r.Method, "\x16\x03") {
		return "the client speaks TLS to a port for plain HTTP: write http:// in extconfig.conf, or set [server] tls_cert and tls_key"
	}
	_, status, _ := strings.Cut(string(said), " ")
	for _, known := range hints {
		if strings.HasPrefix(status, known.response) {
			return known.hint
		}
	}
	return ""
}

// A responseRecorder keeps a response.
type responseRecorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *responseRecorder) Header() http.Header         { return w.header }
func (w *responseRecorder) WriteHeader(status int)      { w.status = status }
func (w *responseRecorder) Write(p []byte) (int, error) { return w.body.Write(p) }

// send sends what was kept, as the last response of a connection.
func (w *responseRecorder) send(to io.Writer, r *http.Request) error {
	response := http.Response{
		StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Request: r,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Close: true,
	}
	return response.Write(to)
}
