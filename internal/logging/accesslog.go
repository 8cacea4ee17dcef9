package logging

import (
	"context"
	"log/slog"

	"dbsep/gateway"
	"dbsep/internal/config"
)

// An AccessLog writes a line for every request.
type AccessLog struct{ handler slog.Handler }

// NewAccessLog returns the access log as configured, or nil. shared is that of [New].
func NewAccessLog(to *BufferedWriter, c config.Log, shared bool) *AccessLog {
	if !c.Access || c.Level == "warn" || c.Level == "error" {
		return nil
	}
	return &AccessLog{New(to, c, shared).Handler()}
}

// Write writes the line of a request.
func (a *AccessLog) Write(e gateway.Event) {
	var room [10]slog.Attr
	fields := room[:0]
	for _, f := range [...]struct{ name, value string }{
		{"code", string(e.Code)},
		{"operation", e.Operation},
		{"table", e.RequestedTable},
		{"client", e.Client},
		{"user", e.User},
		{"request", e.ID},
	} {
		if f.value != "" {
			fields = append(fields, slog.String(f.name, f.value))
		}
	}
	fields = append(fields, slog.Int("status", e.Status), slog.Int("rows", e.Rows), slog.Int64("bytes", e.Bytes), slog.Float64("seconds", e.Took.Seconds()))
	r := slog.NewRecord(e.Ended, slog.LevelInfo, "request", 0)
	r.AddAttrs(fields...)
	_ = a.handler.Handle(context.Background(), r) // there is no other place to report it
}
