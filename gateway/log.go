package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
)

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
	attrs := []slog.Attr{slog.String("code", string(e.Code))}
	if req.operation != nil {
		attrs = append(attrs, slog.String("operation", req.operation.name))
	}
	if e.Table != "" {
		attrs = append(attrs, slog.String("table", shorten(e.Table)))
	}
	if e.Column != "" {
		attrs = append(attrs, slog.String("column", shorten(e.Column)))
	}
	attrs = append(attrs, slog.String("client", r.RemoteAddr), slog.String("remedy", e.remedy()))
	if e.Err != nil && g.log.Enabled(r.Context(), slog.LevelDebug) {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	g.log.LogAttrs(context.WithoutCancel(r.Context()), level, e.Error(), attrs...)
}

// shorten bounds a name that a client made up, for the log.
func shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return name[:most] + "... (" + strconv.Itoa(len(name)) + " bytes)"
}
