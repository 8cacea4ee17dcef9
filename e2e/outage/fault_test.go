//go:build e2e

package outage

import (
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// A fault is something that goes wrong with a database under load.
type fault struct {
	name     string
	settings []string // of dbsep.conf, besides the common ones

	before func(t *testing.T) // prepares the server; may be nil

	// begin lets it happen. end fixes it and returns when the database works again; it
	// is nil where the database fixes itself, or another takes its place.
	begin, end func(t *testing.T, s *scene)

	unseen bool // no client is to notice it
	brief  bool // it is over at once, and few clients notice it, or none
	fresh  bool // reads continue, from the database
}

// patience is how long anything may take to come true, which is an error then
// and not a figure.
const patience = 30 * time.Second

// The faults last until the clients have had so many responses.
const (
	someAnswers  = 100
	someReads    = 20
	someFailures = 12
)

// run brings a fault about, fixes it, and counts.
func (f *fault) run(t *testing.T, kind string, all *figures, place func(t *testing.T, settings []string) *scene) bool {
	return testenv.Feature(t, kind, f.name+": nothing confirmed is lost, nothing is done twice", func(t *testing.T) {
		if f.before != nil {
			f.before(t)
		}
		s := place(t, f.settings)
		s.load = begin(t, s.url)
		s.load.all.Go(func() { s.reload(s.load.ctx) })
		s.load.await(t, "writes answered 1", someAnswers, func(a *answer) bool { return a.isWrite() && a.confirmed() })
		s.load.await(t, "reads", someAnswers, (*answer).isRead)

		began := time.Now()
		f.begin(t, s)
		if !f.unseen && !f.brief {
			s.load.await(t, "writes answered -1", someFailures, func(a *answer) bool { return a.isWrite() && !a.confirmed() })
			s.load.await(t, "reads in the outage", someReads, func(a *answer) bool { return a.isRead() && a.begun.After(began) })
		}
		if f.end != nil {
			f.end(t, s)
		}
		ended := time.Now()
		since := func(is func(*answer) bool) func(*answer) bool {
			return func(a *answer) bool { return a.begun.After(ended) && is(a) }
		}
		s.load.await(t, "writes answered 1 afterwards", someAnswers, since(confirmedWrite))
		s.load.await(t, "fresh reads afterwards", someAnswers, since(freshRead))
		s.load.stop()
		if s.settle != nil {
			s.settle(t, s)
		}
		c := s.load.tally(t, s)
		c.fault = f.name
		switch {
		case f.end != nil:
			c.writesAfter, c.freshAfter = s.load.after(ended, confirmedWrite), s.load.after(ended, freshRead)
		case !f.unseen:
			c.writesAfter, c.freshAfter = s.load.longestPause(confirmedWrite), s.load.longestPause(freshRead)
		}
		*all = append(*all, c)
		t.Log(c)
		f.judge(t, c)
	})
}

func confirmedWrite(a *answer) bool { return a.isWrite() && a.confirmed() }
func freshRead(a *answer) bool      { return a.isRead() && a.confirmed() && !a.stale }

// judge fails the test for what a fault does not excuse.
func (f *fault) judge(t *testing.T, c *tally) {
	t.Helper()
	for _, w := range c.wrong[:min(len(c.wrong), 20)] {
		t.Error(w)
	}
	if c.missed > 0 {
		t.Errorf("%d reads were lost", c.missed)
	}
	if c.longest > bound {
		t.Errorf("an answer took %v, longer than %v", c.longest, bound)
	}
	if n := c.codes["internal"]; n > 0 {
		t.Errorf("%d errors are not known for what they are", n)
	}
	if f.fresh && c.stale > 0 {
		t.Errorf("%d last good answers were given out though the database answers", c.stale)
	}
	if f.unseen && c.refused > 0 {
		t.Errorf("%d writes were answered -1", c.refused)
	}
	if !f.unseen && !f.brief && c.refused == 0 {
		t.Error("no write failed: the fault did not happen")
	}
}
