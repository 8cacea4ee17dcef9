package gateway

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
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
	Slow        bool // it took longer than Options.Slow, and has a line in the log
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
	SeparatedFields Adjustment = "separated-fields" // the glued fields of an update2 were separated (P6)
	DroppedColumn   Adjustment = "left-out-column"  // a value for a column that the table does not have was dropped (P15)
)

// Adjustments are the log messages of all adjustments.
var Adjustments = map[Adjustment]string{
	CutValue:        "the half character at the end of a value was removed: the client has cut the value",
	SeparatedFields: "glued fields of an update2 were separated",
	DroppedColumn:   "a value was left out: the table has no such column",
}

// adjusted logs an adjustment and adds it to the event of the request.
func (g *Gateway) adjusted(ctx context.Context, req *request, a Adjustment, level slog.Level, attrs ...slog.Attr) {
	req.adjustments = append(req.adjustments, a)
	g.log.LogAttrs(ctx, level, Adjustments[a], attrs...)
}

// observe logs a slow request and calls Options.Observe.
func (g *Gateway) observe(r *http.Request, req *request, resp *response, start time.Time) {
	took := time.Since(start)
	slow := took > g.Slow
	if slow {
		g.logSlow(r, req, resp, took)
	}
	if g.Observe == nil {
		return
	}
	e := Event{
		Table: req.realTable, Code: req.code, Status: resp.status, Rows: resp.rows, Bytes: resp.bytes, Ended: start.Add(took), Took: took,
		Slow: slow, Stale: resp.isStale, Adjustments: req.adjustments,
		RequestedTable: shorten(req.table), Client: client(r), User: req.client.Name, ID: req.id,
	}
	if req.operation != nil {
		e.Operation = req.operation.Name
	}
	g.Observe(e)
}

// logSlow logs a slow request.
func (g *Gateway) logSlow(r *http.Request, req *request, resp *response, took time.Duration) {
	attrs := req.attrs(r, req.code)
	attrs = append(attrs, slog.Int("status", resp.status), slog.Int("rows", resp.rows), slog.Int64("bytes", resp.bytes), slog.Float64("seconds", took.Seconds()),
		slog.String("fields", shorten(names(req.query)+names(req.body))))
	g.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelWarn, "slow request", attrs...)
}

// names lists the names of the fields of a form, without their values.
func names(form string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(form, "&") {
		name, _, found := strings.Cut(pair, "=")
		if found && b.Len() < 1024 {
			b.WriteString(" " + name)
		}
	}
	return b.String()
}

// logError logs a failed request. A missing row and a client that disconnected are
// not faults.
func (g *Gateway) logError(r *http.Request, req *request, e *Error) {
	level := slog.LevelWarn
	switch {
	case e.Code == NoRow || e.Code == ClientGone:
		level = slog.LevelDebug
	case catalogue[e.Code].Status >= 500:
		level = slog.LevelError
	}
	attrs := req.attrs(r, e.Code)
	if e.Column != "" {
		attrs = append(attrs, slog.String("column", shorten(e.Column)))
	}
	if e.Constraint != "" {
		attrs = append(attrs, slog.String("constraint", shorten(e.Constraint)))
	}
	attrs = append(attrs, slog.String("hint", e.hint()))
	if e.Err != nil && g.log.Enabled(r.Context(), slog.LevelDebug) {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	g.log.LogAttrs(context.WithoutCancel(r.Context()), level, e.Error(), attrs...)
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
		attrs = append(attrs, slog.String("table", shorten(req.table)))
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

// shorten limits the length of a name that a client sent, for the log.
func shorten(name string) string {
	const limit = 64
	if len(name) <= limit {
		return name
	}
	return name[:limit] + "... (" + strconv.Itoa(len(name)) + " bytes)"
}
