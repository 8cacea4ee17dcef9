package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/sqlgen"
)

// A write is one way in which Asterisk changes a table.
type write struct {
	right   string // that an account needs
	rows    string // what the database may take none of
	explain func(*sqlgen.Dialect, *sqlgen.Table, ...*sqlgen.Column) sqlgen.Statement
	columns bool // it sets columns
}

// writesOf are the writes of a table, with the columns that they set.
func writesOf(t *sqlgen.Table) (writes []write, columns []*sqlgen.Column) {
	w, _ := asterisk.WritingOf(t.Name)
	if w.Updates {
		writes = append(writes, write{"UPDATE", "changes", sqlgen.ExplainUpdate, true})
	}
	if w.Stores {
		writes = append(writes, write{"INSERT", "new rows", sqlgen.ExplainStore, true})
	}
	if w.Destroys {
		writes = append(writes, write{"DELETE", "deletions", sqlgen.ExplainDestroy, false})
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if slices.ContainsFunc(w.Columns, func(name string) bool { return strings.EqualFold(name, c.Name) }) {
			columns = append(columns, c)
		}
	}
	return writes, columns
}

// unwritable reports what of a table the account may not write, or the database itself
// lets nobody write, and Asterisk writes.
func (s site) unwritable(ctx context.Context, t *sqlgen.Table) ([]Finding, error) {
	writes, stored := writesOf(t)
	computed, err := s.computedColumns(ctx, t)
	if err != nil {
		return nil, err
	}
	refused := map[*sqlgen.Column]string{} // columns, with what the database says
	var noRows []string
	var why string
	for _, w := range writes {
		fault, err := s.fault(ctx, w.explain(s.DB.Dialect(), t, stored...))
		switch {
		case err != nil:
			return nil, err
		case fault == nil:
			continue
		case fault.Cause == sqlgen.Denied:
			return []Finding{ofTable(t.Name, "Asterisk writes it, and the account may not", "grant it "+rightsFor(writes), "")}, nil
		case fault.Cause != sqlgen.NotWritable || len(stored) == 0:
			continue // what else keeps a plan from being made is not known to keep Asterisk from writing
		}
		columns, err := s.refusedColumns(ctx, t, w, stored)
		if err != nil {
			return nil, err
		}
		for c, text := range columns {
			if refused[c] == "" {
				refused[c] = text
			}
		}
		if len(columns) == 0 {
			noRows = append(noRows, w.rows)
			why = causeOf(fault)
		}
	}
	if len(noRows) > 0 {
		return []Finding{ofTable(t.Name, fmt.Sprintf("it takes no %s, which Asterisk makes: %s", strings.Join(noRows, ", no "), why),
			"let the name lead to a table, or to a view that can be written", "")}, nil
	}
	var found []Finding
	for _, c := range stored {
		text := refused[c]
		if text == "" && slices.Contains(computed, c.Name) {
			text = "the database computes it"
		}
		if text != "" {
			found = append(found, ofTable(t.Name, fmt.Sprintf("%s takes no value, and Asterisk stores one: %s", c.Name, text), "make it an ordinary column", ""))
		}
	}
	if found != nil || !slices.Contains(asterisk.StoredInFull, t.Name) {
		return found, nil
	}
	return s.uncountedRows(ctx, t)
}

// refusedColumns are those of some columns that a write cannot set, with what the database
// says. There are none where it can set no column of the table at all.
func (s site) refusedColumns(ctx context.Context, t *sqlgen.Table, w write, stored []*sqlgen.Column) (map[*sqlgen.Column]string, error) {
	if !w.columns {
		return nil, nil
	}
	refused, taken := map[*sqlgen.Column]string{}, false
	for i := range t.Columns {
		c := &t.Columns[i]
		isStored := slices.Contains(stored, c)
		if taken && !isStored {
			continue
		}
		fault, err := s.fault(ctx, w.explain(s.DB.Dialect(), t, c))
		switch {
		case err != nil:
			return nil, err
		case fault == nil || fault.Cause != sqlgen.NotWritable:
			taken = true
		case isStored:
			refused[c] = causeOf(fault)
		}
	}
	if !taken {
		return nil, nil
	}
	return refused, nil
}

// computedColumns are those of which the plan of a write does not show it.
func (s site) computedColumns(ctx context.Context, t *sqlgen.Table) ([]string, error) {
	check := s.DB.Dialect().Check
	if check == nil || check.Computed == nil || !asterisk.Writes(t.Name) {
		return nil, nil
	}
	return s.texts(ctx, check.Computed(t))
}

// uncountedRows reports a table of which Asterisk needs the number of rows that a write
// changed.
func (s site) uncountedRows(ctx context.Context, t *sqlgen.Table) ([]Finding, error) {
	check := s.DB.Dialect().Check
	if check == nil || check.Uncounted == nil {
		return nil, nil
	}
	count, err := s.texts(ctx, check.Uncounted(t))
	if err != nil || count[0] == "0" {
		return nil, err
	}
	return []Finding{ofTable(t.Name, "it is a view with INSTEAD OF triggers, whose rows "+s.DB.Kind()+" does not count, and Asterisk takes each write for failed",
		"let the name lead to a table", "")}, nil
}

// fault is why a query fails, nil where it does not. Errors that are not about the query
// are errors here, too.
func (s site) fault(ctx context.Context, query sqlgen.Statement) (*sqlgen.Fault, error) {
	_, err := s.texts(ctx, query)
	fault, _ := errors.AsType[*sqlgen.Fault](err)
	if fault != nil && (fault.Cause == sqlgen.Unavailable || fault.Cause == sqlgen.Canceled || fault.Cause == sqlgen.Timeout) {
		return nil, err
	}
	return fault, nil
}

// causeOf is what the database itself says.
func causeOf(fault *sqlgen.Fault) string {
	if cause := errors.Unwrap(fault); cause != nil {
		return cause.Error()
	}
	return fault.Error()
}

// rightsFor lists what an account needs for writes.
func rightsFor(writes []write) string {
	var rights []string
	for _, w := range writes {
		rights = append(rights, w.right)
	}
	return strings.Join(rights, ", ")
}
