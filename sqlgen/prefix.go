package sqlgen

// A PrefixIndex is an index that a database can use for LIKE with a prefix. The
// functions are for a text column.
type PrefixIndex struct {
	// Count returns a query for the number of such indexes of a column. A view has
	// one, since it cannot have indexes itself.
	Count func(t *Table, column string) Statement

	// Make writes the statement that creates one. Names are quoted.
	Make func(name, table, column string) string
}

// Unindexed returns a query for two numbers in one row: how many rows a table has, and
// how many indexes of a column LIKE can use. fix is the statement that creates one, for
// an administrator to read; dbsep never runs it. ok is false if there is no such
// column, or if LIKE can use any index.
func Unindexed(d *Dialect, t *Table, column string) (query Statement, fix string, ok bool) {
	c := t.Column(column)
	if c == nil || c.Class != Text || d.Check == nil || d.Check.Prefix == nil {
		return Statement{}, "", false
	}
	query = d.Check.Prefix.Count(t, c.Name)
	query.SQL = "SELECT (SELECT COUNT(*) FROM " + d.table(t) + "), (" + query.SQL + ")"
	return query, d.Check.Prefix.Make(d.Quote(t.Name+"_like"), d.table(t), d.Quote(c.Name)), true
}
