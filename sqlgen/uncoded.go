package sqlgen

// Uncoded returns a query that counts the rows in which one of the columns contains a
// plain ;, which a gateway that encodes it as ^3B never writes (P7). Columns that the
// table does not have are ignored. ok is false if none remain.
func Uncoded(d *Dialect, t *Table, columns []string) (s Statement, ok bool) {
	b := builder{d: d}
	b.text("SELECT COUNT(*) FROM ", d.table(t))
	for _, name := range columns {
		c := t.Column(name)
		if c == nil {
			continue
		}
		if ok {
			b.text(" OR ")
		} else {
			b.text(" WHERE ")
		}
		ok = true
		b.condition(condition{column: c, operator: "LIKE", value: "%;%"})
	}
	return b.statement(t, nil), ok
}

// Empty returns the statement that deletes every row of a table. It is for an
// administrator to read; dbsep never runs it.
func Empty(d *Dialect, t *Table) string { return "DELETE FROM " + d.table(t) }
