package gateway

import (
	"errors"
	"net/http"

	"dbsep/sqlgen"
)

// An Authorizer decides which clients may send requests, and which tables and
// columns they may use. Without one every client may do everything.
type Authorizer interface {
	// Authorize identifies the client of a request, or refuses the request with
	// an [Error], before anything of its body is read.
	Authorize(r *http.Request) (Client, error)
}

// A Client is the sender of a request.
type Client struct {
	Name string // for the log; empty where the client is not known by name

	// Rights returns the client's rights to a table, whose name is in the
	// database's spelling. Nil: no right. The same rights are equal values, with
	// which the gateway caches what the client may see. A nil function: every
	// right to every table.
	Rights func(table string) Rights
}

// Rights are what a client may do with a table.
type Rights interface {
	CanRead() bool
	CanWrite() bool

	// AllColumns reports whether the client may use every column. If not,
	// CanUse decides for each: the client can neither read it, compare with it,
	// nor write it.
	AllColumns() bool
	CanUse(column string) bool
}

// authorize identifies the client of a request.
func (g *Gateway) authorize(r *http.Request) (Client, error) {
	if g.Authorizer == nil {
		return Client{}, nil
	}
	return g.Authorizer.Authorize(r)
}

// visibleTo returns the table with the columns that a client may use, or an error
// if the client may not run the operation on it.
func (t *table) visibleTo(c Client, o *operation) (*table, error) {
	if c.Rights == nil {
		return t, nil
	}
	rights := c.Rights(t.Name)
	if rights == nil || !(o.ReadOnly && rights.CanRead() || rights.CanWrite()) {
		return nil, &Error{Code: Forbidden, Table: t.Name}
	}
	if rights.AllColumns() {
		return t, nil
	}
	if view, ok := t.views.Load(rights); ok {
		return view.(*table), nil
	}
	view := newTable(t.Only(func(c *sqlgen.Column) bool { return rights.CanUse(c.Name) }), t.TableOptions, t.read)
	view.whole, view.order = t.Table, t.order
	t.views.Store(rights, view)
	return view, nil
}

// hideColumns turns an error about a column that the table has, but the client may
// not use, into Forbidden.
func (t *table) hideColumns(err error) error {
	var fault *sqlgen.Fault
	if t.whole == t.Table || !errors.As(err, &fault) || fault.Column == "" {
		return err
	}
	switch fault.Cause {
	case sqlgen.UnknownColumn, sqlgen.UnknownOperator, sqlgen.Mismatch, sqlgen.Denied:
	default:
		return err
	}
	c := t.whole.Named(sqlgen.Field{Name: fault.Column})
	if c == nil || t.Column(c.Name) != nil {
		return err
	}
	return &Error{Code: Forbidden, Table: t.Name, Column: c.Name, Hint: "see the columns of this table in the sections [tables] of dbsep.conf"}
}
