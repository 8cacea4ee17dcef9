package gateway

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unsafe"
)

const (
	// freeBodyBytes is how long a body may be without a share of the memory for bodies.
	// Asterisk's driver sends no longer ones.
	freeBodyBytes = 8 << 10

	// unknownBodyBytes is how long a body probably is that does not announce its length.
	unknownBodyBytes = 1 << 10

	// fieldCopies is how often a body may be in memory beside itself: as values, and
	// as the driver sends them.
	fieldCopies = 2
)

// readBody reads the form. It accepts a missing or a wrong content type, which some
// clients send, and refuses only types of other formats.
func (g *Gateway) readBody(r *http.Request, req *request) error {
	if typ := r.Header.Get("Content-Type"); typ != "application/x-www-form-urlencoded" && isOtherFormat(typ) {
		return &Error{Code: UnsupportedMediaType, Table: req.table}
	}
	if r.ContentLength > g.MaxBodyBytes {
		if r.Header.Get("Expect") == "" { // a client that waits for 100 Continue sends no body
			g.discard(r.Body)
		}
		return &Error{Code: BodyTooLarge, Table: req.table}
	}
	announced := r.ContentLength
	if announced < 0 {
		announced = unknownBodyBytes
	}
	body := make([]byte, 0, min(announced, freeBodyBytes)+1) // the client may announce more than it sends
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > g.MaxBodyBytes:
			req.release()
			g.discard(r.Body)
			return &Error{Code: BodyTooLarge, Table: req.table}
		case errors.Is(err, io.EOF) && int64(len(body)) < r.ContentLength:
			return &Error{Code: BodyUnreadable, Table: req.table, Err: io.ErrUnexpectedEOF} // CGI does not notice
		case errors.Is(err, io.EOF):
			req.body = unsafe.String(unsafe.SliceData(body), len(body)) // nobody changes it any more
			return req.reserveFields()
		case err != nil:
			return &Error{Code: BodyUnreadable, Table: req.table, Err: err}
		case len(body) == cap(body):
			if body, err = g.growBody(req, body, announced); err != nil {
				req.release()
				g.discard(r.Body)
				return err
			}
		}
	}
}

// growBody returns a body with room for more of it, and for one byte more than it may
// have.
func (g *Gateway) growBody(req *request, body []byte, announced int64) ([]byte, error) {
	size := min(2*int64(cap(body)), g.MaxBodyBytes+1)
	if int64(cap(body)) <= announced {
		size = min(size, announced+1)
	}
	if size > freeBodyBytes+1 {
		if req.memory == nil {
			req.memory = &share{budget: g.BodyMemory}
		}
		if err := req.reserve(int(size - req.memory.bytes)); err != nil {
			return nil, err
		}
	}
	return append(make([]byte, 0, size), body...), nil
}

// reserveFields reserves the memory of what is made of a long body. A ; or ^ in it
// becomes three bytes.
func (req *request) reserveFields() error {
	if req.memory == nil {
		return nil
	}
	encoded := len(req.body) + 2*(strings.Count(req.body, ";")+strings.Count(req.body, "^"))
	return req.reserve(fieldCopies * encoded)
}

// reserve reserves memory for the body.
func (req *request) reserve(n int) error {
	if req.memory.reserve(n, 0) {
		return nil
	}
	return &Error{Code: Busy, Table: req.table, Hint: "other request bodies use all the memory: send less at a time, or raise [limits] body_memory"}
}

// release returns the memory of the body.
func (req *request) release() {
	if req.memory != nil {
		req.memory.close()
	}
}

// isOtherFormat reports whether a content type is that of another format.
func isOtherFormat(contentType string) bool {
	switch typ, _, _ := mime.ParseMediaType(contentType); typ {
	case "application/json", "multipart/form-data", "application/xml", "text/xml":
		return true
	}
	return false
}

// discard reads the rest of a body that is refused, up to a limit, so that the client
// gets to read the response.
func (g *Gateway) discard(body io.Reader) {
	_, _ = io.CopyN(io.Discard, body, 16*g.MaxBodyBytes)
}
