package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// A Shared database lets equal questions that come at the same time share one
// query, and gives an answer out again for as long as the table's rule says. A
// write of this gateway ends all that is known of its table, before it begins and
// after it.
type Shared struct {
	gateway.Database
	rules *rules
	bytes int64 // of all answers together
	now   func() time.Time

	mu      sync.Mutex
	writes  map[string]int // by table: how many there have been
	flights map[string]*flight
	kept    map[string]*kept
	size    int64

	hits, joined atomic.Int64
}

// A flight is a query that others may wait for.
type flight struct {
	writes int
	done   chan struct{}
	text   []byte // the answer
	ok     bool   // there is one, or an error
	err    error
}

// A kept answer is given out until it is too old.
type kept struct {
	table string
	until time.Time
	text  []byte
}

// longestShared bounds an answer that is shared, in bytes.
const longestShared = 1 << 20

// Share returns a database that shares answers for the tables of rules, whose
// age may be 0: then only questions that come at the same time share. bytes
// bounds the memory.
func Share(db gateway.Database, rules []Rule, bytes int64) *Shared {
	return &Shared{
		Database: db, rules: newRules(rules), bytes: bytes, now: time.Now,
		writes: map[string]int{}, flights: map[string]*flight{}, kept: map[string]*kept{},
	}
}

// Counts tells how many answers were given out again, and how many questions
// waited for the answer to another.
func (s *Shared) Counts() (again, joined int64) { return s.hits.Load(), s.joined.Load() }

// Query answers from a copy, or from a query that is on its way, or asks.
func (s *Shared) Query(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	rule, ok := s.rules.find(st.Table)
	if !ok {
		return s.Database.Query(ctx, st, row)
	}
	key := question("", st)
	for {
		text, f, leads := s.board(key, st.Table)
		if text != nil {
			s.hits.Add(1)
			return replay(text, row)
		}
		if leads {
			return s.lead(ctx, st, row, key, rule, f)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return &sqlgen.Fault{Cause: cause(ctx), Table: st.Table, Err: ctx.Err()}
		}
		if f.ok {
			s.joined.Add(1)
			if f.err != nil {
				return f.err
			}
			return replay(f.text, row)
		}
	}
}

// cause is the cause of a wait that a context ended.
func cause(ctx context.Context) sqlgen.Cause {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return sqlgen.Timeout
	}
	return sqlgen.Canceled
}

// board returns the answer if there is one, or the flight that will bring it.
func (s *Shared) board(key, table string) (text []byte, f *flight, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.kept[key]; k != nil && s.now().Before(k.until) {
		return k.text, nil, false
	}
	if f := s.flights[key]; f != nil && f.writes == s.writes[table] {
		return nil, f, false
	}
	f = &flight{writes: s.writes[table], done: make(chan struct{})}
	s.flights[key] = f
	return nil, f, true
}

// lead asks the database and lets others have the answer.
func (s *Shared) lead(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error, key string, rule Rule, f *flight) error {
	answer := recording{text: []byte{}, most: longestShared}
	stopped := false
	defer func() { s.land(key, st.Table, rule, f) }() // whatever happens, nobody waits for ever
	err := s.Database.Query(ctx, st, func(columns [][]byte) error {
		answer.add(columns)
		err := row(columns)
		stopped = err != nil
		return err
	})
	var fault *sqlgen.Fault
	gone := errors.As(err, &fault) && fault.Cause == sqlgen.Canceled
	f.ok = !stopped && !gone && !answer.over
	f.text, f.err = answer.text, err
	return err
}

func (s *Shared) land(key, table string, rule Rule, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[key] == f {
		delete(s.flights, key)
	}
	if f.ok && f.err == nil && rule.Age > 0 && f.writes == s.writes[table] {
		s.keep(key, &kept{table, s.now().Add(rule.Age), f.text})
	}
	close(f.done)
}

// keep wants the lock held.
func (s *Shared) keep(key string, k *kept) {
	s.drop(key)
	size := int64(len(key) + len(k.text))
	if s.size+size > s.bytes {
		for other, old := range s.kept {
			if s.now().After(old.until) || s.size+size > s.bytes {
				s.drop(other)
			}
		}
	}
	if size <= s.bytes {
		s.kept[key] = k
		s.size += size
	}
}

func (s *Shared) drop(key string) {
	if k := s.kept[key]; k != nil {
		s.size -= int64(len(key) + len(k.text))
		delete(s.kept, key)
	}
}

// Exec runs a write, before and after which nothing is known of its table.
func (s *Shared) Exec(ctx context.Context, st sqlgen.Statement) (int64, error) {
	if _, ok := s.rules.find(st.Table); !ok {
		return s.Database.Exec(ctx, st)
	}
	s.forget(st.Table)
	defer s.forget(st.Table)
	return s.Database.Exec(ctx, st)
}

func (s *Shared) forget(table string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes[table]++
	for key, k := range s.kept {
		if k.table == table {
			s.drop(key)
		}
	}
}

// replay gives the rows of a copy. One that cannot be read is a fault of ours.
func replay(text []byte, row func(columns [][]byte) error) error {
	whole, err := each(text, row)
	if !whole {
		return &sqlgen.Fault{Cause: sqlgen.Unexpected, Err: errors.New("a copy of an answer cannot be read")}
	}
	return err
}
