package cache

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/gateway"
	"dbsep/internal/asterisk"
	"dbsep/sqlgen"
)

// A StaleCache is a database that keeps rows in a [Store], and returns them as stale rows
// while the database behind it is unavailable.
type StaleCache struct {
	gateway.Database
	Replicas bool // reads may go to servers that are behind

	store  *Store
	scope  string
	rules  *rules
	tables sync.Map // the name of a table → *keptTable, nil for a table that is not kept
	log    *slog.Logger

	outage atomic.Bool  // stale rows were returned since the last success
	stale  atomic.Int64 // how often, in this outage
}

var _ gateway.StaleReader = (*StaleCache)(nil)

// A keptTable is a table that has a rule.
type keptTable struct {
	*staleTable
	Rule
	schema atomic.Pointer[sqlgen.Table] // as the database described it last
}

// selection returns what keeps only some of the rows of a query; nil if all are kept. A
// pattern does not mean AORs at which phones register, since their contacts cannot be stored
// while the database is unavailable. So it keeps those that have a contact of their own, and
// without the permission to register.
func (t *keptTable) selection(st sqlgen.Statement, rows *recording) func(columns [][]byte) {
	schema := t.schema.Load()
	if !strings.Contains(t.Pattern, "*") || schema == nil || !asterisk.HasAORs(schema) {
		return nil
	}
	contact, most := st.Position(asterisk.AORContact), st.Position(asterisk.AORMaxContacts)
	return func(columns [][]byte) {
		if contact < 0 || len(columns[contact]) == 0 {
			return
		}
		if most >= 0 {
			columns = slices.Clone(columns)
			columns[most] = nil
		}
		rows.add(columns)
	}
}

// Over returns a database that keeps rows of the tables of rules in the store. scope
// identifies the database, so that rows of another one are never used.
func (s *Store) Over(db gateway.Database, scope string, rules []Rule, log *slog.Logger) *StaleCache {
	return &StaleCache{Database: db, store: s, scope: scope, rules: newRules(rules), log: log}
}

// table returns a table by its real name, nil if it is not kept.
func (c *StaleCache) table(name string) *keptTable {
	found, known := c.tables.Load(name)
	if !known {
		var t *keptTable
		if rule, ok := c.rules.find(name); ok {
			t = &keptTable{staleTable: c.store.table(name), Rule: rule}
		}
		found, _ = c.tables.LoadOrStore(name, t)
	}
	return found.(*keptTable)
}

// Query queries the database and keeps the rows. A response without a row is not kept:
// clients may query names that do not exist.
func (c *StaleCache) Query(ctx context.Context, st sqlgen.Statement, row func(columns [][]byte) error) error {
	t := c.table(st.Table)
	if t == nil {
		return c.Database.Query(ctx, st, row)
	}
	writes := c.store.writesTo(t.staleTable)
	rows := recording{limit: int(c.store.limit / 8)}
	add := t.selection(st, &rows)
	err := c.Database.Query(ctx, st, func(columns [][]byte) error {
		if add != nil {
			add(columns)
		} else {
			rows.add(columns)
		}
		return row(columns)
	})
	if err != nil {
		return err
	}
	if !c.Replicas || !c.store.wroteSince(t.staleTable, replicaLag) {
		c.store.setSchema(t.staleTable, c.scope, t.schema.Load())
		c.store.keep(t.staleTable, st, queryKey(c.scope, st), writes, rows.text, t.Age)
	}
	c.endOutage()
	return nil
}

// StaleRows returns the rows that the database returned for a statement before,
// where a query failed because the database is unavailable.
func (c *StaleCache) StaleRows(st sqlgen.Statement, failure error) (rows gateway.StaleRows, ok bool) {
	t := c.table(st.Table)
	if t == nil || !isUnavailable(failure) {
		return gateway.StaleRows{}, false
	}
	text, age, ok := c.store.find(t.staleTable, queryKey(c.scope, st), t.Age)
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
// a write that failed is unknown. A table that has no rule now may have had one before a
// reload, and have one again after another.
func (c *StaleCache) Exec(ctx context.Context, st sqlgen.Statement) (int64, error) {
	var t *staleTable
	if kept := c.table(st.Table); kept != nil {
		t = kept.staleTable
	} else if t = c.store.knownTable(st.Table); t == nil {
		return c.Database.Exec(ctx, st)
	}
	c.store.startWrite(t, st)
	defer c.store.endWrite(t, st)
	return c.Database.Exec(ctx, st)
}

// Describe returns the schema of a table, or the last known one while the database is
// unavailable. It is kept with the first rows, which only a client with the right to read
// them gets.
func (c *StaleCache) Describe(ctx context.Context, name string) (*sqlgen.Table, error) {
	schema, err := c.Database.Describe(ctx, name)
	switch {
	case err == nil:
		if t := c.table(schema.Name); t != nil {
			t.schema.Store(schema)
		}
	case isUnavailable(err):
		if old := c.store.schema(c.scope, name); old != nil {
			return old, nil
		}
	}
	return schema, err
}
