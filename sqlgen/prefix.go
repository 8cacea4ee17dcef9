package sqlgen

// A PrefixIndex is an index by which a database finds the rows whose column begins
// with a text, as LIKE asks for it. The functions are for a text column.
type PrefixIndex struct {
	// Count asks for the number of such indexes that a column has. A view counts
	// as one: it can have none itself.
	Count func(t *Table, column string) Statement

	// Make spells the statement that makes one. Names come quoted.
	Make func(name, table, column string) string
}

// Unindexed asks for two numbers in one row: how many rows a table has, and how
// many indexes by which LIKE finds a column's beginning. remedy is the statement
// that would make one, for an administrator to read; dbsep never runs it. ok is
// false where there is no such column, or any index does for LIKE.
func Unindexed(d *Dialect, t *Table, column string) (question Statement, remedy string, ok bool) {
	c := t.Column(column)
	if c == nil || c.Class != Text || d.Prefix == nil {
		return Statement{}, "", false
	}
	question = d.Prefix.Count(t, c.Name)
	question.SQL = "SELECT (SELECT COUNT(*) FROM " + d.table(t) + "), (" + question.SQL + ")"
	return question, d.Prefix.Make(d.Quote(t.Name+"_like"), d.table(t), d.Quote(c.Name)), true
}
