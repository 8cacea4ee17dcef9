package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dbsep/gateway"
	"dbsep/internal/asterisk"
	"dbsep/internal/asteriskconf"
	"dbsep/internal/config"
	"dbsep/internal/schema"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// A target is a table that objects go to.
type target struct {
	*sqlgen.Table
	raw   bool            // semicolons are stored as they are
	facts *asterisk.Table // what Asterisk knows of it
}

// A row is one that is stored.
type row struct {
	line   asteriskconf.Line // that it comes from
	fields []sqlgen.Field
}

// newTarget describes a table. facts are those of the table that it takes the place of.
func newTarget(ctx context.Context, l *setup.Loaded, name string, facts *asterisk.Table) (*target, error) {
	t, err := l.DB.Describe(ctx, name)
	var fault *sqlgen.Fault
	if errors.As(err, &fault) && fault.Cause == sqlgen.UnknownTable {
		return nil, config.Problem{File: l.Config.File, Line: l.Config.Line("dsn"), Text: fmt.Sprintf("%s has no table %s", l.DB.Address(), name),
			Hint: "dbsep schema create " + facts.Groups[0] + " makes it"}
	}
	if err != nil {
		return nil, withCause(err)
	}
	return &target{t, setup.TableOptions(setup.CompatOf(l.Config, t.Name).Compat).RawSemicolons, facts}, nil
}

// withCause adds to a database's error what an administrator at the keyboard may see.
func withCause(err error) error {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		return err
	}
	if fault.Err != nil {
		err = fmt.Errorf("%w: %w", err, fault.Err)
	}
	if fault.Hint != "" {
		err = fmt.Errorf("%w; %s", err, fault.Hint)
	}
	return err
}

// rows are those of an object, as the table stores them. What does not fit is reported.
func (t *target) rows(o *object, r *report) []row {
	if !o.isStatic() {
		return []row{{o.origin, t.coded(o.values, r)}}
	}
	rows := o.staticRows()
	for _, row := range rows {
		for _, f := range row.fields {
			t.check(f, row.line, r)
		}
	}
	return rows
}

// coded are the values of an object of PJSIP's as they are stored: dbsep splits them at
// each ; when Asterisk reads them.
func (t *target) coded(values []value, r *report) (fields []sqlgen.Field) {
	for _, v := range values {
		items := slices.Clone(v.items)
		for i, item := range items {
			switch {
			case !t.raw:
				items[i] = gateway.EncodeCaret(item)
			case strings.Contains(item, ";"):
				r.refuse(about(v.line, "there is a ; in its value, at which Asterisk splits it, since semicolons=raw holds for "+t.Name,
					"remove that setting"))
			}
		}
		f := sqlgen.Field{Name: v.column, Value: strings.Join(items, ";")}
		if t.check(f, v.line, r) {
			fields = append(fields, f)
		}
	}
	return fields
}

// check reports whether the table has the column of a value, and what is wrong with it.
func (t *target) check(f sqlgen.Field, l asteriskconf.Line, r *report) bool {
	upgrade := "dbsep schema upgrade " + t.facts.Groups[0]
	c, known := t.Column(f.Name), t.facts.Column(f.Name)
	switch {
	case c == nil && known == nil:
		r.loss(about(l, t.Name+" has no column for it", "Asterisk's tables have none: keep this object in a file, or remove the line"))
		return false
	case c == nil:
		r.loss(about(l, t.Name+" has no column for it", upgrade+" adds it"))
		return false
	}
	if problem, hint := unfit(c, known, f.Value); problem != "" {
		if hint == "" && known != nil && known.Type.Kind == asterisk.Char && c.Size > 0 && known.Type.Size > c.Size {
			hint = upgrade + " widens the column"
		}
		r.refuse(about(l, problem, hint))
	}
	return true
}

// booleans are the words that Asterisk takes for yes and no.
var booleans = []string{"yes", "true", "y", "t", "1", "on", "no", "false", "n", "f", "0", "off"}

// unfit is why a column cannot hold a value, empty if it can.
func unfit(c *sqlgen.Column, known *asterisk.Column, value string) (problem, hint string) {
	choices, isEnum := schema.EnumValues(c.Type)
	if !isEnum && known != nil && known.Type.Kind == asterisk.Choice {
		choices = known.Type.Values
		if slices.Contains(choices, "yes") {
			choices = slices.Concat(choices, booleans)
		}
	}
	number := func(err error) (problem, hint string) {
		if err != nil {
			return "the column " + c.Name + " takes numbers only", "write a number"
		}
		return "", ""
	}
	switch {
	case choices != nil && !slices.ContainsFunc(choices, func(choice string) bool { return strings.EqualFold(choice, value) }):
		if known != nil && !isEnum {
			choices = known.Type.Values
		}
		return "the value is not one of the choices", "write " + strings.Join(choices, ", ")
	case c.Class == sqlgen.Text && c.Size > 0 && utf8.RuneCountInString(value) > c.Size:
		return fmt.Sprintf("the value has %d characters as it is stored, and the column %s has %d", utf8.RuneCountInString(value), c.Name, c.Size), ""
	case c.Class == sqlgen.Integer:
		_, err := strconv.ParseInt(value, 10, 64)
		return number(err)
	case c.Class == sqlgen.Float, c.Class == sqlgen.Decimal:
		_, err := strconv.ParseFloat(value, 64)
		return number(err)
	}
	return "", ""
}
