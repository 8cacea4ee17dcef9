package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dbsep/gateway"
	"dbsep/internal/schema"
	"dbsep/sqlgen"
)

// warnings are what an administrator should look at.
func (e *explainer) warnings(ctx context.Context, r Request, report *Report) []Warning {
	var all []Warning
	for _, n := range e.x.Notes {
		text := n.Message
		if n.Column != "" {
			text += ": " + n.Column
		}
		if n.Reason != "" {
			text += " " + n.Reason
		}
		all = append(all, Warning{text, n.Hint})
	}
	all = append(all, e.fieldWarnings()...)
	all = append(all, unencoded(r)...)
	for i, s := range report.Statements {
		if s.Scans {
			all = append(all, e.noIndex(ctx, e.x.Statements[i].Statement))
		}
	}
	if x := report.Error; x != nil && x.Code == gateway.UnknownColumn && report.Table != nil {
		all = append(all, Warning{Text: "the columns of the table are " + strings.Join(report.Table.Columns, ", ")})
	}
	return all
}

// fieldWarnings are about the fields of the request.
func (e *explainer) fieldWarnings() (all []Warning) {
	if e.x.Table == nil {
		return nil
	}
	for i, list := range e.x.Fields {
		kind := kindOf(e.x.Operation, i)
		if kind != "condition" && kind != "value" {
			continue
		}
		for _, f := range list {
			c := e.x.Table.Named(f)
			if kind == "value" {
				c = e.x.Table.Assigned(f)
			}
			if c != nil {
				all = append(all, e.valueWarnings(f, c, kind)...)
			}
		}
	}
	return all
}

// valueWarnings are about a value of a column.
func (e *explainer) valueWarnings(f sqlgen.Field, c *sqlgen.Column, kind string) (all []Warning) {
	refused := e.x.Err != nil && e.x.Err.Code == gateway.BadValue
	if n := utf8.RuneCountInString(f.Value); c.Class == sqlgen.Text && c.Size > 0 && n > c.Size && !refused {
		text := fmt.Sprintf("%s: the value has %d characters, and the column %s takes %d", f.Name, n, c.Type, c.Size)
		switch {
		case kind == "condition":
			all = append(all, Warning{text, "no row has this value: compare with a shorter one, or widen the column"})
		case e.x.Options.Lenient:
			all = append(all, Warning{text, "with strict=no the database may cut it: widen the column"})
		default:
			all = append(all, Warning{text, "the database refuses the row (bad-value): widen the column"})
		}
	}
	if before, _, found := strings.Cut(f.Value, "="); found && slices.ContainsFunc(e.x.Table.Columns, func(c sqlgen.Column) bool { return strings.HasSuffix(before, c.Name) }) {
		all = append(all, Warning{f.Name + ": the value has the name of a column and a =, as if an & were missing before the name", "send & between two fields"})
	}
	if e.x.Options.RawSemicolons && strings.Contains(f.Value, ";") {
		all = append(all, Warning{f.Name + ": with semicolons=raw the ; in the value separates two items of a list", "if it belongs to the value, set semicolons=encode"})
	}
	return all
}

// unencoded finds what follows an & that was probably part of a value.
func unencoded(r Request) (all []Warning) {
	for _, form := range []string{r.Query, r.Body} {
		for pair := range strings.SplitSeq(form, "&") {
			if pair != "" && !strings.Contains(pair, "=") {
				all = append(all, Warning{fmt.Sprintf("%q is a field without a =, as if a value before it contained an &", pair), "send & in a value as %26"})
			}
		}
	}
	return all
}

// noIndex says that a statement reads a whole table.
func (e *explainer) noIndex(ctx context.Context, s sqlgen.Statement) Warning {
	w := Warning{"the database reads the whole table", "make an index for the conditions, unless the table is small: then no index is used"}
	for _, o := range s.Conditions() {
		if o.Operator != "LIKE" {
			continue
		}
		if index, err := schema.MissingPrefixIndex(ctx, e.db, e.x.Table, o.Name); err == nil && index != "" {
			w.Hint = "unless the table is small: " + index
		}
	}
	return w
}
