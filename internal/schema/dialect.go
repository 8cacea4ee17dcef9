package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A Database is a kind of database, and how tables are defined there.
type Database struct {
	Name  string // for a flag
	Title string // for people

	names []string // others for a flag
	kind  string   // of database.DB
	quote string   // around a name

	// counted is what follows the type of a column whose values the database chooses.
	counted string

	// countedIsPrimary says that such a column is the primary key in any case; that of
	// the table is a unique key then.
	countedIsPrimary bool

	typeOf func(t *asterisk.Type) string

	// indexesInside says that a table is created with its indexes in the same statement.
	indexesInside bool
	tableOptions  string

	// prefixKey is how a column is part of an index that LIKE uses. Empty where every
	// index will do.
	prefixKey string

	// undoes says that a transaction undoes changes of tables.
	undoes bool

	// nullableKeys says that the columns of a primary key take NULL.
	nullableKeys bool

	// hasSchemas says that a database has several, and schema is the one of new tables; empty
	// for where names without one lead.
	hasSchemas bool
	schema     string

	catalog catalog
	alter   alterer
}

// An alterer writes statements that change a column. A nil function, and an empty
// statement, mean that the database cannot, or that the statement would drop a part of
// the column's definition: byHand says what to do then.
type alterer struct {
	setType    alterFunc // definition is a type
	setDefault alterFunc // definition is a literal
	allowNull  alterFunc // definition is the type as it is
	byHand     string
}

type alterFunc func(table, column string, found *sqlgen.Column, more *currentColumn, definition string) string

var databases = []*Database{sqlite, mysql, postgres}

// Find returns the database of a name that was given on the command line.
func Find(name string) (*Database, error) {
	for _, d := range databases {
		if strings.EqualFold(name, d.Name) || slices.Contains(d.names, strings.ToLower(name)) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("there are no tables for a database called %q; choose from %s", name, strings.Join(Names(), ", "))
}

// Names are the names of the databases.
func Names() []string {
	var names []string
	for _, d := range databases {
		names = append(names, d.Name)
	}
	return names
}

func (d *Database) quoted(name string) string {
	return d.quote + strings.ReplaceAll(name, d.quote, d.quote+d.quote) + d.quote
}

func (d *Database) list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = d.quoted(name)
	}
	return strings.Join(quoted, ", ")
}

// table is the quoted name of a table of a schema.
func (d *Database) table(name, schema string) string {
	if schema == "" {
		return d.quoted(name)
	}
	return d.quoted(schema) + "." + d.quoted(name)
}

// in is the database for tables of a schema. On databases that have none the setting means
// nothing. The name of the database stands for no schema where there is none of this name,
// as for requests.
func (d *Database) in(ctx context.Context, db *database.DB, schema string) (*Database, error) {
	if !d.hasSchemas || schema == "" {
		return d, nil
	}
	rows, err := db.ReadRows(ctx, sqlgen.Statement{
		SQL: `SELECT (SELECT count(*) FROM pg_catalog.pg_namespace WHERE CAST(nspname AS text) = $1),
			CASE WHEN CAST(pg_catalog.current_database() AS text) = $1 THEN 1 ELSE 0 END`,
		Args: []any{schema},
	})
	switch {
	case err != nil:
		return nil, err
	case rows[0][0] != "0":
		other := *d
		other.schema = schema
		return &other, nil
	case rows[0][1] == "1":
		return d, nil
	}
	return nil, fmt.Errorf("there is no schema called %s, which dbschema names; create it: CREATE SCHEMA %s", schema, d.quoted(schema))
}

// column is the definition of a column.
func (d *Database) column(c *asterisk.Column) string {
	text := d.quoted(c.Name) + " " + d.typeOf(&c.Type)
	switch {
	case c.Type.Counted:
		return text + d.counted
	case c.Required:
		text += " NOT NULL"
	}
	if c.Default != nil {
		text += " DEFAULT " + literal(c)
	}
	return text
}

// literal is the default of a column.
func literal(c *asterisk.Column) string {
	if c.Type.Kind == asterisk.Integer || c.Type.Kind == asterisk.BigInteger {
		return *c.Default
	}
	return textLiteral(*c.Default)
}

func textLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// create are the statements that create a table and its indexes.
func (d *Database) create(t *asterisk.Table) []string {
	var lines []string
	primary, unique := t.Primary, t.Unique
	for i := range t.Columns {
		c := &t.Columns[i]
		lines = append(lines, d.column(c))
		if c.Type.Counted && d.countedIsPrimary {
			if !slices.Equal(primary, []string{c.Name}) {
				unique = append(slices.Clone(unique), primary)
			}
			unique = slices.DeleteFunc(slices.Clone(unique), func(key []string) bool { return slices.Equal(key, []string{c.Name}) })
			primary = nil
		}
	}
	if len(primary) > 0 {
		lines = append(lines, "PRIMARY KEY ("+d.list(primary)+")")
	}
	for _, key := range unique {
		lines = append(lines, "UNIQUE ("+d.list(key)+")")
	}
	var indexes []string
	for _, index := range d.indexes(t) {
		if d.indexesInside {
			lines = append(lines, "INDEX "+d.quoted(index.name)+" "+index.keys)
		} else {
			indexes = append(indexes, d.createIndex(d.table(t.Name, d.schema), index))
		}
	}
	table := "CREATE TABLE " + d.table(t.Name, d.schema) + " (\n  " + strings.Join(lines, ",\n  ") + "\n)" + d.tableOptions
	return append([]string{table}, indexes...)
}

// An index is one that a table should have.
type index struct {
	name    string
	columns []string
	keys    string // in parentheses
	prefix  bool   // LIKE uses it
}

// indexes are those that are no keys.
func (d *Database) indexes(t *asterisk.Table) []index {
	var all []index
	for _, columns := range t.Indexes {
		all = append(all, index{name: t.Name + "_" + strings.Join(columns, "_"), columns: columns, keys: "(" + d.list(columns) + ")"})
	}
	if t.Prefix != "" && d.prefixKey != "" {
		all = append(all, d.prefixIndex(t.Name, t.Prefix))
	}
	return all
}

// prefixIndex is the index of a column that LIKE uses.
func (d *Database) prefixIndex(table, column string) index {
	return index{
		name: table + "_" + column + "_like", columns: []string{column},
		keys: "(" + d.quoted(column) + " " + d.prefixKey + ")", prefix: true,
	}
}

// createIndex is the statement for an index. table is quoted.
func (d *Database) createIndex(table string, i index) string {
	return "CREATE INDEX " + d.quoted(i.name) + " ON " + table + " " + i.keys
}

// choiceSize is the width of a column for one of the texts that Asterisk knows. It has
// space for those that a later release may know.
const choiceSize = 40
