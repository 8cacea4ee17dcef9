package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"dbsep/sqlgen"
)

// An Operation is what a request does. The last segment of the path names it.
type Operation struct {
	Name     string
	AllowGET bool // beside POST
	ReadOnly bool // needs no right to write
}

type operation struct {
	Operation
	failure failureBody

	// run runs it on its table and writes the response except its end.
	run func(g *Gateway, ctx context.Context, req *request, t *table, resp *response) error
}

// operationTable has all operations, in the order in which documents name them.
// Asterisk's driver has these seven (docs/protocol.md).
var operationTable []*operation

// operations are those of the table by name.
var operations = map[string]*operation{}

func init() {
	operationTable = []*operation{
		{Operation{Name: "single", AllowGET: true, ReadOnly: true}, failRows, (*Gateway).single},
		{Operation{Name: "multi", AllowGET: true, ReadOnly: true}, failRows, (*Gateway).multi},
		{Operation{Name: "store"}, failCount, (*Gateway).store},
		{Operation{Name: "update"}, failCount, (*Gateway).update},
		{Operation{Name: "destroy"}, failCount, (*Gateway).destroy},
		{Operation{Name: "require", ReadOnly: true}, failRequire, (*Gateway).require},
		{Operation{Name: "static", AllowGET: true, ReadOnly: true}, failStatic, (*Gateway).static},
	}
	for _, o := range operationTable {
		operations[o.Name] = o
	}
}

// Operations lists all operations.
func Operations() []Operation {
	all := make([]Operation, len(operationTable))
	for i, o := range operationTable {
		all[i] = o.Operation
	}
	return all
}

// allows reports whether a method is allowed. A write by GET is not: a crawler must
// not be able to write, and Asterisk sends an update by GET when it has lost its body
// (P18).
func (o *operation) allows(method string) bool {
	return method == http.MethodPost || o.AllowGET && (method == http.MethodGet || method == http.MethodHead)
}

// methods is the header Allow.
func (o *operation) methods() string {
	if o.AllowGET {
		return "GET, HEAD, POST"
	}
	return "POST"
}

// single responds with the first row.
func (g *Gateway) single(ctx context.Context, req *request, t *table, resp *response) error {
	return g.rows(ctx, req, t, resp, oneRow, sqlgen.Single)
}

// multi responds with all rows, in the order of the table's options.
func (g *Gateway) multi(ctx context.Context, req *request, t *table, resp *response) error {
	if t.order.missing {
		if err := g.missesOrder(ctx, req, t); err != nil {
			return err
		}
	}
	return g.rows(ctx, req, t, resp, manyRows, t.order.multi)
}

// rows responds with the rows that meet the conditions of a request.
func (g *Gateway) rows(ctx context.Context, req *request, t *table, resp *response, k kind,
	statement func(*sqlgen.Dialect, *sqlgen.Table, []sqlgen.Field) (sqlgen.Statement, error),
) error {
	lookup, err := g.lookup(ctx, req, t)
	if err != nil {
		return err
	}
	s, err := statement(g.db.Dialect(), t.Table, lookup)
	if err != nil {
		return err
	}
	resp.begin(k, t.values(), t.names, t.keys)
	return g.query(ctx, s, resp)
}

func (t *table) values() values {
	if t.RawSemicolons {
		return rawItems
	}
	return caretEncoded
}

// static responds with the rows of one static file, named in the query string. They
// are not split at ; and always have all four keys (P17).
func (g *Gateway) static(ctx context.Context, req *request, t *table, resp *response) error {
	fields, err := g.form(ctx, req, t, req.query)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(fields, func(f sqlgen.Field) bool { return f.Name == "file" && f.Value != "" })
	if i < 0 {
		return &Error{Code: NoFile, Table: t.Name}
	}
	s, err := sqlgen.Static(g.db.Dialect(), t.Table, fields[i].Value)
	if err != nil {
		return err
	}
	resp.begin(manyRows, staticValues, staticNames, staticKeys)
	return g.query(ctx, s, resp)
}

// store inserts a row.
func (g *Gateway) store(ctx context.Context, req *request, t *table, resp *response) error {
	values, err := g.fields(ctx, req, t)
	if err != nil {
		return err
	}
	if t.UnknownColumns == Skip {
		values = g.dropUnknown(ctx, req, t, values)
	}
	values = t.encode(values)
	s, err := sqlgen.Store(g.db.Dialect(), t.Table, values)
	if err != nil {
		return err
	}
	err = g.write(ctx, t, s, resp)
	if t.ReplaceDuplicates && isDuplicate(err) {
		return g.overwrite(ctx, s, values, t, resp, err)
	}
	return err
}

// overwrite updates the row that has the same key as a refused store with the values
// of the store. duplicate is the error of the store. It remains the result where the
// duplicate key is not among the values.
func (g *Gateway) overwrite(ctx context.Context, store sqlgen.Statement, values []sqlgen.Field, t *table, resp *response, duplicate error) error {
	keys, err := g.db.Keys(ctx, t.whole)
	if err != nil {
		return err
	}
	s, ok, err := sqlgen.Overwrite(g.db.Dialect(), t.Table, keys, values)
	switch {
	case err != nil:
		return err
	case !ok:
		return duplicate
	}
	affected, err := g.exec(ctx, t, s)
	switch {
	case err != nil:
		return err
	case affected == 0:
		return g.write(ctx, t, store, resp) // the row may have been deleted meanwhile
	}
	resp.count(affected)
	return nil
}

func isDuplicate(err error) bool {
	var fault *sqlgen.Fault
	return errors.As(err, &fault) && fault.Cause == sqlgen.Duplicate
}

// update sets the values of the body in the rows that meet the conditions in the
// query string (a11).
func (g *Gateway) update(ctx context.Context, req *request, t *table, resp *response) error {
	lookup, err := g.updateFields(ctx, req, req.query, t)
	if err != nil {
		return err
	}
	values, err := g.updateFields(ctx, req, req.body, t)
	if err != nil {
		return err
	}
	if t.UnknownColumns != Fail {
		values = g.dropUnknown(ctx, req, t, values)
	}
	s, err := sqlgen.Update(g.db.Dialect(), t.Table, t.encode(lookup), t.encode(values))
	if err != nil {
		return err
	}
	return g.write(ctx, t, s, resp)
}

// updateFields parses the query string or the body of an update.
func (g *Gateway) updateFields(ctx context.Context, req *request, text string, t *table) ([]sqlgen.Field, error) {
	if isGlued(text) {
		var err error
		if text, err = separate(text, t.whole); err != nil {
			return nil, err
		}
		g.adjusted(ctx, req, SeparatedFields, slog.LevelInfo, "")
	}
	return g.form(ctx, req, t, text)
}

// destroy deletes rows.
func (g *Gateway) destroy(ctx context.Context, req *request, t *table, resp *response) error {
	lookup, err := g.lookup(ctx, req, t)
	if err != nil {
		return err
	}
	s, err := sqlgen.Destroy(g.db.Dialect(), t.Table, lookup)
	if err != nil {
		return err
	}
	return g.write(ctx, t, s, resp)
}

// write runs a statement and responds with how many rows it matched.
func (g *Gateway) write(ctx context.Context, t *table, s sqlgen.Statement, resp *response) error {
	affected, err := g.exec(ctx, t, s)
	if err != nil {
		return err
	}
	resp.count(affected)
	return nil
}

// lookup parses the conditions of an operation that has no other fields.
func (g *Gateway) lookup(ctx context.Context, req *request, t *table) ([]sqlgen.Field, error) {
	fields, err := g.fields(ctx, req, t)
	return t.encode(fields), err
}

// encode encodes values as they are stored.
func (t *table) encode(fields []sqlgen.Field) []sqlgen.Field {
	if t.RawSemicolons {
		return fields
	}
	for i := range fields {
		fields[i].Value = EncodeCaret(fields[i].Value)
	}
	return fields
}

// dropUnknown drops the values for columns that the table does not have, as the
// native ODBC driver does (P15): chan_iax2 sends one that the usual schema lacks, and
// without this the phone could not register. It does so only when the schema is known
// to be up to date and complete, and logs a warning once per column and schema. If no
// value would remain, it drops none.
func (g *Gateway) dropUnknown(ctx context.Context, req *request, t *table, values []sqlgen.Field) []sqlgen.Field {
	unknown := func(f sqlgen.Field) bool { return t.whole.Assigned(f) == nil }
	if !req.schemaIsFresh || t.whole.Partial || !slices.ContainsFunc(values, func(f sqlgen.Field) bool { return !unknown(f) }) {
		return values
	}
	named := 0
	return slices.DeleteFunc(values, func(f sqlgen.Field) bool {
		if !unknown(f) {
			return false
		}
		level := slog.LevelDebug
		if named < maxNamed && t.warned.add(f.Name) {
			level = slog.LevelWarn
			named++
		}
		g.adjusted(ctx, req, DroppedColumn, level, f.Name)
		return true
	})
}
