package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"dbsep/sqlgen"
)

// An operation is what the last segment of a path asks for.
type operation struct {
	name     string
	reads    bool // may be asked for by GET
	harmless bool // needs no right to write
	safe     safe // what a failed one answers in text

	// run carries it out on its table and writes the answer, except the end of it.
	run func(g *Gateway, ctx context.Context, req *request, t *table, out *reply) error
}

// operations are all that a client may ask for, by name. Asterisk's driver has
// these seven (protocol section 2).
var operations = map[string]*operation{}

func init() {
	for _, o := range []*operation{
		{name: "single", reads: true, harmless: true, safe: safeRows, run: (*Gateway).single},
		{name: "multi", reads: true, harmless: true, safe: safeRows, run: (*Gateway).multi},
		{name: "store", safe: safeCount, run: (*Gateway).store},
		{name: "update", safe: safeCount, run: (*Gateway).update},
		{name: "destroy", safe: safeCount, run: (*Gateway).destroy},
		{name: "require", harmless: true, safe: safeRequire, run: (*Gateway).require},
		{name: "static", reads: true, harmless: true, safe: safeStatic, run: (*Gateway).static},
	} {
		operations[o.name] = o
	}
}

// allows tells whether an operation may be asked for by a method. A write by GET
// is refused: a crawler must not be able to do one, and Asterisk sends an update
// so when a key with a parenthesis has swallowed its body (P18).
func (o *operation) allows(method string) bool {
	return method == http.MethodPost || o.reads && (method == http.MethodGet || method == http.MethodHead)
}

// methods lists what allows allows.
func (o *operation) methods() string {
	if o.reads {
		return "GET, HEAD, POST"
	}
	return "POST"
}

// single answers the first row.
func (g *Gateway) single(ctx context.Context, req *request, t *table, out *reply) error {
	return g.rows(ctx, req, t, out, oneRow, sqlgen.Single)
}

// multi answers all rows.
func (g *Gateway) multi(ctx context.Context, req *request, t *table, out *reply) error {
	return g.rows(ctx, req, t, out, manyRows, sqlgen.Multi)
}

// rows answers the rows that meet the conditions of a request.
func (g *Gateway) rows(ctx context.Context, req *request, t *table, out *reply, f form,
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
	out.begin(f, t.names, t.keys)
	return g.query(ctx, s, out, g.rowWriter(out))
}

func (g *Gateway) rowWriter(out *reply) func(columns [][]byte) error {
	if g.RawSemicolons {
		return out.rawRow
	}
	return out.row
}

// static answers the rows of one static file, named in the query string. They
// are not split at ; and all four keys are always there (P17).
func (g *Gateway) static(ctx context.Context, req *request, t *table, out *reply) error {
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
	out.begin(manyRows, staticNames, staticKeys)
	return g.query(ctx, s, out, out.staticRow)
}

// store inserts a row.
func (g *Gateway) store(ctx context.Context, req *request, t *table, out *reply) error {
	values, err := g.fields(ctx, req, t)
	if err != nil {
		return err
	}
	if g.UnknownColumns == Skip {
		values = g.known(ctx, req, t, values)
	}
	values = g.code(values)
	s, err := sqlgen.Store(g.db.Dialect(), t.Table, values)
	if err != nil {
		return err
	}
	err = g.write(ctx, s, out)
	if g.ReplaceDuplicates && isDuplicate(err) {
		return g.overwrite(ctx, s, values, t, out, err)
	}
	return err
}

// overwrite gives the row whose key a refused store would have had the values of
// the store. duplicate is the refusal: it stands where no such row is there,
// because another key was in the way.
func (g *Gateway) overwrite(ctx context.Context, store sqlgen.Statement, values []sqlgen.Field, t *table, out *reply, duplicate error) error {
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
	affected, err := g.exec(ctx, s)
	switch {
	case err != nil:
		return err
	case affected == 0:
		return g.write(ctx, store, out) // the row may have gone in the meantime
	}
	out.count(affected)
	return nil
}

func isDuplicate(err error) bool {
	var fault *sqlgen.Fault
	return errors.As(err, &fault) && fault.Cause == sqlgen.Duplicate
}

// update gives new values, from the body, to the rows that meet the conditions
// in the query string (a11).
func (g *Gateway) update(ctx context.Context, req *request, t *table, out *reply) error {
	lookup, err := g.updateFields(ctx, req, req.query, t)
	if err != nil {
		return err
	}
	values, err := g.updateFields(ctx, req, req.body, t)
	if err != nil {
		return err
	}
	if g.UnknownColumns != Fail {
		values = g.known(ctx, req, t, values)
	}
	s, err := sqlgen.Update(g.db.Dialect(), t.Table, g.code(lookup), g.code(values))
	if err != nil {
		return err
	}
	return g.write(ctx, s, out)
}

// updateFields reads the fields of an update's query string or body.
func (g *Gateway) updateFields(ctx context.Context, req *request, text string, t *table) ([]sqlgen.Field, error) {
	if glued(text) {
		var err error
		if text, err = unglue(text, t.whole); err != nil {
			return nil, err
		}
		g.note(ctx, req, ToldApart, slog.LevelInfo, slog.String("table", t.Name))
	}
	return g.form(ctx, req, t, text)
}

// destroy deletes rows.
func (g *Gateway) destroy(ctx context.Context, req *request, t *table, out *reply) error {
	lookup, err := g.lookup(ctx, req, t)
	if err != nil {
		return err
	}
	s, err := sqlgen.Destroy(g.db.Dialect(), t.Table, lookup)
	if err != nil {
		return err
	}
	return g.write(ctx, s, out)
}

// require tells whether the table has the columns that Asterisk is going to write
// (P19). One that is too narrow, or of another class, is still written to: the
// values that fit are stored, while a refusal would make Asterisk's queue log
// give up all its columns. What the table falls short of is logged once for each
// column and schema, with the SQL that would fix it.
func (g *Gateway) require(ctx context.Context, req *request, t *table, out *reply) error {
	fields, err := g.fields(ctx, req, t)
	if err != nil {
		return err
	}
	if len(fields) == 0 {
		return &sqlgen.Fault{Cause: sqlgen.BadRequirement, Table: t.Name, Remedy: "name at least one column"}
	}
	required := make([]sqlgen.Requirement, len(fields))
	for i, f := range fields {
		if required[i], err = sqlgen.ParseRequirement(f); err != nil {
			return err
		}
	}
	short := sqlgen.Require(g.db.Dialect(), t.Table, required)
	missing := slices.IndexFunc(short, func(s sqlgen.Shortfall) bool { return s.Missing })
	if !req.settled && (missing >= 0 || slices.ContainsFunc(short, func(s sqlgen.Shortfall) bool { return !t.warned.has(s.Requirement.Column) })) {
		return &sqlgen.Fault{Cause: sqlgen.Mismatch, Table: t.Name} // the schema is read again before anybody is warned
	}
	for _, s := range short {
		if t.warned.add(s.Requirement.Column) {
			g.log.LogAttrs(ctx, slog.LevelWarn, "a column does not meet what Asterisk requires",
				slog.String("table", t.Name), slog.String("column", s.Requirement.Column),
				slog.String("reason", s.Reason), slog.String("hint", s.Repair))
		}
	}
	if missing >= 0 {
		return &sqlgen.Fault{Cause: sqlgen.Mismatch, Table: t.Name, Column: short[missing].Requirement.Column}
	}
	out.met(short)
	return nil
}

// write runs a statement and answers how many rows it concerned.
func (g *Gateway) write(ctx context.Context, s sqlgen.Statement, out *reply) error {
	affected, err := g.exec(ctx, s)
	if err != nil {
		return err
	}
	out.count(affected)
	return nil
}

// lookup reads the conditions of an operation that has no other fields.
func (g *Gateway) lookup(ctx context.Context, req *request, t *table) ([]sqlgen.Field, error) {
	fields, err := g.fields(ctx, req, t)
	return g.code(fields), err
}

// code brings the values of fields into the form in which they are stored.
func (g *Gateway) code(fields []sqlgen.Field) []sqlgen.Field {
	if g.RawSemicolons {
		return fields
	}
	for i := range fields {
		fields[i].Value = encodeCaret(fields[i].Value)
	}
	return fields
}

// known leaves out the values for columns that the table does not have, as the
// native ODBC driver does (P15): chan_iax2 sends one that the usual schema
// lacks, and the telephone would not be registered for it. It does so once the
// description is known to be up to date, and says so in the log once for each
// column and description. Where no value would be left, it leaves all.
func (g *Gateway) known(ctx context.Context, req *request, t *table, values []sqlgen.Field) []sqlgen.Field {
	unknown := func(f sqlgen.Field) bool { return t.whole.Assigned(f) == nil }
	if !req.settled || !slices.ContainsFunc(values, func(f sqlgen.Field) bool { return !unknown(f) }) {
		return values
	}
	return slices.DeleteFunc(values, func(f sqlgen.Field) bool {
		if !unknown(f) {
			return false
		}
		name := shorten(f.Name)
		level := slog.LevelDebug
		if t.warned.add(name) {
			level = slog.LevelWarn
		}
		g.note(ctx, req, LeftOut, level, slog.String("table", t.Name), slog.String("column", name),
			slog.String("hint", "add the column, or ignore this if Asterisk does not need it"))
		return true
	})
}
