package database

import (
	"context"
	"errors"
	"sync"
	"time"

	"dbsep/sqlgen"
)

// A Transactor is a connection of a database with one writer. It commits several
// writes at once, which costs as much as committing one.
type Transactor interface {
	// Start begins a transaction that writes.
	Start(ctx context.Context) error

	// Try calls a function that runs a statement and returns how many rows it
	// changed. If it fails, what the statement did is undone: alone, or with the whole
	// transaction, which has ended then.
	Try(run func() (affected int64, err error)) (affected int64, ended bool, err error)

	// Commit makes durable what the transaction did. If it fails, the transaction has
	// been undone.
	Commit(ctx context.Context) error
}

const (
	// Limits of a transaction: what waits behind it must not wait long.
	maxGroup     = 64
	maxGroupTime = 10 * time.Millisecond

	// restShare is the part of a transaction's time for which the database is free
	// after it, when writes wait for each other: other processes only look from time to
	// time whether it is.
	restShare = 3
)

// A group are the writes that wait for the pool's only connection. The one that gets
// it takes the others along.
type group struct {
	mu      sync.Mutex
	waiting []*groupedWrite

	restUntil time.Time // for the one that has the connection
}

// A groupedWrite is a write that may be run by another one's goroutine.
type groupedWrite struct {
	sqlgen.Statement
	ctx      context.Context //nolint:containedctx // each write has its own time
	alone    bool            // it must not share a transaction
	done     chan struct{}   // closed when another one has run it
	affected int64
	err      error
}

// errUndone is the outcome of a write that was undone because of another one in the
// same transaction.
var errUndone = errors.New("undone with the transaction of another write")

// join lets another write run this one.
func (g *group) join(w *groupedWrite) {
	w.done, w.affected, w.err = make(chan struct{}), 0, nil
	if w.alone {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, w)
}

// leave reports whether no other write runs this one, nor will.
func (g *group) leave(w *groupedWrite) bool {
	if w.alone {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == w {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// take returns the write that has waited longest, nil where none waits.
func (g *group) take() *groupedWrite {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return nil
	}
	w := g.waiting[0]
	g.waiting = append(g.waiting[:0], g.waiting[1:]...)
	return w
}

// rest waits until other processes have had their time.
func (g *group) rest(ctx context.Context) error {
	left := time.Until(g.restUntil)
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attemptGrouped runs a write once, or waits while another one runs it.
func (db *DB) attemptGrouped(ctx context.Context, w *groupedWrite) error {
	p := db.writes
	p.group.join(w)
	err := p.enter(ctx, w.done)
	switch mine := p.group.leave(w); {
	case mine && err != nil:
		return err
	case mine:
		defer p.leave(nil) // a database with one writer ends statements by itself
		_, err := p.on(ctx, func(ctx context.Context, s *session) error {
			if err := p.group.rest(ctx); err != nil {
				return err
			}
			if err := s.Conn.(Transactor).Start(ctx); err != nil {
				return err
			}
			db.runGroup(ctx, s, w)
			return w.err
		})
		return err
	case err == nil:
		p.leave(nil)
	}
	<-w.done
	return w.err
}

// runGroup runs a write, and those that wait, in the transaction that has begun.
func (db *DB) runGroup(ctx context.Context, s *session, first *groupedWrite) {
	members := []*groupedWrite{first}
	var culprit *groupedWrite // has ended the transaction
	outcome := errUndone      // of all others
	defer func() {
		for _, w := range members {
			if outcome != nil && w != culprit {
				w.err = outcome
			}
			if w != first {
				close(w.done)
			}
		}
	}()
	start := time.Now()
	limit, _ := first.ctx.Deadline()
	for w := first; w != nil; w = db.writes.group.take() {
		if w != first {
			members = append(members, w)
			if d, ok := w.ctx.Deadline(); ok && (limit.IsZero() || d.Before(limit)) {
				limit = d
			}
		}
		if w.runIn(s) {
			culprit = w
			return
		}
		if first.alone || len(members) == maxGroup || time.Since(start) >= maxGroupTime {
			break
		}
	}
	if !limit.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, limit)
		defer cancel()
	}
	err := s.Conn.(Transactor).Commit(ctx)
	if err == nil || len(members) == 1 || !db.isUndone(ctx, err) {
		outcome = err
	}
	if len(members) > 1 {
		now := time.Now()
		db.writes.group.restUntil = now.Add(now.Sub(start) / restShare)
	}
}

// runIn runs the write in the transaction of a session, and reports whether it has
// ended it.
func (w *groupedWrite) runIn(s *session) (ended bool) {
	if w.err = w.ctx.Err(); w.err != nil {
		return false
	}
	w.affected, ended, w.err = s.Conn.(Transactor).Try(func() (int64, error) { return s.exec(w.ctx, w.Statement) })
	return ended
}

// isUndone reports whether a commit that failed has certainly done nothing, so that
// its writes can be run again.
func (db *DB) isUndone(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	cause, _ := db.cause(err, false)
	return cause != sqlgen.Unavailable && cause != sqlgen.Unexpected
}
