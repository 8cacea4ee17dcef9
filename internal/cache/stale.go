package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// A StaleCache database keeps rows in a store, and returns them as stale rows while the
// database is unavailable.
type StaleCache struct {
	gateway.Database
	store *Store
	scope string
	rules *rules
	log   *slog.Logger

	outage atomic.Bool  // stale rows were returned since the last success
	stale  atomic.Int64 // how often, in this outage
}

var _ gateway.StaleReader = (*StaleCache)(nil)

// Over returns a database that keeps rows of the tables of rules in the store. scope
// identifies the database, so that rows of another one are never used.
func (s *Store) Over(db gateway.Database, scope string, rules []Rule, log *slog.Logger) *StaleCache {
	return &StaleCache{Database: db, store: s, scope: scope, rules: newRules(rules), log: log}
}

// Query queries the database and keeps the rows. A response without a row is not
// kept: clients may query names that do not exist.
func (c *StaleCache) Query(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	if _, ok := c.rules.find(st.Table); !ok {
		return c.Database.Query(ctx, st, row)
	}
	key := cacheKey(c.scope, st)
	writes := c.store.writesTo(st.Table)
	rows := recording{limit: int(c.store.limit / 8)}
	err := c.Database.Query(ctx, st, func(columns [][]byte) error {
		rows.add(columns)
		return row(columns)
	})
	if err != nil {
		return err
	}
	if len(rows.text) == 0 {
		c.store.discard(key, st.Table, writes)
	} else {
		c.store.keep(key, st, writes, rows.text)
	}
	c.endOutage()
	return nil
}

// StaleRows returns the rows that the database returned for a statement before,
// where a query failed because the database is unavailable.
func (c *StaleCache) StaleRows(st sqlgen.Statement, failure error) (rows gateway.StaleRows, ok bool) {
	rule, ok := c.rules.find(st.Table)
	if !ok || !isUnavailable(failure) {
		return gateway.StaleRows{}, false
	}
	text, age, ok := c.store.find(cacheKey(c.scope, st), rule.Age)
	if !ok {
		return gateway.StaleRows{}, false
	}
	c.stale.Add(1)
	if c.outage.CompareAndSwap(false, true) {
		c.log.Warn("the database is unavailable: stale responses are sent", slog.Duration("first", age.Round(time.Second)))
	}
	return gateway.StaleRows{Age: age, Each: func(row func(columns [][]byte) error) error { return replay(text, row) }}, true
}

// isUnavailable reports whether a database could not run a statement, and did not
// refuse it.
func isUnavailable(err error) bool {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		return false
	}
	switch fault.Cause {
	case sqlgen.Unavailable, sqlgen.Timeout, sqlgen.Busy:
		return true
	}
	return false
}

// endOutage logs the end of an outage.
func (c *StaleCache) endOutage() {
	if c.outage.Load() && c.outage.CompareAndSwap(true, false) {
		c.log.Info("the database answers again", slog.Int64("stale_responses", c.stale.Swap(0)))
	}
}

// Exec runs a write. It first drops the rows that the write may change: the result of
// a write that failed is unknown.
func (c *StaleCache) Exec(ctx context.Context, st sqlgen.Statement) (int64, error) {
	if _, ok := c.rules.find(st.Table); !ok {
		return c.Database.Exec(ctx, st)
	}
	c.store.invalidate(st)
	defer c.store.invalidate(st) // for queries that started in between
	return c.Database.Exec(ctx, st)
}

// Describe returns the schema of a table, or the last known one while the database is
// unavailable.
func (c *StaleCache) Describe(ctx context.Context, name string) (*sqlgen.Table, error) {
	t, err := c.Database.Describe(ctx, name)
	switch {
	case err == nil:
		if _, ok := c.rules.find(t.Name); ok {
			c.store.keepSchema(c.scope+" "+name, t)
		}
	case isUnavailable(err):
		if old := c.store.schema(c.scope + " " + name); old != nil {
			return old, nil
		}
	}
	return t, err
}

// A schema is a table as it is in the file.
type schema struct {
	Name, Schema string
	Columns      []sqlgen.Column
}

func (s *Store) keepSchema(key string, t *sqlgen.Table) {
	text, err := json.Marshal(schema{t.Name, t.Schema, t.Columns})
	if err != nil {
		return
	}
	if old := s.schema(key); old != nil {
		if known, err := json.Marshal(schema{old.Name, old.Schema, old.Columns}); err == nil && bytes.Equal(known, text) {
			return
		}
	}
	s.try("write a schema", s.file.Update(func(tx *bbolt.Tx) error { return tx.Bucket(tablesBucket).Put([]byte(key), text) }))
}

func (s *Store) schema(key string) *sqlgen.Table {
	var d schema
	found := false
	s.try("read a schema", s.file.View(func(tx *bbolt.Tx) error {
		text := tx.Bucket(tablesBucket).Get([]byte(key))
		found = text != nil && json.Unmarshal(text, &d) == nil
		return nil
	}))
	if !found {
		return nil
	}
	t := sqlgen.NewTable(d.Name, d.Columns)
	t.Schema = d.Schema
	return t
}

// oldest sorts keys by when the database last returned their rows.
func oldest(all map[string]*storeEntry) []string {
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int { return all[a].At.Compare(all[b].At) })
}
