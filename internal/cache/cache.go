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
	Replicas bool // reads may go to servers that are behind
	rules    *rules
	bytes    int64 // limit of all cached rows together
	now      func() time.Time

	mu     sync.Mutex
	tables map[string]*cachedTable
	size   int64

	hits, joined atomic.Int64
}

// A cachedTable is what is known of a table since the last write to it.
type cachedTable struct {
	wrote   time.Time // when that was; zero: never
	rows    map[digest]*cachedRows
	flights map[digest]*flight
	size    int64
}

func newCachedTable(wrote time.Time) *cachedTable {
	return &cachedTable{wrote: wrote, rows: map[digest]*cachedRows{}, flights: map[digest]*flight{}}
}

// replicaLag is how long after a write a replica may still have the rows from before. Rows
// that it returns are not kept for so long, or they would be older than what was written
// also when it has caught up.
const replicaLag = time.Hour

type cachedRows struct {
	expires time.Time
	text    []byte
}

// bytes is what rows count: their key is kept, too.
func (r *cachedRows) bytes() int64 { return int64(len(r.text) + 100) }

// A flight is a query that is running and that others may wait for. They wait for the
// database, but not for the client of the one that runs the query.
type flight struct {
	done    chan struct{}
	outcome outcome
	text    []byte // the encoded rows, if it is shared
	err     error  // likewise
}

// An outcome says what those do who have waited for a flight.
type outcome int

const (
	retry  outcome = iota // the query ended with its own client: another one runs it
	shared                // they have its rows, or its error
	long                  // there are too many rows to be shared: each runs the query
)

// maxShared limits the rows of one query that are shared, in bytes.
const maxShared = 1 << 20

// New returns a database that caches rows of the tables of rules. If the age of a
// rule is 0, only queries that run at the same time share rows. bytes limits the
// memory.
func New(db gateway.Database, rules []Rule, bytes int64) *Cache {
	return &Cache{Database: db, rules: newRules(rules), bytes: bytes, now: time.Now, tables: map[string]*cachedTable{}}
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
	key := queryKey("", st)
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
		switch f.outcome {
		case long:
			return s.Database.Query(ctx, st, row)
		case shared:
			s.joined.Add(1)
			if f.err != nil {
				return f.err
			}
			return replay(f.text, row)
		}
	}
}

// StaleRows returns those of the database.
func (s *Cache) StaleRows(st sqlgen.Statement, failure error) (rows gateway.StaleRows, ok bool) {
	return gateway.StaleRowsOf(s.Database, st, failure)
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
func (s *Cache) join(key digest, table string) (text []byte, f *flight, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[table]
	if t == nil {
		t = newCachedTable(time.Time{})
		s.tables[table] = t
	}
	if r := t.rows[key]; r != nil && s.now().Before(r.expires) {
		return r.text, nil, false
	}
	if f := t.flights[key]; f != nil {
		return nil, f, false
	}
	f = &flight{done: make(chan struct{})}
	t.flights[key] = f
	return nil, f, true
}

// lead runs the query of a flight. Its client gets the rows when the database is done, or
// when there are too many to be shared.
func (s *Cache) lead(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error, key digest, rule Rule, f *flight) error {
	land := sync.OnceFunc(func() { s.land(key, st.Table, rule, f) })
	defer land() // also after a panic, or others would wait for ever
	rows := recording{text: []byte{}, limit: maxShared}
	err := s.Database.Query(ctx, st, func(columns [][]byte) error {
		if rows.over {
			return row(columns)
		}
		before := rows.text
		if rows.add(columns); !rows.over {
			return nil
		}
		f.outcome = long
		land()
		if err := replay(before, row); err != nil {
			return err
		}
		return row(columns)
	})
	if rows.over {
		return err
	}
	if !endedWithClient(err) {
		f.outcome, f.text, f.err = shared, rows.text, err
	}
	land()
	if err != nil {
		return err
	}
	return replay(rows.text, row)
}

// endedWithClient reports whether a query ended because its client left, or had no more
// time.
func endedWithClient(err error) bool {
	var fault *sqlgen.Fault
	return errors.As(err, &fault) && (fault.Cause == sqlgen.Canceled || fault.Cause == sqlgen.Timeout)
}

// land ends a flight and caches its rows, unless there was a write since it began.
func (s *Cache) land(key digest, table string, rule Rule, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[table]; t.flights[key] == f {
		delete(t.flights, key)
		if f.outcome == shared && f.err == nil && rule.Age > 0 && !(s.Replicas && s.now().Sub(t.wrote) < replicaLag) {
			s.keep(t, key, &cachedRows{s.now().Add(rule.Age), f.text})
		}
	}
	close(f.done)
}

// keep caches rows in the place of any others if there are too many. The caller holds the
// lock.
func (s *Cache) keep(t *cachedTable, key digest, r *cachedRows) {
	if r.bytes() > s.bytes {
		return
	}
	s.drop(t, key)
	for _, other := range s.tables {
		for key := range other.rows {
			if s.size+r.bytes() <= s.bytes {
				break
			}
			s.drop(other, key)
		}
	}
	t.rows[key] = r
	t.size += r.bytes()
	s.size += r.bytes()
}

// drop removes cached rows. The caller holds the lock.
func (s *Cache) drop(t *cachedTable, key digest) {
	if r := t.rows[key]; r != nil {
		t.size -= r.bytes()
		s.size -= r.bytes()
		delete(t.rows, key)
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
	if t := s.tables[table]; t != nil {
		s.size -= t.size
	}
	s.tables[table] = newCachedTable(s.now())
}

// replay calls row for every encoded row. Invalid text is a bug of this package.
func replay(text []byte, row func(columns [][]byte) error) error {
	valid, err := each(text, row)
	if !valid {
		return &sqlgen.Fault{Cause: sqlgen.Unexpected, Err: errors.New("cached rows are invalid")}
	}
	return err
}
