package sqlgen

// An Operand is a column that a statement compares with a value, or sets to one.
type Operand struct {
	*Column
	Operator string // of a comparison, as in SQL; empty for a value that is set
	Value    string

	// Null says that the column is set to NULL, Never that no row meets the condition, because
	// the column cannot hold the value, and NotNull that every row meets it whose column is
	// not NULL. There is no Value then.
	Null, Never, NotNull bool
}

// Conditions lists the comparisons of a statement.
func (s Statement) Conditions() []Operand {
	var all []Operand
	for _, c := range s.conditions {
		o := Operand{Column: c.column, Operator: c.operator, Value: c.value, Never: c.operator == never, NotNull: c.operator == notNull}
		if o.Never {
			o.Operator = ""
		}
		all = append(all, o)
	}
	return all
}

// Values lists the columns that a write sets.
func (s Statement) Values() []Operand {
	var all []Operand
	for i, c := range s.columns {
		all = append(all, Operand{Column: c, Value: s.values[i].Value, Null: c.empties(s.values[i].Value)})
	}
	return all
}

// Count returns a query for the number of rows that meet the conditions of a statement. ok is
// false if it has none.
func (s Statement) Count(d *Dialect) (count Statement, ok bool) {
	if len(s.conditions) == 0 {
		return Statement{}, false
	}
	b := builder{d: d}
	b.text("SELECT COUNT(*) FROM ", d.table(s.table))
	b.where(s.conditions)
	return b.statement(s.table, s.conditions), true
}

// SameKeys returns, for a statement that stores a row, queries for the number of rows that
// have the same key: one for each of the keys whose columns are all among its values.
func (s Statement) SameKeys(d *Dialect, keys [][]string) []Statement {
	var all []Statement
	for _, key := range keys {
		same, ok, err := Overwrite(d, s.table, [][]string{key}, s.values)
		if err != nil || !ok {
			continue
		}
		if count, ok := same.Count(d); ok {
			all = append(all, count)
		}
	}
	return all
}

// Explain returns a query for the plan of a statement, which does not run. prefix is the
// database's word for that. The query finds no rows of the table, so it has no conditions.
func (s Statement) Explain(prefix string) Statement {
	return Statement{SQL: prefix + s.SQL, Args: s.Args, Table: s.Table, table: s.table, columns: s.columns, values: s.values}
}
