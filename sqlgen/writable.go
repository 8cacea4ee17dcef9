package sqlgen

import "strings"

// The Explain functions return queries for the plans of statements that would change a
// table if there were a row for them. A query fails if the account may not do that, or if
// a column or the table takes no values. It changes nothing. Without columns the first one
// of the table is set.

// ExplainUpdate is about columns whose values are changed.
func ExplainUpdate(d *Dialect, t *Table, columns ...*Column) Statement {
	set := d.quotedNames(t, columns)
	for i, name := range set {
		set[i] = name + " = " + name
	}
	return Statement{SQL: "EXPLAIN UPDATE " + d.table(t) + " SET " + strings.Join(set, ", ") + " WHERE 1 = 0"}
}

// ExplainStore is about new rows with values for columns.
func ExplainStore(d *Dialect, t *Table, columns ...*Column) Statement {
	list := strings.Join(d.quotedNames(t, columns), ", ")
	return Statement{SQL: "EXPLAIN INSERT INTO " + d.table(t) + " (" + list + ") SELECT " + list + " FROM " + d.table(t) + " WHERE 1 = 0"}
}

// ExplainDestroy is about rows that are deleted.
func ExplainDestroy(d *Dialect, t *Table, _ ...*Column) Statement {
	return Statement{SQL: "EXPLAIN DELETE FROM " + d.table(t) + " WHERE 1 = 0"}
}

func (d *Dialect) quotedNames(t *Table, columns []*Column) []string {
	if len(columns) == 0 {
		columns = []*Column{&t.Columns[0]}
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = d.Quote(c.Name)
	}
	return names
}
