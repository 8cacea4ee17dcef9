package gateway

import (
	"context"
	"errors"
	"sync"

	"dbsep/sqlgen"
)

// longReads limits how many responses longer than a chunk are read from the
// database at a time. There are fewer slots than connections to the database, so
// that requests for a row or two never wait behind those for many.
type longReads struct {
	slots chan struct{}

	mu         sync.Mutex
	statements map[string]bool // those whose last response was long
	waiting    []*sharedRead   // those that have no slot yet
}

// maxStatements limits how many statements are remembered.
const maxStatements = 256

// errNoSlot ends a query whose response becomes long when all slots are taken.
// Nothing of it has been sent.
var errNoSlot = errors.New("no slot for a long response")

// A slot is the permission to send a long response to one statement.
type slot struct {
	reads  *longReads
	sql    string
	held   bool
	needed bool // the response is long
}

// slotFor returns the slot for a statement, which is not acquired yet.
func (l *longReads) slotFor(sql string) slot { return slot{reads: l, sql: sql} }

// expects reports whether the response to a statement will probably be long, because the
// last one was.
func (l *longReads) expects(sql string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statements[sql]
}

// acquire returns errNoSlot if the slot is not held and none is free.
func (s *slot) acquire() error {
	s.needed = true
	if s.held {
		return nil
	}
	var err error
	select {
	case s.reads.slots <- struct{}{}:
		s.held = true
	default:
		err = errNoSlot
	}
	s.reads.remember(s.sql, true)
	return err
}

// await waits until a slot is free, or until nobody needs it any more. The caller holds no
// connection to the database meanwhile.
func (s *slot) await(ctx context.Context) error {
	select {
	case s.reads.slots <- struct{}{}:
		s.held = true
		return nil
	case <-ctx.Done():
		return &sqlgen.Fault{Cause: sqlgen.Canceled, Err: context.Cause(ctx)}
	}
}

// release frees the slot if it is held, and remembers a response that was not long.
func (s *slot) release() {
	if !s.held {
		return
	}
	if !s.needed {
		s.reads.remember(s.sql, false)
	}
	<-s.reads.slots
}

func (l *longReads) remember(sql string, wasLong bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !wasLong:
		delete(l.statements, sql)
	case l.statements == nil || len(l.statements) >= maxStatements:
		l.statements = map[string]bool{sql: true}
	default:
		l.statements[sql] = true
	}
}
