package cache

import (
	"encoding/json"

	"dbsep/sqlgen"
)

// A staleTable is what a [Store] knows of a table, by its real name.
type staleTable struct {
	name   string
	id     int64  // of its entries; a new one makes all that have the old one invalid
	lookup string // the column by whose values writes find entries

	scope     string        // of the database that described it last
	schema    *sqlgen.Table // as described
	described []byte        // the same, encoded

	writes  int            // through this process
	running int            // of them
	wrote   int64          // when the last one began or ended, in milliseconds
	lastPut int            // writes when the last entry was made
	drops   map[string]int // value → writes when its entries were dropped, until they are no longer in the file

	// row is the id with which the file has the table, 0 if it has not. The file has no
	// table that was written a moment ago: without its table, an entry is invalid.
	row int64
}

// has reports whether an entry was made after the last write that may have changed its
// rows. One that is in the file was made before all writes whose drops are not.
func (t *staleTable) has(c *change) bool {
	return c.entry.table == t.id && c.made >= t.drops[c.value]
}

// lookupOf chooses the column by whose values the entries of a table are found, at the first
// query: that of the query, or else the first of the table, which is most often its key.
func (t *staleTable) lookupOf(st sqlgen.Statement) string {
	if column, _, ok := st.Key(""); ok || t.schema == nil {
		return column
	}
	return t.schema.Columns[0].Name
}

// valueOf returns the value by which the entry of a query is found; empty if none is known.
func (t *staleTable) valueOf(st sqlgen.Statement) string {
	_, value, _ := st.Key(t.lookup)
	return value
}

func (t *staleTable) sum() int64 {
	return checksum([]byte(t.scope), []byte(t.name), []byte(t.lookup), t.described)
}

// A description is the schema of a table as it is in the file.
type description struct {
	Name, Schema string
	Columns      []sqlgen.Column
}

func describe(t *sqlgen.Table) []byte {
	text, _ := json.Marshal(description{t.Name, t.Schema, t.Columns}) // it has nothing that cannot be encoded
	return text
}

// parseDescription returns nil for a text that is no description.
func parseDescription(text []byte) *sqlgen.Table {
	var d description
	if json.Unmarshal(text, &d) != nil {
		return nil
	}
	t := sqlgen.NewTable(d.Name, d.Columns)
	t.Schema = d.Schema
	return t
}
