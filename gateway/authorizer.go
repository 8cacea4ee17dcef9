package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"dbsep/sqlgen"
)

// A Guard decides who may ask, and what. Without one everybody may ask anything.
type Guard interface {
	// Admit tells who sent a request, or refuses it with an [Error], before
	// anything of its body is read.
	Admit(r *http.Request) (Client, error)
}

// A Client is who asks.
type Client struct {
	Name string // for the log; empty where nobody knows

	// Rights gives the client's rights to a table of the schema, by its name in
	// the database's spelling. It returns the same pointer for the same rights.
	// Nil: the client has every right.
	Rights func(table string) *Rights
}

// Rights are what a client may do with a table.
type Rights struct {
	Read, Write bool

	// Columns are those that the client may read, compare with and write, without
	// regard to case. None: all columns.
	Columns []string
}

// admit asks the guard.
func (g *Gateway) admit(r *http.Request) (Client, error) {
	if g.Guard == nil {
		return Client{}, nil
	}
	return g.Guard.Admit(r)
}

// seen is a table as a client may see it.
func (t *table) seen(c Client, o *operation) (*table, error) {
	if c.Rights == nil {
		return t, nil
	}
	rights := c.Rights(t.Name)
	if rights == nil || !(o.harmless && rights.Read || rights.Write) {
		return nil, &Error{Code: Forbidden, Table: t.Name}
	}
	if len(rights.Columns) == 0 {
		return t, nil
	}
	if part, ok := t.parts.Load(rights); ok {
		return part.(*table), nil
	}
	part := newTable(t.Only(func(c *sqlgen.Column) bool {
		return slices.ContainsFunc(rights.Columns, func(name string) bool { return strings.EqualFold(name, c.Name) })
	}), t.read)
	part.whole = t.Table
	t.parts.Store(rights, part)
	return part, nil
}

// concealed makes Forbidden of an error about a column that the table has and the
// client may not see.
func (t *table) concealed(err error) error {
	var fault *sqlgen.Fault
	if t.whole == t.Table || !errors.As(err, &fault) || fault.Column == "" {
		return err
	}
	switch fault.Cause {
	case sqlgen.UnknownColumn, sqlgen.UnknownOperator, sqlgen.Mismatch:
	default:
		return err
	}
	c := t.whole.Named(sqlgen.Field{Name: fault.Column})
	if c == nil || t.Column(c.Name) != nil {
		return err
	}
	return &Error{Code: Forbidden, Table: t.Name, Column: c.Name, Hint: "see the columns of this table in the sections [tables] of dbsep.conf"}
}
