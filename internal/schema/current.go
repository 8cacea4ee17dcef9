package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A catalog is how a database describes its tables, beyond their columns and types. The
// arguments of the statements about a table are its name and its schema, as far as the
// database has schemas.
type catalog struct {
	// views lists the views, which have no keys and cannot be changed: their schema, if the
	// database has schemas, a dot and their name.
	views string

	// columns reads of a table's columns: the name, 1 where there is a default and 1 where
	// the database chooses the value, the default, what else is part of the definition of
	// the column and must be kept, 1 where the definition has more than that, the quoted
	// name of a type that is an enumeration, and its values, one a line.
	columns string

	// indexes reads, in the order of indexes and of their columns: the index's name, a
	// column or NULL for an expression, 1 where the index is unique, 1 where it counts the
	// whole column, 1 where LIKE uses it, and 1 where it is the primary key.
	indexes string
}

// A current table is one that the database has.
type current struct {
	*sqlgen.Table
	view    bool
	columns map[string]*currentColumn // by name
	indexes []*currentIndex
	primary string // name of the index that is the primary key
}

type currentColumn struct {
	hasDefault bool
	counted    bool
	defaultSQL string
	attributes string
	more       bool
	enumType   string
	values     []string
}

type currentIndex struct {
	name    string
	columns []string // "" for an expression
	unique  bool     // equality with all columns finds one row
	like    bool
}

// readTables reads the tables of some names that the database has, by these names.
func (d *Database) readTables(ctx context.Context, db *database.DB, names []string) (map[string]*current, error) {
	existing, err := db.Tables(ctx)
	if err != nil {
		return nil, err
	}
	views, err := d.readViews(ctx, db)
	if err != nil {
		return nil, err
	}
	found := map[string]*current{}
	for _, name := range names {
		if !slices.ContainsFunc(existing, func(e string) bool { return strings.EqualFold(e, name) }) {
			continue
		}
		t, err := db.Describe(ctx, name)
		var fault *sqlgen.Fault
		if errors.As(err, &fault) && fault.Cause == sqlgen.UnknownTable {
			continue
		}
		if err != nil {
			return nil, err
		}
		c := &current{Table: t, view: views[t.Schema+"."+t.Name], columns: map[string]*currentColumn{}}
		if err := c.read(ctx, db, d); err != nil {
			return nil, err
		}
		found[name] = c
	}
	return found, nil
}

func (d *Database) readViews(ctx context.Context, db *database.DB) (map[string]bool, error) {
	rows, err := db.ReadRows(ctx, sqlgen.Statement{SQL: d.catalog.views})
	views := map[string]bool{}
	for _, row := range rows {
		views[row[0]] = true
	}
	return views, err
}

// read completes what is known of a table.
func (c *current) read(ctx context.Context, db *database.DB, d *Database) error {
	args := []any{c.Name}
	if c.Schema != "" {
		args = append(args, c.Schema)
	}
	rows, err := db.ReadRows(ctx, sqlgen.Statement{SQL: d.catalog.columns, Args: args})
	if err != nil {
		return fmt.Errorf("read the columns of %s: %w", c.Name, err)
	}
	for _, row := range rows {
		column := &currentColumn{hasDefault: row[1] == "1", counted: row[2] == "1", defaultSQL: row[3], attributes: row[4], more: row[5] == "1", enumType: row[6]}
		if row[7] != "" {
			column.values = strings.Split(row[7], "\n")
		}
		c.columns[row[0]] = column
	}
	for _, column := range c.Columns {
		if c.columns[column.Name] == nil {
			c.columns[column.Name] = &currentColumn{}
		}
		if values, ok := EnumValues(column.Type); ok {
			c.columns[column.Name].values = values
		}
	}
	rows, err = db.ReadRows(ctx, sqlgen.Statement{SQL: d.catalog.indexes, Args: args})
	if err != nil {
		return fmt.Errorf("read the indexes of %s: %w", c.Name, err)
	}
	var last *currentIndex
	for _, row := range rows {
		if last == nil || row[0] != last.name {
			last = &currentIndex{name: row[0], unique: row[2] == "1", like: row[4] == "1"}
			c.indexes = append(c.indexes, last)
		}
		last.columns = append(last.columns, row[1])
		last.unique = last.unique && row[1] != "" && row[3] == "1"
		if row[5] == "1" {
			c.primary = row[0]
		}
	}
	return nil
}

// EnumValues reads a declared type such as enum('a','b').
func EnumValues(declared string) (values []string, ok bool) {
	inside, ok := strings.CutPrefix(declared, "enum('")
	if !ok {
		return nil, false
	}
	inside = strings.TrimSuffix(inside, "')")
	for _, v := range strings.Split(inside, "','") {
		values = append(values, strings.ReplaceAll(v, "''", "'"))
	}
	return values, true
}

// hasKey reports whether one row at most has the same values of some columns, and, if they
// are needed as a name of the row, none of them is NULL.
func (c *current) hasKey(columns []string, named bool) bool {
	return slices.ContainsFunc(c.indexes, func(i *currentIndex) bool {
		if !i.unique {
			return false
		}
		for _, name := range i.columns {
			column := c.Column(name)
			if !slices.ContainsFunc(columns, func(k string) bool { return strings.EqualFold(k, name) }) || named && column != nil && column.Nullable {
				return false
			}
		}
		return true
	})
}

// hasIndex reports whether an index begins with some columns.
func (c *current) hasIndex(columns []string) bool {
	return slices.ContainsFunc(c.indexes, func(i *currentIndex) bool {
		return len(i.columns) >= len(columns) && slices.EqualFunc(i.columns[:len(columns)], columns, strings.EqualFold)
	})
}

// hasPrefixIndex reports whether LIKE uses an index of a column.
func (c *current) hasPrefixIndex(column string) bool {
	return slices.ContainsFunc(c.indexes, func(i *currentIndex) bool { return i.like && strings.EqualFold(i.columns[0], column) })
}

// freeName is a name that no index of the table has.
func (c *current) freeName(name string) string {
	free := name
	for n := 2; slices.ContainsFunc(c.indexes, func(i *currentIndex) bool { return strings.EqualFold(i.name, free) }); n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}
