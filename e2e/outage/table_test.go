//go:build e2e

package outage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// figures are the tallies of a database, printed when all its faults are over.
type figures []*tally

// print prints the table that docs/resilience.md has.
func (f *figures) print(t *testing.T, kind string) {
	t.Helper()
	if len(*f) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | writes 1 | writes -1 (done) | lost | twice | reads fresh | last good | lost | longest wait | first write | first fresh read |\n", kind)
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range *f {
		fmt.Fprintf(&b, "| %s | %d | %d (%d) | %d | %d | %d | %d | %d | %s | %s | %s |\n", c.fault, c.confirmed, c.refused, c.done, c.lost, c.twice,
			c.fresh, c.stale, c.missed, seconds(c.longest), seconds(c.writesAfter), seconds(c.freshAfter))
	}
	fmt.Print(b.String())
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func (c *tally) String() string {
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(c.codes)) {
		codes = append(codes, fmt.Sprintf("%s %d", code, c.codes[code]))
	}
	return fmt.Sprintf("first write after %s, first fresh read after %s, longest wait %s; errors: %s",
		seconds(c.writesAfter), seconds(c.freshAfter), seconds(c.longest), strings.Join(codes, ", "))
}
