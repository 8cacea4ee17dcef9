//go:build e2e

package native

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A result is what Asterisk says of a command.
type result struct {
	failed bool

	// Of a row: the column's name, a space, the value. Before each of several rows: its name,
	// see isRowName. Of a write: its only line.
	lines []string
}

// isRowName reports whether a line of several rows is the name of one, which Asterisk
// makes of its first field.
func isRowName(line string) bool { return strings.HasPrefix(line, "row ") }

// kind says in a word what became of a command.
func (r result) kind() string {
	switch {
	case r.failed:
		return "failed"
	case len(r.lines) == 0:
		return "no row"
	case strings.HasPrefix(r.lines[0], "Updated 0 ") || strings.HasPrefix(r.lines[0], "Removed 0 "):
		return "none"
	}
	return "done"
}

// A comparison is a request that was made of both sides, and what became of it.
type comparison struct {
	database string
	request
	native, dbsep         result
	nativeRows, dbsepRows [][]string // all rows of the tables afterwards
	deleted               int        // rows that are gone on dbsep's side
}

func (p *pair) compare(t *testing.T, m *manager, r request) *comparison {
	t.Helper()
	native := parse(m.command(t, r.words(p.native.family)...))
	dbsep := parse(m.command(t, r.words(p.dbsep.family)...))
	before := len(p.dbsepRows)
	if !r.reads() {
		p.look(t)
	}
	return &comparison{p.name, r, native, dbsep, p.nativeRows, p.dbsepRows, before - len(p.dbsepRows)}
}

// parse reads the output of a command.
func parse(out string) result {
	if strings.Contains(out, "Failed to ") {
		return result{failed: true}
	}
	if strings.TrimSpace(out) == "" || strings.HasPrefix(out, "No rows found") {
		return result{}
	}
	_, row, found := strings.Cut(out, "  "+strings.Repeat("-", 20)+"  "+strings.Repeat("-", 20))
	if isRowName(out) {
		row, found = out, true
	}
	if !found {
		return result{lines: []string{strings.TrimSpace(out)}}
	}
	var lines []string
	for line := range strings.Lines(strings.TrimLeft(row, " \n")) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" {
			lines = append(lines, name+" "+strings.TrimSpace(value))
		}
	}
	return result{lines: lines}
}

func (c *comparison) equal() bool {
	return c.native.failed == c.dbsep.failed && slices.Equal(c.native.lines, c.dbsep.lines) && c.sameRows()
}

func (c *comparison) sameRows() bool {
	return slices.EqualFunc(c.nativeRows, c.dbsepRows, slices.Equal)
}

func (c *comparison) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %q\n", c.database, c.words("..."))
	for _, s := range []struct {
		name        string
		result      result
		rows, other [][]string
	}{{"native", c.native, c.nativeRows, c.dbsepRows}, {"dbsep", c.dbsep, c.dbsepRows, c.nativeRows}} {
		fmt.Fprintf(&b, "%-6s %s %q\n", s.name, s.result.kind(), s.result.lines)
		for _, row := range s.rows {
			if !slices.ContainsFunc(s.other, func(o []string) bool { return slices.Equal(o, row) }) {
				fmt.Fprintf(&b, "       row %s\n", strings.Join(row, " "))
			}
		}
	}
	return b.String()
}
