package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"

	"dbsep/internal/config"
)

// New returns a log as configured. timed lines begin with the time. The journal of
// systemd, and the error log of a web server, add the time themselves. Standard error
// decides whether the log is in the journal.
func New(w io.Writer, c config.Log, timed bool) *slog.Logger {
	if toJournal, _ := journal.StderrIsJournalStream(); !toJournal {
		return slog.New(newHandler(w, c, timed))
	}
	p := &prefixed{w: w}
	return slog.New(&journalHandler{newHandler(p, c, true), p})
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

// A journalHandler gives each line its priority, as sd-daemon(3) has it: <3> in
// front of an error. A line has no time: the journal adds it.
type journalHandler struct {
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

func (j *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	j.to.mu.Lock()
	defer j.to.mu.Unlock()
	j.to.priority = priority(r.Level)
	r.Time = time.Time{}
	return j.Handler.Handle(ctx, r)
}

func (j *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journalHandler{j.Handler.WithAttrs(attrs), j.to}
}

func (j *journalHandler) WithGroup(name string) slog.Handler {
	return &journalHandler{j.Handler.WithGroup(name), j.to}
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
