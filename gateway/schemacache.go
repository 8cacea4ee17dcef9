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

// A table is the schema of a table, with what every response from it needs.
type table struct {
	*sqlgen.Table
	TableOptions
	whole  *sqlgen.Table // with the columns that the client may not use
	read   time.Time     // when the read of the schema began
	order  order
	names  [][]byte // "name=" of each column, encoded for a row of text
	keys   [][]byte // "\"name\":" of each column, for a row of JSON
	warned *warnedColumns
	views  *sync.Map // Rights → *table, for clients that may use some of the columns
}

func newTable(schema *sqlgen.Table, o TableOptions, read time.Time) *table {
	t := &table{Table: schema, TableOptions: o, whole: schema, read: read, order: o.orderOf(schema), warned: new(warnedColumns), views: new(sync.Map)}
	for _, c := range schema.Visible() {
		column := []byte(c.Name)
		t.names = append(t.names, append(appendEscaped(nil, column), '='))
		t.keys = append(t.keys, append(appendJSON(nil, column), ':'))
	}
	return t
}

// updated returns the table with a schema that was read later. An unchanged table
// keeps its options, warnings and views.
func (t *table) updated(schema *sqlgen.Table, options func(table string) TableOptions, read time.Time) *table {
	if t == nil || t.Name != schema.Name || t.Schema != schema.Schema || t.Partial != schema.Partial || !reflect.DeepEqual(t.Columns, schema.Columns) {
		return newTable(schema, options(schema.Name), read)
	}
	same := *t
	same.read = read
	return &same
}

// warnedColumns are the columns of a table that have a warning in the log.
type warnedColumns struct {
	mu    sync.Mutex
	names map[string]bool // lower case
}

// maxWarned limits how many names that clients invent are remembered.
const maxWarned = 1000

func (w *warnedColumns) has(column string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names[strings.ToLower(column)]
}

// add reports whether the column needs a warning, which is once.
func (w *warnedColumns) add(column string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	column = strings.ToLower(column)
	if w.names[column] || len(w.names) >= maxWarned {
		return false
	}
	if w.names == nil {
		w.names = make(map[string]bool)
	}
	w.names[column] = true
	return true
}

// A schemaCache caches the schemas of tables, so that most requests need one
// statement only, and reads each table once for all requests that wait for it. Responses
// from the cache take no lock.
type schemaCache struct {
	db         Database
	ttl        time.Duration
	maxColumns int // of a table
	options    func(table string) TableOptions
	timeout    time.Duration
	now        func() time.Time

	cached  atomic.Pointer[map[string]*table]
	mu      sync.Mutex // for a new map in cached, and for what follows
	unknown map[string]unknownTable
	reads   map[string]*schemaRead // that go on
}

// maxNames limits how many spellings of table names are cached, and how many of names that
// no table has. maxNameBytes is how long the latter may be.
const (
	maxNames     = 1024
	maxNameBytes = 256
)

// recheckAfter is how old a schema may be without a new read of it, and recheckWait how long
// a request waits for that: a change is noticed within a second by all requests, and a
// database that is slow or unavailable is not slower because of it.
const (
	recheckAfter = time.Second
	recheckWait  = 250 * time.Millisecond
)

// unknownTTL is how long the name of no table is known as such: a table that is created is
// seen within a second.
const unknownTTL = time.Second

// An unknownTable is what the database said of a name that no table has.
type unknownTable struct {
	err  error
	read time.Time // when that began
}

// get returns the table with the name that a client sent.
func (c *schemaCache) get(ctx context.Context, name string) (*table, error) {
	if cached := c.cached.Load(); cached != nil {
		if t := (*cached)[name]; t != nil {
			switch age := c.now().Sub(t.read); {
			case age < min(recheckAfter, c.ttl):
				return t, nil
			case age < c.ttl:
				return c.recheck(ctx, name, t)
			}
		}
	}
	return c.read(ctx, name, time.Time{})
}

// recheck reads the schema of a table again. As long as that takes, or the database cannot
// say, the schema is as it was.
func (c *schemaCache) recheck(ctx context.Context, name string, old *table) (*table, error) {
	r := c.join(ctx, name) // and never leave: the read ends for later requests
	ctx, cancel := context.WithTimeout(ctx, recheckWait)
	defer cancel()
	if r.wait(ctx) != nil || r.err != nil && catalogue[asError(r.err).Code].leavesTableUnknown() {
		return old, nil
	}
	return r.table, r.err
}

// refresh returns the table for a retry after a request failed with cause. It reads
// the schema again if the database itself reported the error, or if the cached
// schema is old enough to be outdated.
func (c *schemaCache) refresh(ctx context.Context, name string, old *table, cause error) (*table, error) {
	if fromDatabase(cause) || c.now().Sub(old.read) >= recheckAfter {
		return c.read(ctx, name, c.now())
	}
	return old, nil
}

// read reads the schema of a table, or waits for another request that does so, within the
// timeout of a statement. since is when the schema may not have been read before.
func (c *schemaCache) read(ctx context.Context, name string, since time.Time) (*table, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for {
		if err := c.knownUnknown(name); err != nil {
			return nil, err
		}
		r := c.join(ctx, name)
		err := r.wait(ctx)
		c.leave(r)
		if err != nil {
			return nil, err
		}
		if !r.began.Before(since) {
			return r.table, r.err
		}
	}
}

// knownUnknown returns the error of a name that no table had a moment ago.
func (c *schemaCache) knownUnknown(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, ok := c.unknown[name]; ok && c.now().Sub(u.read) < unknownTTL {
		return u.err
	}
	return nil
}

// keep caches a schema. The caller holds the lock.
func (c *schemaCache) keep(name string, schema *sqlgen.Table, read time.Time) *table {
	next := c.clone()
	t := next[name].updated(schema, c.options, read)
	next[name] = t
	c.cached.Store(&next)
	return t
}

// keepUnknown caches that no table has a name. The caller holds the lock.
func (c *schemaCache) keepUnknown(name string, u unknownTable) {
	if cached := c.cached.Load(); cached != nil && (*cached)[name] != nil {
		next := c.clone()
		delete(next, name)
		c.cached.Store(&next)
	}
	if len(name) > maxNameBytes {
		return
	}
	if c.unknown == nil || len(c.unknown) >= maxNames {
		c.unknown = make(map[string]unknownTable)
	}
	c.unknown[name] = u
}

// clone returns a copy of what is cached, and nothing where that is too much.
func (c *schemaCache) clone() map[string]*table {
	if cached := c.cached.Load(); cached != nil && len(*cached) < maxNames {
		return maps.Clone(*cached)
	}
	return map[string]*table{}
}
