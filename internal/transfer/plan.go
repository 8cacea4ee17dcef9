package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/internal/asteriskconf"
	"dbsep/internal/config"
	"dbsep/internal/database"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// A Plan is what an import changes.
type Plan struct {
	Notes config.Problems // values that are left out

	db      *database.DB
	changes []*change
}

// A change is one of an object.
type change struct {
	*object
	*target
	source *Source
	state  state
	rows   []row
}

// A state is what a table has of an object.
type state int

const (
	absent state = iota
	unchanged
	different
)

// NewPlan compares objects with what the tables of a database have. The error has
// everything for which they cannot be imported.
func NewPlan(ctx context.Context, l *setup.Loaded, sources []*Source, o Options, release asterisk.Release) (*Plan, error) {
	p := &Plan{db: l.DB}
	targets, err := readTargets(ctx, l, sources, o, release)
	if err != nil {
		return nil, err
	}
	r := &report{partial: o.Partial}
	for _, s := range sources {
		for _, object := range s.objects {
			t := targets[object.table]
			c := &change{object: object, target: t, source: s, rows: t.rows(object, r)}
			if err := c.compare(ctx, p.db); err != nil {
				return nil, withCause(err)
			}
			if c.state == different && !o.Replace {
				r.refuse(config.Problem{File: c.origin.File, Line: c.origin.Line, Text: c.Name + " has another " + c.id + " already", Hint: "--replace replaces it"})
			}
			p.changes = append(p.changes, c)
		}
	}
	p.Notes = r.notes
	return p, r.err()
}

// readTargets describes the tables that objects go to, by the names of their objects.
func readTargets(ctx context.Context, l *setup.Loaded, sources []*Source, o Options, release asterisk.Release) (map[string]*target, error) {
	all, err := asterisk.Tables(release)
	if err != nil {
		return nil, err
	}
	targets := map[string]*target{}
	var missing config.Problems
	for _, s := range sources {
		for _, object := range s.objects {
			if _, known := targets[object.table]; known {
				continue
			}
			facts := object.table
			if object.isStatic() {
				facts = DefaultTable
			}
			i := slices.IndexFunc(all, func(t *asterisk.Table) bool { return t.Name == facts })
			t, err := newTarget(ctx, l, object.table, all[i])
			var problem config.Problem
			if errors.As(err, &problem) {
				missing = append(missing, problem)
			} else if err != nil {
				return nil, err
			}
			targets[object.table] = t
		}
	}
	if len(missing) > 0 {
		return nil, missing
	}
	return targets, nil
}

// compare finds out what the table has of the object.
func (c *change) compare(ctx context.Context, db *database.DB) error {
	if c.isStatic() {
		found, err := readStatic(ctx, db, c.Table, c.id)
		switch {
		case err != nil:
			return err
		case equalSections(found, c.sections):
			c.state = unchanged
		case len(found) > 0:
			c.state = different
		}
		return nil
	}
	query, err := sqlgen.Single(db.Dialect(), c.Table, c.key())
	if err != nil {
		return err
	}
	return db.Query(ctx, query, func(columns [][]byte) error {
		c.state = unchanged
		wanted := c.rows[0].fields
		for i, column := range c.Visible() {
			found, field := string(columns[i]), c.field(column)
			switch {
			case field != nil:
				if !equal(column, field.Value, found) {
					c.state = different
				}
			case c.facts.Column(strings.ToLower(column.Name)) == nil && found != "": // one of the site's own
				wanted = append(wanted, sqlgen.Field{Name: column.Name, Value: found})
			case found != "":
				c.state = different
			}
		}
		c.rows[0].fields = wanted
		return nil
	})
}

// field is the value of an object of PJSIP's for a column, nil if there is none.
func (c *change) field(column *sqlgen.Column) *sqlgen.Field {
	fields := c.rows[0].fields
	i := slices.IndexFunc(fields, func(f sqlgen.Field) bool { return c.Column(f.Name) == column })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

// equal reports whether a column has a value.
func equal(c *sqlgen.Column, wanted, found string) bool {
	if wanted == found {
		return true
	}
	switch c.Class {
	case sqlgen.Integer, sqlgen.Decimal, sqlgen.Float:
		a, err := strconv.ParseFloat(wanted, 64)
		b, other := strconv.ParseFloat(found, 64)
		return err == nil && other == nil && a == b
	}
	return false
}

// key are the conditions of the rows that are replaced.
func (c *change) key() []sqlgen.Field {
	if c.isStatic() {
		return []sqlgen.Field{{Name: fileColumn, Value: c.id}, {Name: commentedColumn, Value: notCommented}}
	}
	return c.rows[0].fields[:1]
}

// Apply makes the changes in one transaction.
func (p *Plan) Apply(ctx context.Context) error {
	var statements []sqlgen.Statement
	var lines []asteriskconf.Line
	add := func(l asteriskconf.Line, s sqlgen.Statement, err error) error {
		statements, lines = append(statements, s), append(lines, l)
		return failure(l, err)
	}
	for _, c := range p.changes {
		if c.state == unchanged {
			continue
		}
		if c.state == different {
			s, err := sqlgen.Destroy(p.db.Dialect(), c.Table, c.key())
			if err := add(c.origin, s, err); err != nil {
				return err
			}
		}
		for _, row := range c.rows {
			s, err := sqlgen.Store(p.db.Dialect(), c.Table, row.fields)
			if err := add(row.line, s, err); err != nil {
				return err
			}
		}
	}
	if len(statements) == 0 {
		return nil
	}
	done, err := p.db.ExecAll(ctx, statements)
	if err == nil {
		return nil
	}
	if done == len(lines) {
		return fmt.Errorf("end the transaction: %w\nwhether the tables have changed is not known; import again", withCause(err))
	}
	return fmt.Errorf("%w\nnothing was changed", failure(lines[done], err))
}

// failure is why the row of a line is not stored.
func failure(l asteriskconf.Line, err error) error {
	if err == nil {
		return nil
	}
	p := config.Problem{File: l.File, Line: l.Line, Text: withCause(err).Error()}
	var fault *sqlgen.Fault
	if errors.As(err, &fault) && fault.Cause == sqlgen.Duplicate {
		p.Hint = "the database may take names for equal that differ in case only"
	}
	return p
}

// Empty reports whether nothing changes.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.changes, func(c *change) bool { return c.state != unchanged })
}

// Write writes the rows that are removed and added, one in a line. Passwords are not shown.
func (p *Plan) Write(w io.Writer) error {
	var text strings.Builder
	for _, c := range p.changes {
		if c.state == unchanged {
			continue
		}
		if c.state == different {
			fmt.Fprintf(&text, "- %s%s\n", c.Name, shown(c.key()))
		}
		for _, row := range c.rows {
			fmt.Fprintf(&text, "+ %s%s\n", c.Name, shown(row.fields))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// shown writes fields, with quotes where they are needed.
func shown(fields []sqlgen.Field) string {
	var text strings.Builder
	secret := false
	for _, f := range fields {
		if f.Name == "var_name" {
			secret = isSecret(f.Value)
		}
		value := f.Value
		switch {
		case value != "" && (isSecret(f.Name) || f.Name == "var_val" && secret):
			value = "***"
		case value == "" || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c == '"' || !strconv.IsPrint(c) }):
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&text, " %s=%s", f.Name, value)
	}
	return text.String()
}

// isSecret reports whether a name is that of a password.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"password", "passwd", "secret", "md5_cred", "token", "dbpass"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Summary writes, for each file, how many objects of each table it changes.
func (p *Plan) Summary(w io.Writer) error {
	var text strings.Builder
	for i := 0; i < len(p.changes); {
		from, source := i, p.changes[i].source
		for i < len(p.changes) && p.changes[i].source == source {
			i++
		}
		fmt.Fprintf(&text, "%s: %s\n", source.Path, summary(p.changes[from:i]))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func summary(changes []*change) string {
	words := map[state]string{absent: "added", different: "replaced", unchanged: "unchanged"}
	var parts []string
	for _, s := range []state{absent, different, unchanged} {
		count, rows := map[string]int{}, map[string]int{}
		var tables []string
		for _, c := range changes {
			if c.state != s {
				continue
			}
			if count[c.Name] == 0 {
				tables = append(tables, c.Name)
			}
			count[c.Name]++
			rows[c.Name] += len(c.rows)
		}
		for _, table := range tables {
			parts = append(parts, fmt.Sprintf("%d in %s %s", rows[table], table, words[s]))
		}
	}
	return strings.Join(parts, ", ")
}
