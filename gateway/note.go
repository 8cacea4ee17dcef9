package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// A note is what the log says of a column of a request. All notes of a request are in
// one line.
type note struct {
	about  Adjustment // empty: the column is not as Asterisk needs it
	level  slog.Level
	column string
	reason string // may be empty
	hint   string // may be empty
}

// maxNamed limits the columns that a log line names.
const maxNamed = 10

// hints say what to do about adjustments.
var hints = map[Adjustment]string{
	CutValue:      "shorten the value: Asterisk's driver sends 255 bytes of an encoded value, or 199",
	DroppedColumn: "add the column, or ignore this if Asterisk does not need it",
	DefaultOrder:  "correct order= in the section [compat] for the table, or add the column",
}

// adjusted notes an adjustment.
func (g *Gateway) adjusted(ctx context.Context, req *request, a Adjustment, level slog.Level, column string) {
	req.adjustments = append(req.adjustments, a)
	g.note(ctx, req, note{about: a, level: level, column: column, hint: hints[a]})
}

// note adds a note to the log line of the request, if the log has its level.
func (g *Gateway) note(ctx context.Context, req *request, n note) {
	if g.log.Enabled(ctx, n.level) {
		req.notes = append(req.notes, n)
	}
}

func (n note) message() string {
	if n.about == "" {
		return "a column does not meet what Asterisk requires"
	}
	return Adjustments[n.about]
}

// noteAttrs are what a log line with a message says of the notes. Those of other
// messages have the name of the adjustment.
func (req *request) noteAttrs(message string) (attrs []slog.Attr) {
	var done []Adjustment
	for _, first := range req.notes {
		if slices.Contains(done, first.about) {
			continue
		}
		done = append(done, first.about)
		var columns, reasons, hints []string
		for _, n := range req.notes {
			if n.about == first.about {
				columns = append(columns, logName(n.column))
				reasons = append(reasons, n.reason)
				hints = append(hints, n.hint)
			}
		}
		if first.about != "" && first.message() != message {
			attrs = append(attrs, slog.String(string(first.about), list(columns, ", ")))
			continue
		}
		for _, a := range []slog.Attr{slog.String("column", list(columns, ", ")), slog.String("reason", list(reasons, "; ")), slog.String("hint", list(hints, "; "))} {
			if a.Value.String() != "" {
				attrs = append(attrs, a)
			}
		}
	}
	return attrs
}

// list joins different texts, but not too many of them.
func list(texts []string, separator string) string {
	texts = slices.Compact(texts)
	more := len(texts) - maxNamed
	if more > 0 {
		texts = append(texts[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, separator)
}
