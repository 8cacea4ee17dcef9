package gateway

import (
	"context"
	"log/slog"
	"sync/atomic"

	"dbsep/sqlgen"
)

// TableOptions are the settings of a table. The zero value suits Asterisk's tables.
type TableOptions struct {
	// OrderBy is the column by which the rows of multi are ordered. If it is empty, or
	// the table does not have it, it is that of the first condition (P11).
	OrderBy string

	// Unordered leaves the order of the rows of multi to the database, as the Perl script
	// did. OrderBy then has no effect.
	Unordered bool

	// RawSemicolons stores and reads ; and ^ as the Perl script did, instead of
	// as ^3B and ^5E like Asterisk's native drivers (P7).
	RawSemicolons bool

	// UnknownColumns says what happens to a value for a column that the table
	// does not have.
	UnknownColumns Policy

	// ReplaceDuplicates lets store overwrite the row that has the same key.
	ReplaceDuplicates bool

	// Require says what require does where the table falls short.
	Require RequirePolicy

	// Lenient lets the database store a value that does not fit its column as something
	// else, where its own settings say so.
	Lenient bool
}

// A Policy says what happens to a value for a column that the table does not have.
type Policy int

const (
	// ByOperation drops it from an update, with a warning, as long as a known
	// column remains, and refuses a store (P15).
	ByOperation Policy = iota
	Skip               // drop it from both, with a warning
	Fail               // refuse both
)

// An order is that of the rows of multi of a table.
type order struct {
	own     bool           // it is not that of the first condition
	column  *sqlgen.Column // of an own order, which the client need not be able to see; nil: the database decides
	missing bool           // the table does not have the column that it should be ordered by
	logged  *atomic.Bool   // this was logged
}

// orderOf returns the order of the rows of a table.
func (o TableOptions) orderOf(t *sqlgen.Table) order {
	if o.Unordered || o.OrderBy == "" {
		return order{own: o.Unordered}
	}
	c := t.Column(o.OrderBy)
	return order{own: c != nil, column: c, missing: c == nil, logged: new(atomic.Bool)}
}

// multi is sqlgen's Multi in this order.
func (o order) multi(d *sqlgen.Dialect, t *sqlgen.Table, lookup []sqlgen.Field) (sqlgen.Statement, error) {
	if o.own {
		return sqlgen.MultiBy(d, t, lookup, o.column)
	}
	return sqlgen.Multi(d, t, lookup)
}

// missesOrder notes that the table does not have the column that its rows should be
// ordered by, once per schema. It does so only when the schema is known to be up to date,
// and else returns the error with which run reads the schema again.
func (g *Gateway) missesOrder(ctx context.Context, req *request, t *table) error {
	if !req.schemaIsFresh {
		return &sqlgen.Fault{Cause: sqlgen.Mismatch, Table: t.Name}
	}
	level := slog.LevelDebug
	if t.order.logged.CompareAndSwap(false, true) {
		level = slog.LevelWarn
	}
	g.adjusted(ctx, req, DefaultOrder, level, t.OrderBy)
	return nil
}
