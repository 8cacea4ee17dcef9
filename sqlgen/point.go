package sqlgen

import "slices"

// PointValue returns the value of a statement that reads all columns of the one row that
// has this value in a unique text column. ok is false for every other statement, and where
// it is not certain which other values the database takes for equal (see [Column.Key]).
func (s Statement) PointValue() (value string, ok bool) {
	if !s.all || !s.one || len(s.conditions) != 1 {
		return "", false
	}
	c := s.conditions[0]
	if c.operator != "=" || c.column.Class != Text || !c.column.Unique || c.column.Invisible {
		return "", false
	}
	if _, ok := c.column.Key(c.value); !ok {
		return "", false
	}
	return c.value, true
}

// Points returns the statement that reads, with the same columns, the rows of all these
// values in the place of the one of [Statement.PointValue], with that value's column and its
// position in a row.
func (s Statement) Points(d *Dialect, values []string) (points Statement, column *Column, position int) {
	column = s.conditions[0].column
	return s.table.query(d, query{column: column, values: values}), column, slices.Index(s.table.Visible(), column)
}

// anyOf writes that a column has one of several values.
func (b *builder) anyOf(c *Column, values []string) {
	b.text(" WHERE ", b.d.Quote(c.Name), " IN (")
	for i, value := range values {
		if i > 0 {
			b.text(", ")
		}
		b.argument(b.d.operand(c, value))
	}
	b.text(")")
}
