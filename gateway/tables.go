package gateway

import (
	"context"
	"maps"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
)

// A table is a described table with what every answer from it repeats.
type table struct {
	*sqlgen.Table
	whole  *sqlgen.Table // with the columns that the client may not see
	read   time.Time
	names  [][]byte // "name=" of each column, encoded for a row of text
	keys   [][]byte // "\"name\":" of each column, for a row of JSON
	warned *warned
	views  *sync.Map // Rights → *table, for clients that may use some of the columns
}

func newTable(d *sqlgen.Table, read time.Time) *table {
	t := &table{Table: d, whole: d, read: read, warned: new(warned), views: new(sync.Map)}
	for i := range d.Columns {
		column := []byte(d.Columns[i].Name)
		t.names = append(t.names, append(appendEscaped(nil, column), '='))
		t.keys = append(t.keys, append(appendJSON(nil, column), ':'))
	}
	return t
}

// readAgain returns the table as a later reading of its description has it. What
// is known of it stays where nothing has changed.
func (t *table) readAgain(d *sqlgen.Table, read time.Time) *table {
	if t == nil || t.Name != d.Name || t.Schema != d.Schema || !reflect.DeepEqual(t.Columns, d.Columns) {
		return newTable(d, read)
	}
	same := *t
	same.read = read
	return &same
}

// warned are the columns of a table that the log has warned of.
type warned struct {
	mu   sync.Mutex
	seen map[string]bool // lower case
}

// maxWarned limits the names of columns that clients make up.
const maxWarned = 1000

func (w *warned) has(column string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[strings.ToLower(column)] || len(w.seen) >= maxWarned
}

// add reports whether the column is to be warned of, which it is once.
func (w *warned) add(column string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	column = strings.ToLower(column)
	if w.seen[column] || len(w.seen) >= maxWarned {
		return false
	}
	if w.seen == nil {
		w.seen = make(map[string]bool)
	}
	w.seen[column] = true
	return true
}

// tables keeps the descriptions of tables for a while, so that a request costs
// no question about its table. They are read without a lock.
type tables struct {
	db      Database
	age     time.Duration
	columns int // that a table may have
	timeout time.Duration
	now     func() time.Time

	known atomic.Pointer[map[string]*table]
	mu    sync.Mutex // for a new map in known
}

// tablesKept bounds how many spellings of table names are remembered.
const tablesKept = 1024

// recheckAfter is how old a description must be before a request that it does
// not fit has it read again, so that bad requests cost the database little.
const recheckAfter = time.Second

// find returns the description of a table by the name a client gave it.
func (ts *tables) find(ctx context.Context, name string) (*table, error) {
	if known := ts.known.Load(); known != nil {
		if t := (*known)[name]; t != nil && ts.now().Sub(t.read) < ts.age {
			return t, nil
		}
	}
	return ts.describe(ctx, name)
}

// refresh returns the description to try again with after a request failed with
// cause on an old one: a new reading where the database itself disagreed or the
// old one has had time to become wrong.
func (ts *tables) refresh(ctx context.Context, name string, old *table, cause error) (*table, error) {
	if fromDatabase(cause) || ts.now().Sub(old.read) >= recheckAfter {
		return ts.describe(ctx, name)
	}
	return old, nil
}

// describe has the database describe a table, within the time of a statement.
func (ts *tables) describe(ctx context.Context, name string) (*table, error) {
	ctx, cancel := context.WithTimeout(ctx, ts.timeout)
	defer cancel()
	d, err := ts.db.Describe(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(d.Columns) > ts.columns {
		return nil, &Error{Code: TooManyColumns, Table: d.Name}
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	next := map[string]*table{}
	if known := ts.known.Load(); known != nil && len(*known) < tablesKept {
		next = maps.Clone(*known)
	}
	t := next[name].readAgain(d, ts.now())
	next[name] = t
	ts.known.Store(&next)
	return t, nil
}
