package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dbsep/sqlgen"
)

// A request is a realtime request.
type request struct {
	pathError error // of parsePath

	operation *operation // nil where the path has none
	table     string     // as the path spells it
	realTable string     // as the database spells it; empty until it is found
	json      bool       // the client wants JSON

	id          string // of the header X-Request-Id, for the log
	client      Client
	start       time.Time
	code        Code         // of the error, if it failed
	adjustments []Adjustment // for the event
	notes       []note       // for the log
	logged      bool         // it has its log line

	posted        bool   // by POST: the fields are in the body
	memory        *share // of the budget for bodies; nil: the body is short
	query, body   string // as received
	schemaIsFresh bool   // the table's schema is known to be up to date

	explanation *Explanation // nil, except where the request is explained
}

// newRequest parses the path and the header of a request. It keeps an error of the
// path for later: the error response depends on the rest.
func newRequest(r *http.Request) *request {
	req := &request{start: time.Now(), json: wantsJSON(r.Header), id: requestID(r.Header), posted: r.Method == http.MethodPost}
	req.pathError = req.parsePath(r.URL)
	return req
}

// requestID returns the header X-Request-Id if it is safe for a log.
func requestID(h http.Header) string {
	id := h.Get("X-Request-Id")
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return id
}

// read checks the method of a request and reads its query string and body.
func (g *Gateway) read(r *http.Request, req *request) error {
	if !req.operation.allows(r.Method) {
		return &Error{Code: MethodNotAllowed, Table: req.table}
	}
	req.query = r.URL.RawQuery
	if !req.posted {
		return nil
	}
	return g.readBody(r, req)
}

// parsePath takes the table and the operation from the last two segments of a
// path. What precedes them does not matter (a14). Empty segments do not count, so
// that a base URL may end in a slash. The operation is case-insensitive, and ".json"
// after it selects JSON.
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

// NamesOperation reports whether a decoded path ends in an operation.
func NamesOperation(path string) bool {
	var req request
	_ = req.parsePath(&url.URL{Path: path})
	return req.operation != nil
}

// fields parses the fields of an operation that has one list of them: in the body of
// a POST, whose query string is ignored (a11), and in the query string of a GET.
func (g *Gateway) fields(ctx context.Context, req *request, t *table) ([]sqlgen.Field, error) {
	if req.posted {
		return g.form(ctx, req, t, req.body)
	}
	return g.form(ctx, req, t, req.query)
}

// form parses fields. Asterisk's driver cuts long values, also within a character. The
// incomplete character is removed from a value for a text column, because databases
// refuse it. Bytes, and values of JSON clients, stay as sent.
func (g *Gateway) form(ctx context.Context, req *request, t *table, text string) ([]sqlgen.Field, error) {
	fields, cut, err := parseForm(text, g.MaxFields, req.json)
	if req.json {
		cut = nil
	}
	for _, c := range cut {
		f := &fields[c.field]
		if column := t.whole.Named(*f); column != nil && column.Class != sqlgen.Text {
			continue
		}
		f.Value = c.trimmed
		g.adjusted(ctx, req, CutValue, slog.LevelWarn, f.Name)
	}
	req.explanation.fields(fields)
	return fields, err
}

// wantsJSON reports whether a client names JSON in its header Accept, and wants it at least
// as much as text.
func wantsJSON(h http.Header) bool {
	json, named := quality(h, "application/json")
	text, _ := quality(h, "text/plain")
	return named && json > 0 && json >= text
}

// quality is how much a client wants a media type (RFC 9110, section 12.5.1). What names it
// more exactly counts more; named is false where */* does it, or nothing.
func quality(h http.Header, media string) (q float64, named bool) {
	kind, _, _ := strings.Cut(media, "/")
	ranges := [...]string{"", "*/*", kind + "/*", media}
	best := 0
	for _, line := range h["Accept"] {
		for one := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(one, ";")
			if i := slices.Index(ranges[:], strings.ToLower(strings.TrimSpace(name))); i > best {
				best, q = i, qualityValue(parameters)
			}
		}
	}
	return q, best > 1
}

func qualityValue(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return q
			}
		}
	}
	return 1
}
