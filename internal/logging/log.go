package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"dbsep/internal/config"
)

// New returns a log as configured. timed lines begin with the time. The journal of
// systemd, and the error log of a web server, add the time themselves.
func New(w io.Writer, c config.Log, timed bool) *slog.Logger {
	if os.Getenv("JOURNAL_STREAM") == "" {
		return slog.New(newHandler(w, c, timed))
	}
	p := &prefixed{w: w}
	return slog.New(&journal{newHandler(p, c, true), p})
}

func newHandler(w io.Writer, c config.Log, timed bool) slog.Handler {
	o := &slog.HandlerOptions{
		Level: map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[c.Level],
	}
	if !timed {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	if c.Format == "json" {
		return slog.NewJSONHandler(w, o)
	}
	return slog.NewTextHandler(w, o)
}

// A journal handler gives each line its priority, as sd-daemon(3) has it: <3> in
// front of an error. A line has no time: the journal adds it.
type journal struct {
	slog.Handler
	to *prefixed
}

// prefixed writes each line with its priority in front.
type prefixed struct {
	w io.Writer

	mu       sync.Mutex // held while a line is made and written
	priority int
	line     []byte
}

func (p *prefixed) Write(line []byte) (int, error) {
	p.line = append(fmt.Appendf(p.line[:0], "<%d>", p.priority), line...)
	if _, err := p.w.Write(p.line); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	j.to.mu.Lock()
	defer j.to.mu.Unlock()
	j.to.priority = priority(r.Level)
	r.Time = time.Time{}
	return j.Handler.Handle(ctx, r)
}

func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journal{j.Handler.WithAttrs(attrs), j.to}
}

func (j *journal) WithGroup(name string) slog.Handler {
	return &journal{j.Handler.WithGroup(name), j.to}
}

// priority is what syslog calls a level.
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
