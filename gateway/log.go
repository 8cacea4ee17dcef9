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

// An Event is a request that has been answered, or broken off. It holds no value
// of the request.
type Event struct {
	Operation string // empty where the path named none
	Table     string // as the database spells it; empty where none was found
	Code      Code   // of the error; empty where there was none
	Status    int    // of HTTP; 0 where nothing was sent
	Rows      int    // answered, or concerned by a write
	Bytes     int64  // of the answer's body
	Ended     time.Time
	Took      time.Duration
	Stale     bool   // the rows were those of some time ago
	Slow      bool   // it took longer than Options.Slow, and has left a line that says so
	Notes     []Note // of what was mended on the way

	// For a log. All of these are the client's own words.
	Asked  string // the table as the path spells it, shortened
	Client string // its address, without the port
	User   string // as the guard knows it; empty where nobody was asked for a name
	ID     string // that the client, or a proxy, gave the request; empty without one
}

// A Note says what was mended in a request that was carried out all the same.
type Note string

const (
	CutValue  Note = "cut-value"       // a half character at the end of a value (P16)
	ToldApart Note = "told-apart"      // the glued fields of an update2 (P6)
	LeftOut   Note = "left-out-column" // a value for a column that the table does not have (P15)
)

// Notes are what a note says in the log.
var Notes = map[Note]string{
	CutValue:  "the half character at the end of a value was removed: the client has cut the value",
	ToldApart: "glued fields of an update2 were separated",
	LeftOut:   "a value was left out: the table has no such column",
}

// note writes a note into the log, and keeps it for the event of the request.
func (g *Gateway) note(ctx context.Context, req *request, n Note, level slog.Level, attrs ...slog.Attr) {
	req.notes = append(req.notes, n)
	g.log.LogAttrs(ctx, level, Notes[n], attrs...)
}

// observe tells of a request at its end: the log, where it was slow, and whoever
// counts.
func (g *Gateway) observe(r *http.Request, req *request, out *reply, begun time.Time) {
	took := time.Since(begun)
	slow := took > g.Slow
	if slow {
		g.logSlow(r, req, out, took)
	}
	if g.Observe == nil {
		return
	}
	e := Event{
		Table: req.found, Code: req.code, Status: out.status, Rows: out.rows, Bytes: out.bytes, Ended: begun.Add(took), Took: took, Slow: slow, Stale: out.isStale, Notes: req.notes,
		Asked: shorten(req.table), Client: client(r), User: req.client.Name, ID: req.id,
	}
	if req.operation != nil {
		e.Operation = req.operation.name
	}
	g.Observe(e)
}

// logSlow writes the line of a request that was slow.
func (g *Gateway) logSlow(r *http.Request, req *request, out *reply, took time.Duration) {
	attrs := req.attrs(r, req.code)
	attrs = append(attrs, slog.Int("status", out.status), slog.Int("rows", out.rows), slog.Int64("bytes", out.bytes), slog.Float64("seconds", took.Seconds()),
		slog.String("asked", shorten(names(req.query)+names(req.body))))
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

// logError writes the one line that a failed request leaves. A row that is not
// there and a client that left are nobody's fault.
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
	attrs = append(attrs, slog.String("hint", e.hint()))
	if e.Err != nil && g.log.Enabled(r.Context(), slog.LevelDebug) {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	g.log.LogAttrs(context.WithoutCancel(r.Context()), level, e.Error(), attrs...)
}

// attrs are what every line about a request has: what was asked, who asked, and
// what was wrong.
func (req *request) attrs(r *http.Request, code Code) []slog.Attr {
	attrs := make([]slog.Attr, 0, 12)
	if code != "" {
		attrs = append(attrs, slog.String("code", string(code)))
	}
	if req.operation != nil {
		attrs = append(attrs, slog.String("operation", req.operation.name))
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

// client is the address that a request came from.
func client(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// shorten bounds a name that a client made up, for the log.
func shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return name[:most] + "... (" + strconv.Itoa(len(name)) + " bytes)"
}
