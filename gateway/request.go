package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"dbsep/sqlgen"
)

// A request is what a client asks for.
type request struct {
	operation *operation // nil where the path names none
	table     string     // as the path spells it
	found     string     // the table as the database spells it, once it is found
	json      bool       // the answer is to be JSON

	id     string // that the client gave it, for the log
	client Client
	code   Code   // of the error that it was answered with
	notes  []Note // of what was mended

	posted      bool   // by POST: the fields are in the body
	query, body string // as they came
	settled     bool   // the table's description is known to be up to date
}

// newRequest begins to read a request: what its path and header say. It returns
// what it understood even with an error, so that the error can be told in the
// way that the operation's client expects.
func newRequest(r *http.Request) (*request, error) {
	req := &request{json: accepts(r.Header, "application/json"), id: requestID(r.Header), posted: r.Method == http.MethodPost}
	return req, req.parsePath(r.URL)
}

// requestID is the name that a client or a proxy gave a request, as far as it may
// stand in a log.
func requestID(h http.Header) string {
	id := h.Get("X-Request-Id")
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return id
}

// read reads the rest of a request whose path is known.
func (g *Gateway) read(r *http.Request, req *request) error {
	if !req.operation.allows(r.Method) {
		return &Error{Code: MethodNotAllowed, Table: req.table}
	}
	req.query = r.URL.RawQuery
	if !req.posted {
		return nil
	}
	return req.readBody(r, g.BodyBytes)
}

// parsePath takes the table and the operation from the last two segments of a
// path; what stands before them is the administrator's own (a14). Empty segments
// do not count, so that a base URL may end in a slash. The operation may be
// written in any case, and ".json" behind it asks for JSON.
func (req *request) parsePath(u *url.URL) error {
	var table, last string
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if segment != "" {
			table, last = last, segment
		}
	}
	name, err := url.PathUnescape(last)
	if err != nil {
		return &Error{Code: UnknownOperation}
	}
	name, json := strings.CutSuffix(strings.ToLower(name), ".json")
	req.json = req.json || json
	req.operation = operations[name]
	if req.operation == nil {
		return &Error{Code: UnknownOperation}
	}
	req.table, err = url.PathUnescape(table)
	if err != nil || req.table == "" || strings.IndexByte(req.table, 0) >= 0 {
		return &Error{Code: NoTable}
	}
	return nil
}

// NamesOperation reports whether a path that is decoded ends in an operation.
func NamesOperation(path string) bool {
	var req request
	_ = req.parsePath(&url.URL{Path: path})
	return req.operation != nil
}

// readBody reads the form whatever its content type says, since clients send
// none or a wrong one; only types that are another kind of body are refused.
func (req *request) readBody(r *http.Request, limit int64) error {
	if typ := r.Header.Get("Content-Type"); typ != "application/x-www-form-urlencoded" && isOther(typ) {
		return &Error{Code: UnsupportedMediaType, Table: req.table}
	}
	tooLarge := &Error{Code: BodyTooLarge, Table: req.table}
	if r.ContentLength > limit {
		if r.Header.Get("Expect") == "" { // a client that asks before it sends is simply told
			swallow(r.Body, limit)
		}
		return tooLarge
	}
	body := make([]byte, 0, min(max(r.ContentLength, 0), pieceBytes)+1) // a length is only a promise
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			swallow(r.Body, limit)
			return tooLarge
		case errors.Is(err, io.EOF) && int64(len(body)) < r.ContentLength:
			return &Error{Code: BodyUnreadable, Table: req.table, Err: io.ErrUnexpectedEOF} // CGI does not notice
		case errors.Is(err, io.EOF):
			req.body = string(body)
			return nil
		case err != nil:
			return &Error{Code: BodyUnreadable, Table: req.table, Err: err}
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}

// isOther tells whether a content type is that of another kind of body.
func isOther(contentType string) bool {
	switch typ, _, _ := mime.ParseMediaType(contentType); typ {
	case "application/json", "multipart/form-data", "application/xml", "text/xml":
		return true
	}
	return false
}

// swallow reads what is left of a body that is too large and throws it away, so
// that the client comes to read the answer; a bound keeps it from being asked
// to read forever.
func swallow(body io.Reader, limit int64) {
	_, _ = io.CopyN(io.Discard, body, 16*limit)
}

// fields reads the fields of an operation that has but one list of them: in the
// body of a POST, whatever the query string says (a11), or else in the query string.
func (g *Gateway) fields(ctx context.Context, req *request, t *table) ([]sqlgen.Field, error) {
	if req.posted {
		return g.form(ctx, req, t, req.body)
	}
	return g.form(ctx, req, t, req.query)
}

// form reads the fields of a text. Values that Asterisk's driver cut within a
// character lose the half character where a database would refuse it: in texts. Other
// clients' values, and bytes, are as they were sent.
func (g *Gateway) form(ctx context.Context, req *request, t *table, text string) ([]sqlgen.Field, error) {
	fields, cut, err := parseForm(text, g.Fields)
	if req.json {
		return fields, err
	}
	for _, c := range cut {
		f := &fields[c.field]
		if column := t.whole.Named(*f); column != nil && column.Class != sqlgen.Text {
			continue
		}
		f.Value = c.trimmed
		g.note(ctx, req, CutValue, slog.LevelWarn, slog.String("column", shorten(f.Name)),
			slog.String("hint", "shorten the value: Asterisk's driver has room for 255 bytes of it, encoded, or 199"))
	}
	return fields, err
}

func accepts(h http.Header, media string) bool {
	for _, line := range h["Accept"] {
		for one := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(name), media) {
				return true
			}
		}
	}
	return false
}
