package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"dbsep/sqlgen"
)

// A RequirePolicy says what require does where a table does not meet what Asterisk requires
// of it.
type RequirePolicy int

const (
	// WarnOfNarrow fails where a column is missing. One that is too narrow or of another
	// class counts as present: values that fit are stored, while a refusal would make
	// Asterisk's queue log give up all its columns.
	WarnOfNarrow RequirePolicy = iota
	FailNarrow                 // fail for such a column, too
	AddMissing                 // add a column that is missing, where the client may write the table
)

// require reports whether the table has the columns that Asterisk will write (P19).
// Those that fall short are logged once per column and schema, with the SQL that fixes them.
func (g *Gateway) require(ctx context.Context, req *request, t *table, resp *response) error {
	required, err := g.requirements(ctx, req, t)
	if err != nil {
		return err
	}
	short := sqlgen.Require(g.db.Dialect(), t.Table, required)
	if !req.schemaIsFresh && slices.ContainsFunc(short, func(s sqlgen.Shortfall) bool { return !t.warned.has(s.Requirement.Column) }) {
		return &sqlgen.Fault{Cause: sqlgen.Mismatch, Table: t.Name} // run reads the schema again before there is a warning
	}
	if slices.ContainsFunc(short, func(s sqlgen.Shortfall) bool { return g.mayAdd(req, t, s) }) {
		if short, err = g.addColumns(ctx, req, t, required); err != nil {
			return err
		}
	}
	for _, s := range short {
		if len(req.notes) < maxNamed && t.warned.add(s.Requirement.Column) {
			n := note{level: slog.LevelWarn, column: s.Requirement.Column, reason: s.Reason}
			if isName(n.column) {
				n.hint = s.Repair
			}
			g.note(ctx, req, n)
		}
	}
	fails := slices.IndexFunc(short, func(s sqlgen.Shortfall) bool { return s.Missing || t.Require == FailNarrow })
	if fails >= 0 {
		return &sqlgen.Fault{Cause: sqlgen.Mismatch, Table: t.Name, Column: short[fails].Requirement.Column}
	}
	resp.requirementsMet(short)
	return nil
}

// requirements parses what a request requires.
func (g *Gateway) requirements(ctx context.Context, req *request, t *table) ([]sqlgen.Requirement, error) {
	text, err := req.body, error(nil)
	if hasGluedPairs(text) {
		if text, err = separate(text, t.whole); err != nil {
			return nil, err
		}
		g.adjusted(ctx, req, SeparatedFields, slog.LevelDebug, "") // comes with each event of a queue
	}
	fields, err := g.form(ctx, req, t, text)
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, &sqlgen.Fault{Cause: sqlgen.BadRequirement, Table: t.Name, Hint: "name at least one column"}
	}
	required := make([]sqlgen.Requirement, len(fields))
	for i, f := range fields {
		if required[i], err = sqlgen.ParseRequirement(f); err != nil {
			return nil, err
		}
	}
	return required, nil
}

// addableName is the name of a column that is added: a client chooses it.
var addableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

// mayAdd reports whether a column that is missing is to be added.
func (g *Gateway) mayAdd(req *request, t *table, s sqlgen.Shortfall) bool {
	if t.Require != AddMissing || g.Alter == nil || !s.Missing || !addableName.MatchString(s.Requirement.Column) {
		return false
	}
	if req.client.Rights == nil {
		return true
	}
	rights := req.client.Rights(t.Name)
	return rights.CanWrite() && rights.AllColumns()
}

// addColumns adds the columns that are missing, each for one request only, and returns what
// still falls short. It continues when the client disconnects, as a write does.
func (g *Gateway) addColumns(ctx context.Context, req *request, t *table, required []sqlgen.Requirement) ([]sqlgen.Shortfall, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.StatementTimeout)
	defer cancel()
	select {
	case g.adding <- struct{}{}:
		defer func() { <-g.adding }()
	case <-ctx.Done():
		return nil, &sqlgen.Fault{Cause: sqlgen.Timeout, Table: t.Name, Err: ctx.Err()}
	}
	short, err := g.requireNow(ctx, req, required) // others may have added them
	if err != nil {
		return nil, err
	}
	var left []sqlgen.Shortfall
	added := map[string]bool{} // lower case
	for _, s := range short {
		if added[strings.ToLower(s.Requirement.Column)] {
			continue // it is required twice
		}
		if !g.mayAdd(req, t, s) {
			left = append(left, s)
			continue
		}
		failure := g.Alter(ctx, s.Repair)
		if failure == nil {
			added[strings.ToLower(s.Requirement.Column)] = true
			req.adjustments = append(req.adjustments, AddedColumn)
			g.note(ctx, req, note{about: AddedColumn, level: slog.LevelInfo, column: s.Requirement.Column, hint: s.Repair})
			continue
		}
		again, err := g.requireNow(ctx, req, []sqlgen.Requirement{s.Requirement}) // another process may have added it
		switch e := asError(failure); {
		case err != nil:
			return nil, err
		case len(again) == 0 || !again[0].Missing:
			left = append(left, again...)
		case e.Code != Denied && catalogue[e.Code].leavesTableUnknown():
			return nil, failure
		default:
			s.Reason += fmt.Sprintf(", and could not be added: %s", catalogue[e.Code].Meaning)
			left = append(left, s)
		}
	}
	_, err = g.schemas.read(ctx, req.table, g.schemas.now()) // the next request may write them
	return left, err
}

// requireNow is what falls short in the table as it is now.
func (g *Gateway) requireNow(ctx context.Context, req *request, required []sqlgen.Requirement) ([]sqlgen.Shortfall, error) {
	t, err := g.schemas.read(ctx, req.table, g.schemas.now())
	if err != nil {
		return nil, err
	}
	return sqlgen.Require(g.db.Dialect(), t.Table, required), nil
}
