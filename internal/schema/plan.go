package schema

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A Plan is what a database lacks of the tables of Asterisk.
type Plan struct {
	db       *database.DB
	database *Database
	changes  []*change
}

// A change is one thing that is missing, and how it is added.
type change struct {
	table      string
	reason     string
	isTable    bool     // the whole table is missing
	statements []string // none: it has to be done by hand, as the reason says
	alone      bool     // it must not be part of a transaction
}

// Compare finds what a database lacks of some tables. schema is the one that new tables
// belong to, empty for where names without one lead.
func Compare(ctx context.Context, db *database.DB, schema string, tables []*asterisk.Table) (*Plan, error) {
	p, err := compare(ctx, db, schema, tables)
	if err != nil {
		return nil, withCause(err)
	}
	return p, nil
}

// withCause adds to a database's error what an administrator at the keyboard may see.
func withCause(err error) error {
	var fault *sqlgen.Fault
	switch {
	case !errors.As(err, &fault):
		return err
	case fault.Err != nil && fault.Hint != "":
		return fmt.Errorf("%w: %w; %s", err, fault.Err, fault.Hint)
	case fault.Err != nil:
		return fmt.Errorf("%w: %w", err, fault.Err)
	}
	return err
}

func compare(ctx context.Context, db *database.DB, schema string, tables []*asterisk.Table) (*Plan, error) {
	d, err := of(db)
	if err != nil {
		return nil, err
	}
	if d, err = d.in(ctx, db, schema); err != nil {
		return nil, err
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.Name
	}
	existing, err := d.readTables(ctx, db, names)
	if err != nil {
		return nil, err
	}
	p := &Plan{db: db, database: d}
	for _, t := range tables {
		c := &comparison{Plan: p, wanted: t, current: existing[t.Name]}
		if err := c.compare(ctx); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// MissingPrefixIndex returns the statement that creates an index of a column that LIKE can
// use. It is empty where the table has one or cannot have one, where LIKE can use every
// index, and where nothing is known of the kind of the database.
func MissingPrefixIndex(ctx context.Context, db *database.DB, t *sqlgen.Table, column string) (string, error) {
	if !Knows(db) {
		return "", nil
	}
	d, err := of(db)
	if err != nil || d.prefixKey == "" {
		return "", err
	}
	tables, err := d.readTables(ctx, db, []string{t.Name})
	c := tables[t.Name]
	if err != nil || c == nil || c.view || c.hasPrefixIndex(column) {
		return "", err
	}
	i := d.prefixIndex(t.Name, column)
	i.name = c.freeName(i.name)
	return d.createIndex(d.table(t.Name, t.Schema), i), nil
}

// Knows reports whether it is known how tables are described in the kind of a database.
func Knows(db *database.DB) bool {
	_, err := of(db)
	return err == nil
}

// of is the kind of a database.
func of(db *database.DB) (*Database, error) {
	for _, d := range databases {
		if d.kind == db.Kind() {
			return d, nil
		}
	}
	return nil, fmt.Errorf("the database in dsn is of the kind %s, for which there are no tables; choose from %s", db.Kind(), strings.Join(Names(), ", "))
}

// NewTables is the part of a plan that makes tables which do not exist. others is how many
// changes it leaves out.
func (p *Plan) NewTables() (tables *Plan, others int) {
	tables = &Plan{db: p.db, database: p.database}
	for _, c := range p.changes {
		if c.isTable {
			tables.changes = append(tables.changes, c)
		}
	}
	return tables, len(p.changes) - len(tables.changes)
}

// Tables are the names of the tables that the plan makes.
func (p *Plan) Tables() []string {
	var names []string
	for _, c := range p.changes {
		if c.isTable {
			names = append(names, c.table)
		}
	}
	return names
}

// A Lack is one thing that a table lacks.
type Lack struct {
	Table  string
	Reason string // such as "id is missing", and what to do where SQL does not
	SQL    string // empty: it has to be done by hand
}

// Lacks lists what the tables lack that the database has.
func (p *Plan) Lacks() (all []Lack) {
	for _, c := range p.changes {
		if !c.isTable {
			all = append(all, Lack{c.table, c.reason, strings.Join(c.statements, "; ")})
		}
	}
	return all
}

// Empty reports whether nothing is missing.
func (p *Plan) Empty() bool { return len(p.changes) == 0 }

// HasStatements reports whether the plan changes anything.
func (p *Plan) HasStatements() bool {
	return slices.ContainsFunc(p.changes, func(c *change) bool { return len(c.statements) > 0 })
}

// Write writes the plan as a script. What has to be done by hand is a comment.
func (p *Plan) Write(w io.Writer) error {
	var text strings.Builder
	for i, c := range p.changes {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "-- %s: %s\n", c.table, c.reason)
		writeStatements(&text, c.statements)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Apply makes the changes. Where the database undoes changes of tables, it makes all of them
// or none; otherwise the error says how many were made.
func (p *Plan) Apply(ctx context.Context) error {
	var alone, together []string
	for _, c := range p.changes {
		if c.alone {
			alone = append(alone, c.statements...)
		} else {
			together = append(together, c.statements...)
		}
	}
	if len(alone) > 0 {
		if done, err := p.db.Alter(ctx, false, alone); err != nil {
			return p.failure(done, alone, err)
		}
	}
	if len(together) == 0 {
		return nil
	}
	done, err := p.db.Alter(ctx, p.database.undoes, together)
	if err != nil {
		return p.failure(done+len(alone), slices.Concat(alone, together), err)
	}
	return nil
}

func (p *Plan) failure(done int, statements []string, err error) error {
	if done == 0 {
		return fmt.Errorf("change the tables; nothing was changed: %w", withCause(err))
	}
	return fmt.Errorf("change the tables; %d of %d statements were run, the next one failed: %w", done, len(statements), withCause(err))
}
