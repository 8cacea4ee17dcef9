package gateway

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Event is a request that has ended. It has no value from the request.
type Event struct {
	Operation   string // empty where the path has none
	Table       string // as the database spells it; empty where it was not found
	Code        Code   // of the error; empty without one
	Status      int    // of HTTP; 0 where nothing was sent
	Rows        int    // in the response, or matched by a write
	Bytes       int64  // of the response's body
	Ended       time.Time
	Took        time.Duration
	Stale       bool // the rows were stale
	Shared      bool // the rows came from the query of another request, which waited for the same
	Adjustments []Adjustment

	// For a log. The client chose all of these.
	RequestedTable string // as the path spells it, shortened
	Client         string // its address, without the port
	User           string // the name of the Client
	ID             string // of the header X-Request-Id
}

// An Adjustment is a change that the gateway made to a request before it ran it.
type Adjustment string

const (
	CutValue        Adjustment = "cut-value"        // an incomplete character at the end of a value was removed (P16)
	SeparatedFields Adjustment = "separated-fields" // the glued fields were separated (P6)
	DroppedColumn   Adjustment = "left-out-column"  // a value for a column that the table does not have was dropped (P15)
	AddedColumn     Adjustment = "added-column"     // require added a column to the table ([AddMissing])
	DefaultOrder    Adjustment = "default-order"    // the rows were not ordered by TableOptions.OrderBy, which the table does not have
)

// Adjustments are the log messages of all adjustments.
var Adjustments = map[Adjustment]string{
	CutValue:        "the half character at the end of a value was removed: the client has cut the value",
	SeparatedFields: "glued fields were separated",
	DroppedColumn:   "a value was left out: the table has no such column",
	AddedColumn:     "a column was added to the table, as the setting require says",
	DefaultOrder:    "the rows were ordered by the first condition: the table does not have the column of the setting order",
}

// observe writes the log line of a request that has none yet, if it needs one, and calls
// Options.Observe.
func (g *Gateway) observe(r *http.Request, req *request, resp *response) {
	took := time.Since(req.start)
	switch {
	case req.logged:
	case took > g.Slow:
		g.logLine(r, req, slog.LevelWarn, "slow request", append([]slog.Attr{slog.Int("status", resp.status), slog.Int("rows", resp.rows),
			slog.Int64("bytes", resp.bytes), slog.Float64("seconds", took.Seconds()), slog.String("fields", fieldNames(req.query+"&"+req.body))},
			req.explainAttrs(r)...)...)
	case len(req.notes) > 0:
		g.logLine(r, req, slog.LevelDebug, "")
	}
	if g.Observe == nil {
		return
	}
	e := Event{
		Table: req.realTable, Code: req.code, Status: resp.status, Rows: resp.rows, Bytes: resp.bytes, Ended: req.start.Add(took), Took: took,
		Stale: resp.isStale, Shared: resp.reader != nil && resp.reader.joined, Adjustments: req.adjustments,
		RequestedTable: logName(req.table), Client: client(r), User: req.client.Name, ID: req.id,
	}
	if req.operation != nil {
		e.Operation = req.operation.Name
	}
	g.Observe(e)
}

// fieldNames lists the names of the fields of a form, without their values.
func fieldNames(form string) string {
	var names []string
	for pair := range strings.SplitSeq(form, "&") {
		name, _, found := strings.Cut(pair, "=")
		if found && len(names) < maxNamed {
			names = append(names, logName(unescape(name)))
		}
	}
	return strings.Join(names, ", ")
}

// logError writes the log line of a failed request. A missing row and a client that
// disconnected are not faults.
func (g *Gateway) logError(r *http.Request, req *request, e *Error) {
	level := slog.LevelWarn
	switch {
	case e.Code == NoRow || e.Code == ClientGone:
		level = slog.LevelDebug
	case catalogue[e.Code].Status >= 500:
		level = slog.LevelError
	}
	var attrs []slog.Attr
	if e.Code != RequirementNotMet || len(req.notes) == 0 { // or the notes name the columns
		if e.Column != "" {
			attrs = append(attrs, slog.String("column", logName(e.Column)))
		}
		if e.Constraint != "" {
			attrs = append(attrs, slog.String("constraint", e.Constraint))
		}
		if hint := e.hint(); hint != "" {
			attrs = append(attrs, slog.String("hint", hint))
		}
	}
	if explained[e.Code] {
		attrs = append(attrs, req.explainAttrs(r)...)
	}
	if took := time.Since(req.start); took > g.Slow {
		attrs = append(attrs, slog.Float64("seconds", took.Seconds()))
	}
	if e.Err != nil && g.log.Enabled(r.Context(), slog.LevelDebug) {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	g.logLine(r, req, level, e.Error(), attrs...)
}

// explainAttrs are what a log line says of the command that explains the request.
func (req *request) explainAttrs(r *http.Request) []slog.Attr {
	if command := req.explainCommand(client(r)); command != "" {
		return []slog.Attr{slog.String("explain", command)}
	}
	return nil
}

// logLine writes the only log line of a request. If a note is more important than the
// message, the line is the note's.
func (g *Gateway) logLine(r *http.Request, req *request, level slog.Level, message string, attrs ...slog.Attr) {
	for _, n := range req.notes {
		if message == "" || n.level > level {
			level, message = n.level, n.message()
		}
	}
	ctx := context.WithoutCancel(r.Context())
	if g.log.Enabled(ctx, level) {
		req.logged = true
		g.log.LogAttrs(ctx, level, message, append(append(req.attrs(r, req.code), attrs...), req.noteAttrs(message)...)...)
	}
}

// attrs are what every log line about a request has.
func (req *request) attrs(r *http.Request, code Code) []slog.Attr {
	attrs := make([]slog.Attr, 0, 12)
	if code != "" {
		attrs = append(attrs, slog.String("code", string(code)))
	}
	if req.operation != nil {
		attrs = append(attrs, slog.String("operation", req.operation.Name))
	}
	if req.table != "" {
		attrs = append(attrs, slog.String("table", logName(req.table)))
	}
	if client := client(r); client != "" {
		attrs = append(attrs, slog.String("client", client))
	}
	if req.client.Name != "" {
		attrs = append(attrs, slog.String("user", req.client.Name))
	}
	if req.id != "" {
		attrs = append(attrs, slog.String("request", req.id))
	}
	return attrs
}

// client returns the address of the client, without the port.
func client(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// maxName is how long a name is in the log. No database has longer ones.
const maxName = 64

// logName returns a name that a client sent, for the log. A client may send something
// else in its place, such as JSON: nothing but the length is said of what does not look like
// a name.
func logName(name string) string {
	if len(name) <= maxName && isName(name) {
		return name
	}
	return "(" + strconv.Itoa(len(name)) + " bytes)"
}

// isName reports whether a text looks like a name, which may have an operator.
func isName(text string) bool {
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_':
		case c < utf8.RuneSelf && strings.ContainsRune(" -.$@#<>=!", c):
		case c >= utf8.RuneSelf && c != utf8.RuneError && unicode.In(c, unicode.L, unicode.M, unicode.N):
		default:
			return false
		}
	}
	return true
}
