//go:build e2e

package outage

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A tally is what came out of an outage.
type tally struct {
	fault string

	confirmed   int // writes with the response 1
	refused     int // writes with the response -1
	done        int // of these, writes that were done nevertheless
	lost, twice int // writes with the response 1 that are not there; writes done more than once

	fresh, stale, missed int // reads with a response from the database, with a stale response, with an error

	longest time.Duration // wait for any response
	// From the end of the fault to the first write with the response 1, and to the
	// first read with a response from the database. Where nobody ends the fault: the
	// longest time without one.
	writesAfter, freshAfter time.Duration

	codes map[string]int
	wrong []string // what no client may get, or do, in any outage
}

func (c *tally) errorf(format string, values ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, values...))
}

// tally compares the responses of the clients with what the database holds.
func (l *load) tally(t *testing.T, s *scene) *tally {
	t.Helper()
	c := &tally{codes: map[string]int{}}
	done := history(t, s.DB)
	counters, visits := counters(t, s.DB), visits(t, s.DB)
	last := map[string]int{}     // counter → the last value that was confirmed
	gone := map[string]*answer{} // visit → the destroy of it
	stores := map[string]*answer{}
	for i := range l.answers {
		a := &l.answers[i]
		c.longest = max(c.longest, a.took)
		if a.code != "" {
			c.codes[a.code]++
		}
		switch {
		case a.isWrite():
			c.write(a, done[a.event()])
		case a.isRead():
			c.read(a)
		default:
			c.look(a)
		}
		switch {
		case a.operation == "update" && a.confirmed():
			last[a.key] = a.value
		case a.operation == "store":
			stores[a.key] = a
		case a.operation == "destroy":
			gone[a.key] = a
		}
	}
	for counter, value := range last {
		if counters[counter] < value {
			c.errorf("the counter %s is %d, but %d was confirmed last", counter, counters[counter], value)
		}
	}
	for name, a := range stores {
		want := done[a.event()]
		if g := gone[name]; g != nil {
			want -= done[g.event()]
		}
		if visits[name] != want {
			c.errorf("there are %d rows %s, want %d", visits[name], name, want)
		}
	}
	return c
}

// event is how the database's own triggers note a write.
func (a *answer) event() string {
	if a.operation == "update" {
		return fmt.Sprintf("update %s %d", a.key, a.value)
	}
	return a.operation + " " + a.key
}

func (c *tally) write(a *answer, done int) {
	switch {
	case a.confirmed():
		c.confirmed++
		if done == 0 {
			c.lost++
			c.errorf("%s was answered 1 and is not there", a.event())
		}
	case a.body == "-1\n":
		c.refused++
		c.done += min(done, 1)
	default:
		c.errorf("%s was answered %q, %d, error %s", a.event(), a.body, a.status, a.code)
	}
	if done > 1 {
		c.twice++
		c.errorf("%s was done %d times, and answered %q", a.event(), done, a.body)
	}
}

func (c *tally) read(a *answer) {
	switch {
	case a.code != "":
		c.missed++
	case a.stale:
		c.stale++
	default:
		c.fresh++
	}
}

// look wants a counter to be shown as nothing that is older than what was confirmed
// before.
func (c *tally) look(a *answer) {
	if a.code != "" {
		return
	}
	var value int
	text := strings.TrimPrefix(a.body, "id="+a.key+"&val=")
	if _, err := fmt.Sscanf(text, "%d\n", &value); err != nil || value < a.value {
		c.errorf("the counter %s was shown as %q, stale %v, but %d was confirmed before", a.key, a.body, a.stale, a.value)
	}
}

// after returns how long it took from a moment to the end of the first response of
// which something is true and whose request was sent after it.
func (l *load) after(moment time.Time, is func(*answer) bool) time.Duration {
	first := time.Duration(-1)
	for i := range l.answers {
		a := &l.answers[i]
		if d := a.ended().Sub(moment); a.begun.After(moment) && is(a) && (first < 0 || d < first) {
			first = d
		}
	}
	return first
}

// longestPause is the longest time between the ends of two responses of which
// something is true.
func (l *load) longestPause(is func(*answer) bool) (longest time.Duration) {
	var last time.Time
	for i := range l.answers { // in the order in which they ended
		a := &l.answers[i]
		if !is(a) {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, a.ended().Sub(last))
		}
		last = a.ended()
	}
	return longest
}

// history reads how often the database has done each write.
func history(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	return pairs(t, db, "SELECT what, COUNT(*) FROM history GROUP BY what")
}

func counters(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	return pairs(t, db, "SELECT id, val FROM counters")
}

func visits(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	return pairs(t, db, "SELECT name, COUNT(*) FROM visits GROUP BY name")
}

func pairs(t *testing.T, db *sql.DB, query string) map[string]int {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	check(t, err)
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var name string
		var n int
		check(t, rows.Scan(&name, &n))
		all[name] = n
	}
	check(t, rows.Err())
	return all
}
