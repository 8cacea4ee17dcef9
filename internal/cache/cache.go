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

// A Cache is a database that coalesces equal queries that run at the same time, and caches
// rows for as long as the table's rule says. A write through this gateway invalidates
// everything that is cached of its table, before and after it runs.
type Cache struct {
	gateway.Database
	rules *rules
	bytes int64 // limit of all entries together
	now   func() time.Time

	mu      sync.Mutex
	writes  map[string]int // number of writes by table
	flights map[string]*flight
	entries map[string]*entry
	size    int64

	hits, joined atomic.Int64
}

// A flight is a query that is running and that others may wait for.
type flight struct {
	writes int // of its table, when it started
	done   chan struct{}
	text   []byte // the encoded rows
	ok     bool   // others may use text or err
	err    error
}

// An entry holds cached rows.
type entry struct {
	table   string
	expires time.Time
	text    []byte
}

// maxShared limits the rows of one query that are shared, in bytes.
const maxShared = 1 << 20

// New returns a database that caches rows of the tables of rules. If the age of a
// rule is 0, only queries that run at the same time share rows. bytes limits the
// memory.
func New(db gateway.Database, rules []Rule, bytes int64) *Cache {
	return &Cache{
		Database: db, rules: newRules(rules), bytes: bytes, now: time.Now,
		writes: map[string]int{}, flights: map[string]*flight{}, entries: map[string]*entry{},
	}
}

// Counts returns how many queries used cached rows, and how many waited for an equal
// query.
func (s *Cache) Counts() (hits, joined int64) { return s.hits.Load(), s.joined.Load() }

// Query uses cached rows, the rows of an equal query that is running, or the
// database.
func (s *Cache) Query(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	rule, ok := s.rules.find(st.Table)
	if !ok {
		return s.Database.Query(ctx, st, row)
	}
	key := cacheKey("", st)
	for {
		text, f, leads := s.join(key, st.Table)
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

// cause returns why a context ended a wait.
func cause(ctx context.Context) sqlgen.Cause {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return sqlgen.Timeout
	}
	return sqlgen.Canceled
}

// join returns cached rows or the flight that will return rows. The caller runs the
// query of a new flight: it leads.
func (s *Cache) join(key, table string) (text []byte, f *flight, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil && s.now().Before(e.expires) {
		return e.text, nil, false
	}
	if f := s.flights[key]; f != nil && f.writes == s.writes[table] {
		return nil, f, false
	}
	f = &flight{writes: s.writes[table], done: make(chan struct{})}
	s.flights[key] = f
	return nil, f, true
}

// lead runs the query of a flight.
func (s *Cache) lead(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error, key string, rule Rule, f *flight) error {
	rows := recording{text: []byte{}, limit: maxShared}
	stopped := false
	defer func() { s.land(key, st.Table, rule, f) }() // also after a panic, or others would wait for ever
	err := s.Database.Query(ctx, st, func(columns [][]byte) error {
		rows.add(columns)
		err := row(columns)
		stopped = err != nil
		return err
	})
	var fault *sqlgen.Fault
	canceled := errors.As(err, &fault) && fault.Cause == sqlgen.Canceled
	f.ok = !stopped && !canceled && !rows.over
	f.text, f.err = rows.text, err
	return err
}

// land ends a flight and caches its rows.
func (s *Cache) land(key, table string, rule Rule, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[key] == f {
		delete(s.flights, key)
	}
	if f.ok && f.err == nil && rule.Age > 0 && f.writes == s.writes[table] {
		s.keep(key, &entry{table, s.now().Add(rule.Age), f.text})
	}
	close(f.done)
}

// keep adds an entry. The caller holds the lock.
func (s *Cache) keep(key string, e *entry) {
	s.drop(key)
	size := int64(len(key) + len(e.text))
	if s.size+size > s.bytes {
		for other, old := range s.entries {
			if s.now().After(old.expires) || s.size+size > s.bytes {
				s.drop(other)
			}
		}
	}
	if size <= s.bytes {
		s.entries[key] = e
		s.size += size
	}
}

// drop removes an entry. The caller holds the lock.
func (s *Cache) drop(key string) {
	if e := s.entries[key]; e != nil {
		s.size -= int64(len(key) + len(e.text))
		delete(s.entries, key)
	}
}

// Exec runs a write and invalidates what is cached of its table.
func (s *Cache) Exec(ctx context.Context, st sqlgen.Statement) (int64, error) {
	if _, ok := s.rules.find(st.Table); !ok {
		return s.Database.Exec(ctx, st)
	}
	s.invalidate(st.Table)
	defer s.invalidate(st.Table)
	return s.Database.Exec(ctx, st)
}

func (s *Cache) invalidate(table string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes[table]++
	for key, e := range s.entries {
		if e.table == table {
			s.drop(key)
		}
	}
}

// replay calls row for every encoded row. Invalid text is a bug of this package.
func replay(text []byte, row func(columns [][]byte) error) error {
	valid, err := each(text, row)
	if !valid {
		return &sqlgen.Fault{Cause: sqlgen.Unexpected, Err: errors.New("cached rows are invalid")}
	}
	return err
}
