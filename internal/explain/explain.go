package explain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/compare"
	"dbsep/internal/database"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// Options are what is explained differently from the configuration.
type Options struct {
	Semicolons string // raw or encode; empty: as configured
}

// ErrChanges says that a query would change something.
var ErrChanges = errors.New("the request runs a view or a function that changes rows, and nothing is changed for an explanation")

// Explain handles a request with a database that was loaded to be read. The error says that
// there is nothing to explain.
func Explain(ctx context.Context, l *setup.Loaded, r Request, o Options) (*Report, error) {
	h, err := r.http()
	if err != nil {
		return nil, err
	}
	client := auth.Assume(setup.AuthRules(l.Config), r.Client.Address, r.Client.User, r.Client.Certificate)
	options := setup.GatewayOptions(l.Config, nil)
	options.Authorizer = client
	if o.Semicolons != "" {
		configured := options.TableOptions
		options.TableOptions = func(table string) gateway.TableOptions {
			t := configured(table)
			t.RawSemicolons = o.Semicolons == "raw"
			return t
		}
	}
	w := &recorder{header: http.Header{}}
	x := gateway.ExplainRequest(l.DB, options, w, h.WithContext(ctx))
	if x.Err != nil && x.Err.Code == gateway.Unavailable {
		return nil, fmt.Errorf("%w: %s", x.Err, x.Err.Hint)
	}
	for _, s := range x.Statements {
		var fault *sqlgen.Fault
		if errors.As(s.Err, &fault) && fault.Cause == sqlgen.ReadOnly {
			return nil, ErrChanges
		}
	}
	e := explainer{db: l.DB, x: x, timeout: options.StatementTimeout}
	report := &Report{
		Request:    r.Request,
		Rights:     rightsOf(r.Client, client.Section(), x),
		Fields:     e.fields(),
		Statements: []Statement{},
		Warnings:   []Warning{},
	}
	if x.Table != nil {
		report.Table = e.table()
	}
	for _, s := range x.Statements {
		report.Statements = append(report.Statements, e.statement(ctx, s))
	}
	report.Response = responseOf(w, x)
	if x.Err != nil {
		report.Error = &Error{x.Err.Code, x.Err.Error(), x.Err.Column, x.Err.Hint, ""}
		if cause := x.Err.Unwrap(); cause != nil {
			report.Error.Cause = cause.Error()
		}
	}
	report.Warnings = append(report.Warnings, e.warnings(ctx, r, report)...)
	return report, nil
}

func rightsOf(c Client, section string, x *gateway.Explanation) Rights {
	r := Rights{Client: c.String()}
	switch {
	case x.Client.Rights != nil:
		r.Section = section
		if right, ok := x.Client.Rights(x.Name).(*auth.Right); ok {
			r.Pattern, r.Read, r.Write, r.Columns = right.Pattern, right.Read, right.Write, right.Columns
		}
	case section == "" && (x.Err == nil || x.Err.Code != gateway.Forbidden): // or the client may not connect
		r.Read, r.Write = true, true
	}
	return r
}

// String names the client; empty: nothing is known.
func (c Client) String() string {
	var parts []string
	if c.User != "" {
		parts = append(parts, "user "+c.User)
	}
	if c.Certificate != "" {
		parts = append(parts, "certificate "+c.Certificate)
	}
	if c.Address.IsValid() {
		parts = append(parts, "address "+c.Address.String())
	}
	return strings.Join(parts, ", ")
}

// An explainer looks at what a gateway did.
type explainer struct {
	db      *database.DB
	x       *gateway.Explanation
	timeout time.Duration
}

func (e *explainer) table() *Table {
	t := &Table{Name: e.x.Table.Name, Database: e.db.Kind() + " at " + e.db.Address(), Semicolons: "encode"}
	if e.x.Options.RawSemicolons {
		t.Semicolons = "raw"
	}
	for _, c := range e.x.Table.Columns {
		t.Columns = append(t.Columns, c.Name)
	}
	return t
}

// kindOf says what the fields of a list are.
func kindOf(operation string, list int) string {
	switch {
	case operation == "static":
		return "file"
	case operation == "require":
		return "requirement"
	case operation == "store", operation == "update" && list == 1:
		return "value"
	}
	return "condition"
}

// fields are the fields as they were parsed, with what the statement makes of them.
func (e *explainer) fields() []Field {
	all := []Field{}
	for i, list := range e.x.Fields {
		kind := kindOf(e.x.Operation, i)
		for at, f := range list {
			shown := Field{Kind: kind, Name: f.Name, Value: f.Value}
			switch kind {
			case "condition":
				e.addCondition(&shown, f, at)
			case "value":
				e.addValue(&shown, f)
			}
			if shown.Column == "" && (kind == "condition" || kind == "value") {
				shown.Note = e.noColumn(kind)
			}
			all = append(all, shown)
		}
	}
	return all
}

// noColumn says of a field that its column was not found.
func (e *explainer) noColumn(kind string) string {
	switch {
	case e.x.Client.Rights != nil && !e.x.Client.Rights(e.x.Name).AllColumns():
		return "no column that the client may use"
	case kind == "condition":
		return "no such column, or no such operator"
	}
	return "no such column"
}

// addCondition adds what the statement compares.
func (e *explainer) addCondition(shown *Field, f sqlgen.Field, at int) {
	if len(e.x.Statements) == 0 || at >= len(e.x.Statements[0].Conditions()) {
		if c := e.x.Table.Named(f); c != nil {
			shown.Column = c.Name
		}
		return
	}
	o := e.x.Statements[0].Conditions()[at]
	shown.Column, shown.Operator = o.Name, o.Operator
	switch {
	case o.Never:
		shown.Note = "no row meets it: the column cannot hold the value"
	case o.NotNull:
		shown.Note = "every row with a value meets it"
	case o.Value != f.Value:
		shown.Stored = &o.Value
	}
}

// addValue adds what the statement sets.
func (e *explainer) addValue(shown *Field, f sqlgen.Field) {
	c := e.x.Table.Assigned(f)
	if c == nil {
		return
	}
	shown.Column = c.Name
	if len(e.x.Statements) == 0 {
		return
	}
	for _, o := range e.x.Statements[0].Values() {
		switch {
		case o.Column != c:
		case o.Null:
			shown.Note = "NULL"
		case o.Value != f.Value:
			shown.Stored = &o.Value
		}
	}
}

func (e *explainer) statement(ctx context.Context, s gateway.ExplainedStatement) Statement {
	shown := Statement{SQL: s.SQL, Args: []*string{}, Writes: s.Writes, Rows: s.Rows}
	for _, a := range s.Args {
		switch v := a.(type) {
		case string:
			shown.Args = append(shown.Args, &v)
		case []byte:
			text := string(v)
			shown.Args = append(shown.Args, &text)
		default:
			shown.Args = append(shown.Args, nil)
		}
	}
	if s.Err != nil {
		shown.Error, _ = gateway.Explain(s.Err)
	}
	if len(s.Conditions()) == 0 {
		return shown // it finds no rows
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	plan, err := e.db.Plan(ctx, s.Statement, s.Writes)
	switch {
	case errors.Is(err, database.ErrNoPlan):
		shown.NoPlan = "dbsep does not know how the database shows it"
	case err != nil:
		code, _ := gateway.Explain(err)
		shown.NoPlan = fmt.Sprintf("the database shows none: %s", code)
	}
	shown.Plan, shown.Scans = plan.Lines, plan.Scans
	return shown
}

// A recorder keeps the beginning of a response.
type recorder struct {
	header http.Header
	status int
	bytes  int64
	body   bytes.Buffer
}

// maxBodyBytes is how much of a response is kept.
const maxBodyBytes = 64 << 10

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(p []byte) (int, error) {
	w.bytes += int64(len(p))
	w.body.Write(p[:min(len(p), maxBodyBytes-w.body.Len())])
	return len(p), nil
}

// responseOf is the response, with what Asterisk makes of it.
func responseOf(w *recorder, x *gateway.Explanation) Response {
	body := w.body.String()
	r := Response{Status: w.status, Type: w.header.Get("Content-Type"), Bytes: w.bytes, Body: body}
	for _, s := range x.Statements {
		if !s.Writes {
			r.Total = s.Rows
		}
	}
	switch {
	case x.JSON:
		return r
	case x.Operation == "single", x.Operation == "multi", x.Operation == "static":
	default:
		r.Number = compare.Number(body)
		return r
	}
	for line := range strings.Lines(body) {
		line, complete := strings.CutSuffix(line, "\n")
		if !complete || line == "" {
			continue
		}
		var row []Pair
		for name, value := range compare.Variables(line) {
			row = append(row, Pair{name, value})
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}
