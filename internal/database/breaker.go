package database

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// The pauses between two tries of an unavailable server: the first one lasts
// from half of firstPause to firstPause, and each may be twice as long as the
// one before.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
)

// minSilence is how long a server has to be silent before that says something of
// it. A shorter silence may be that of a caller with no time left.
const minSilence = 500 * time.Millisecond

// silence is how long a server has been silent since then. It does not last longer than
// its caller's time, which a busy machine may notice much later.
func silence(ctx context.Context, since time.Time) time.Duration {
	if end, ok := ctx.Deadline(); ok && end.Before(time.Now()) {
		return end.Sub(since)
	}
	return time.Since(since)
}

// A breaker keeps statements, or logins, from waiting one after another for a
// server that is unavailable. While it is open they fail at once with the error of
// the last try, except for one try at a time when a pause is over. The first response
// closes it.
//
// A nil breaker lets everything through.
type breaker struct {
	threshold int // how many tries in a row have to fail before it opens

	responses atomic.Int64
	open      atomic.Bool

	mu       sync.Mutex
	failures int
	heard    int64 // responses when the last failure was counted
	pause    time.Duration
	until    time.Time // no try before
	trying   bool
	last     error // of the last try that failed
}

// A try is what a breaker has let through. It has to end.
type try struct {
	breaker *breaker
	heard   int64 // responses when it began
	lone    bool  // it is the one that an open breaker lets through
	urgent  bool
}

// An outcome is what a try says of a server.
type outcome int

const (
	unclear   outcome = iota // nothing
	responded                // it responds, if only with an error
	silent                   // it does not
)

// begin lets a try through or returns the error that it would come to. An urgent
// one only checks whether the server responds. It does not wait for a pause to end
// and opens the breaker by itself.
func (b *breaker) begin(urgent bool) (try, error) {
	if b == nil {
		return try{}, nil
	}
	t := try{breaker: b, heard: b.responses.Load(), urgent: urgent}
	if urgent || !b.open.Load() {
		return t, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open.Load():
		return t, nil
	case b.trying || time.Now().Before(b.until):
		return try{}, b.last
	}
	b.trying, t.lone = true, true
	return t, nil
}

// end reports the outcome of a try. A failure does not count where any other try
// had a response since this one began: then the cause is not the server.
func (t try) end(o outcome, err error) {
	b := t.breaker
	if b == nil {
		return
	}
	if o == responded {
		b.responses.Add(1)
		if !b.open.Load() {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.lone {
		b.trying = false
	}
	switch {
	case o == responded:
		b.open.Store(false)
		b.failures, b.pause, b.last = 0, 0, nil
	case o == silent && b.responses.Load() == t.heard:
		b.fail(t, err)
	}
}

// fail wants the lock held. What began before the breaker opened makes no pause
// longer.
func (b *breaker) fail(t try, err error) {
	if b.heard != t.heard {
		b.failures = 0
	}
	b.heard = t.heard
	b.failures++
	late := b.open.Load() && !t.lone
	few := !b.open.Load() && b.failures < b.threshold
	if (late || few) && !t.urgent {
		return
	}
	b.pause = min(max(2*b.pause, firstPause), lastPause)
	b.until = time.Now().Add(b.pause/2 + rand.N(b.pause/2)) // so that many gateways do not come at once
	b.last = err
	b.open.Store(true)
}

// refusal is the error that a try would fail with now; nil where the breaker is
// closed.
func (b *breaker) refusal() error {
	if !b.isOpen() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

func (b *breaker) isOpen() bool { return b != nil && b.open.Load() }
