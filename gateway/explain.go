package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"dbsep/sqlgen"
)

// An Explanation is what became of a request that nothing was changed for.
type Explanation struct {
	Operation string // empty where the path has none
	Client    Client
	JSON      bool // the response is for a client of JSON

	// Table is what the client may see of the table; nil where it was not found, or where the
	// client may not use it. Name is the table's name in the database, else in the path.
	Table   *sqlgen.Table
	Name    string
	Options TableOptions

	// Fields are the lists of fields as they were parsed: an update has its conditions and its
	// values, any other operation one.
	Fields [][]sqlgen.Field

	Statements []ExplainedStatement
	Notes      []Note
	Err        *Error // why the request fails; nil if it does not
}

// An ExplainedStatement is one that the request would run.
type ExplainedStatement struct {
	sqlgen.Statement
	Writes bool
	Rows   int64 // that it returned, or would change
	Err    error // of the database
}

// A Note is what the log says of a request that does not fail.
type Note struct{ Message, Column, Reason, Hint string }

// ExplainRequest responds to a request as a gateway does, and changes nothing: where a
// statement would change rows, it counts them, or looks for a row with the same key. It writes
// no log, and calls no Observe.
func ExplainRequest(db Database, o Options, w http.ResponseWriter, r *http.Request) *Explanation {
	x := new(Explanation)
	o.Log, o.Observe = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})), nil
	o.Alter = x.alter
	g := New(&dryRun{db, x}, o)
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // recover returns what panic was given
			panic(p)
		}
	}()
	g.serve(w, r, func(r *http.Request, req *request, resp *response) (err error) {
		req.explanation = x
		defer func() {
			if p := recover(); p != nil {
				err = panicError(p)
			}
			x.finish(req, err)
		}()
		return g.handle(r, req, resp)
	})
	return x
}

// finish takes from a request what it knows at its end.
func (x *Explanation) finish(req *request, err error) {
	x.Client, x.JSON, x.Name = req.client, req.json, req.realTable
	if req.operation != nil {
		x.Operation = req.operation.Name
	}
	if x.Name == "" {
		x.Name = req.table
	}
	for _, n := range req.notes {
		x.Notes = append(x.Notes, Note{n.message(), n.column, n.reason, n.hint})
	}
	if err != nil {
		e := *asError(err)
		e.Hint = e.hint()
		x.Err = &e
	}
}

// restart forgets an attempt after which the request runs again.
func (x *Explanation) restart() {
	if x != nil {
		x.Table, x.Fields, x.Statements = nil, nil, nil
	}
}

// table notes what the client may see of the table.
func (x *Explanation) table(t *table) {
	if x != nil {
		x.Table, x.Options = t.Table, t.TableOptions
	}
}

// fields notes a list of fields.
func (x *Explanation) fields(list []sqlgen.Field) {
	if x != nil {
		x.Fields = append(x.Fields, slices.Clone(list)) // they are encoded later
	}
}

// alter notes a statement that would add a column.
func (x *Explanation) alter(_ context.Context, statement string) error {
	x.Statements = append(x.Statements, ExplainedStatement{Statement: sqlgen.Statement{SQL: statement}, Writes: true})
	return nil
}

// A Checker is a [Database] that can report why it would refuse a write, without running it.
type Checker interface {
	Check(ctx context.Context, s sqlgen.Statement) error
}

// A dryRun is a database in which nothing changes.
type dryRun struct {
	Database
	explanation *Explanation
}

// Query notes a query and runs it.
func (d *dryRun) Query(ctx context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error {
	rows := int64(0)
	err := d.Database.Query(ctx, s, func(columns [][]byte) error {
		rows++
		return row(columns)
	})
	d.explanation.Statements = append(d.explanation.Statements, ExplainedStatement{Statement: s, Rows: rows, Err: err})
	return err
}

// Exec notes a statement that would change rows, and counts them.
func (d *dryRun) Exec(ctx context.Context, s sqlgen.Statement) (int64, error) {
	rows, err := d.count(ctx, s)
	d.explanation.Statements = append(d.explanation.Statements, ExplainedStatement{Statement: s, Writes: true, Rows: rows, Err: err})
	return rows, err
}

func (d *dryRun) count(ctx context.Context, s sqlgen.Statement) (int64, error) {
	if c, ok := d.Database.(Checker); ok {
		if err := c.Check(ctx, s); err != nil {
			return 0, err
		}
	}
	if count, ok := s.Count(d.Dialect()); ok {
		return d.number(ctx, count)
	}
	keys, err := d.Keys(ctx, d.explanation.Table)
	if err != nil {
		return 0, err
	}
	for _, same := range s.SameKeys(d.Dialect(), keys) {
		n, err := d.number(ctx, same)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			return 0, &sqlgen.Fault{Cause: sqlgen.Duplicate, Table: s.Table}
		}
	}
	return 1, nil
}

var errNoCount = errors.New("the database returned no number of rows")

// number runs a query for a number. It is 0 where the query returns no row, because a column
// cannot hold a value.
func (d *dryRun) number(ctx context.Context, s sqlgen.Statement) (int64, error) {
	text := "0"
	if err := d.Database.Query(ctx, s, func(columns [][]byte) error {
		text = string(columns[0])
		return nil
	}); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &sqlgen.Fault{Table: s.Table, Err: errNoCount}
	}
	return n, nil
}
