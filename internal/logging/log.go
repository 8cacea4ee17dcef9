package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"

	"dbsep/internal/config"
)

// program is the name of the program in the lines that it shares with others.
const program = "dbsep"

// New returns a log as configured. Standard error decides whether the log is in the
// journal of systemd, which adds the time and the name of the program itself. shared says
// that other programs write to the same log, as to the error log of a web server: each
// line then has the name.
func New(w io.Writer, c config.Log, shared bool) *slog.Logger {
	if inJournal() {
		p := &prefixed{w: w}
		return slog.New(&journalHandler{newHandler(p, c), p})
	}
	if shared && c.Format == "json" {
		return slog.New(newHandler(w, c)).With("program", program)
	}
	if shared {
		w = named{w}
	}
	return slog.New(newHandler(w, c))
}

func newHandler(w io.Writer, c config.Log) slog.Handler {
	o := &slog.HandlerOptions{
		Level: map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[c.Level],
	}
	if c.Format == "json" {
		return slog.NewJSONHandler(w, o)
	}
	return slog.NewTextHandler(w, o)
}

func inJournal() bool {
	yes, _ := journal.StderrIsJournalStream()
	return yes
}

// WriteError writes to standard error, w, why a program ends. In the journal each of the
// lines has the priority of an error.
func WriteError(w io.Writer, err error) {
	text := program + ": " + err.Error() + "\n"
	if inJournal() {
		before := fmt.Sprintf("<%d>", priority(slog.LevelError))
		text = before + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+before) + "\n"
	}
	_, _ = io.WriteString(w, text)
}

// named writes each line with the name of the program in front.
type named struct{ io.Writer }

func (n named) Write(line []byte) (int, error) {
	if _, err := n.Writer.Write(append([]byte(program+": "), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
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
