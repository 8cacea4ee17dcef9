package sqlgen

// ExplainUpdate returns a query for the plan of a statement that would change a row of a
// table, if there were one: it fails if the account may not update the table, and changes
// nothing.
func ExplainUpdate(d *Dialect, t *Table) Statement {
	column := d.Quote(t.Columns[0].Name)
	return Statement{SQL: "EXPLAIN UPDATE " + d.table(t) + " SET " + column + " = " + column + " WHERE 1 = 0"}
}
