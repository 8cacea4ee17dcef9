package sqlgen

// Uncoded returns a query for the rows that a gateway which encodes ; as ^3B and ^ as ^5E
// never writes (P7). It reads one row: how many rows have a plain ; in one of some columns,
// the least value of the column key among them, and the same for a plain ^. Such a ^ counts
// in columns by which rows are looked up, and in others where it is decoded: before two
// hexadecimal digits. Columns that the table does not have, and those that are no text, are
// ignored. ok is false if none remain.
func Uncoded(d *Dialect, t *Table, lookups, others []string, key *Column) (s Statement, ok bool) {
	b := builder{d: d}
	lookup, other := t.texts(lookups), t.texts(others)
	first := d.Quote(key.Name)
	if key.Class != Text {
		first = d.AsText(key, first)
	}
	b.text("SELECT COUNT(CASE WHEN plain = 1 THEN 1 END), MIN(CASE WHEN plain = 1 THEN first_key END), ",
		"COUNT(CASE WHEN caret = 1 THEN 1 END), MIN(CASE WHEN caret = 1 THEN first_key END) ",
		"FROM (SELECT ", first, " AS first_key, CASE WHEN 0 = 1")
	for _, c := range append(lookup, other...) {
		b.text(" OR ")
		b.condition(condition{column: c, operator: "LIKE", value: "%;%"})
	}
	b.text(" THEN 1 END AS plain, CASE WHEN 0 = 1")
	for _, c := range lookup {
		b.text(" OR REPLACE(REPLACE(", d.Quote(c.Name), ", '^3B', ''), '^5E', '') LIKE '%^%'")
	}
	if d.Check != nil && d.Check.Decoded != nil {
		for _, c := range other {
			b.text(" OR ", d.Check.Decoded(d.Quote(c.Name)))
		}
	}
	b.text(" THEN 1 END AS caret FROM ", d.table(t), ") marked")
	return b.statement(t, nil), len(lookup)+len(other) > 0
}

// texts are the columns of some names that are texts.
func (t *Table) texts(names []string) (columns []*Column) {
	for _, name := range names {
		if c := t.Column(name); c != nil && c.Class == Text {
			columns = append(columns, c)
		}
	}
	return columns
}

// Empty returns the statement that deletes every row of a table. It is for an
// administrator to read; dbsep never runs it.
func Empty(d *Dialect, t *Table) string { return "DELETE FROM " + d.table(t) }

// Count returns a query for how many rows a table has.
func Count(d *Dialect, t *Table) Statement {
	return Statement{SQL: "SELECT COUNT(*) FROM " + d.table(t)}
}
