package sqlgen

import (
	"slices"
	"strconv"
	"strings"
)

// A Statement is SQL text with one placeholder for each argument. An argument
// is a string, a []byte where [Dialect.Bytes] requires it, or nil, which is NULL.
type Statement struct {
	SQL  string
	Args []any

	Table   string // that it reads or changes; empty if unknown
	Lenient bool   // the server may change values that do not fit, if its settings say so

	table      *Table
	conditions []condition
	columns    []*Column // that a write sets, in their order
	values     []Field
	all        bool     // it reads all columns
	one        bool     // of one row
	order      *Column  // of the rows of all columns; nil if there is none, or if it is among the named
	named      []string // columns that it reads, if not all
}

// Columns returns the columns that the statement names: reads, compares or sets.
func (s Statement) Columns() []string {
	var names []string
	if s.all {
		for i := range s.table.Columns {
			names = append(names, s.table.Columns[i].Name)
		}
		if s.order != nil && s.table.Column(s.order.Name) == nil {
			names = append(names, s.order.Name)
		}
		return names
	}
	names = append(names, s.named...)
	for _, c := range s.conditions {
		names = append(names, c.column.Name)
	}
	for _, c := range s.columns {
		names = append(names, c.Name)
	}
	return names
}

// NoText returns the first column that a condition compares, as text, with a value for
// which isText returns false. found is false if there is none.
func (s Statement) NoText(isText func(value string) bool) (column string, found bool) {
	for _, c := range s.conditions {
		if c.takesValue() && c.column.Class != Binary && !isText(c.value) {
			return c.column.Name, true
		}
	}
	return "", false
}

// HasColumn reports whether the statement's table has a column.
func (s Statement) HasColumn(name string) bool { return s.table != nil && s.table.Column(name) != nil }

// Key returns a value that a column has in all rows that the statement reads or
// changes, as [Column.Key] has it. The column is the one that is named, or, with an empty
// name, the first for which there is such a value. ok is false if there is none.
func (s Statement) Key(column string) (name, key string, ok bool) {
	for _, c := range s.conditions {
		if c.operator != "=" || column != "" && c.column.Name != column {
			continue
		}
		if key, ok = c.column.Key(c.value); ok {
			return c.column.Name, key, true
		}
	}
	return "", "", false
}

// Position returns where a column is in the rows that the statement reads, -1 if it is not
// there.
func (s Statement) Position(column string) int {
	if !s.all {
		return -1
	}
	return slices.IndexFunc(s.table.Visible(), func(c *Column) bool { return strings.EqualFold(c.Name, column) })
}

// Sets reports whether the statement is a write that sets a column.
func (s Statement) Sets(column string) bool {
	return slices.ContainsFunc(s.columns, func(c *Column) bool { return c.Name == column })
}

// First returns a statement that reads the first row that meets the conditions of
// this one. ok is false if it has none.
func (s Statement) First(d *Dialect) (first Statement, ok bool) {
	if len(s.conditions) == 0 {
		return Statement{}, false
	}
	return s.table.query(d, query{conditions: s.conditions, one: true}), true
}

// Equalities returns a statement like First with only those conditions that match
// nothing if their columns cannot hold the value: not ordered comparisons and not
// inequality. others reports whether the statement has those too.
func (s Statement) Equalities(d *Dialect) (first Statement, ok, others bool) {
	var equal []condition
	for _, c := range s.conditions {
		if !c.takesValue() || c.operator == "=" || c.operator == "LIKE" {
			equal = append(equal, c)
		}
	}
	if len(equal) == 0 {
		return Statement{}, false, len(s.conditions) > 0
	}
	return s.table.query(d, query{conditions: equal, one: true}), true, len(equal) < len(s.conditions)
}

// Single reads every column of the first row that meets all conditions.
func Single(d *Dialect, t *Table, lookup []Field) (Statement, error) {
	conditions, err := t.conditions(d, lookup)
	if err != nil {
		return Statement{}, err
	}
	return t.query(d, query{conditions: conditions, one: true}), nil
}

// Multi reads every column of all rows that meet all conditions, ordered by the
// first condition's column (P11).
func Multi(d *Dialect, t *Table, lookup []Field) (Statement, error) {
	conditions, err := t.conditions(d, lookup)
	if err != nil {
		return Statement{}, err
	}
	return t.query(d, query{conditions: conditions, order: conditions[0].column}), nil
}

// MultiBy reads what Multi reads, ordered by another column, which the table need not
// show, or as the database finds the rows if the column is nil.
func MultiBy(d *Dialect, t *Table, lookup []Field, order *Column) (Statement, error) {
	conditions, err := t.conditions(d, lookup)
	if err != nil {
		return Statement{}, err
	}
	return t.query(d, query{conditions: conditions, order: order}), nil
}

// Store inserts one row.
func Store(d *Dialect, t *Table, values []Field) (Statement, error) {
	columns, err := t.assign(d, values)
	if err != nil {
		return Statement{}, err
	}
	b := builder{d: d}
	b.text("INSERT INTO ", d.table(t), " (")
	for i, c := range columns {
		if i > 0 {
			b.text(", ")
		}
		b.text(d.Quote(c.Name))
	}
	b.text(") VALUES (")
	for i, c := range columns {
		if i > 0 {
			b.text(", ")
		}
		b.argument(d.value(c, values[i].Value))
	}
	b.text(")")
	return b.write(t, nil, columns, values), nil
}

// Overwrite updates the row that has the same key as these values. The key is the
// first of the table's unique keys, each the names of its columns, whose columns are
// all among the values. ok is false if there is none.
func Overwrite(d *Dialect, t *Table, keys [][]string, values []Field) (s Statement, ok bool, err error) {
	for _, key := range keys {
		lookup, whole := t.given(key, values)
		if whole {
			s, err = Update(d, t, lookup, values)
			return s, err == nil, err
		}
	}
	return Statement{}, false, nil
}

// given returns those of the values that are in the columns of a key.
func (t *Table) given(key []string, values []Field) (lookup []Field, whole bool) {
	for _, name := range key {
		i := slices.IndexFunc(values, func(f Field) bool {
			c := t.Assigned(f)
			return c != nil && c.Name == name
		})
		if i < 0 {
			return nil, false
		}
		lookup = append(lookup, Field{name, values[i].Value})
	}
	return lookup, len(key) > 0
}

// Update sets values in all rows that meet all conditions. The same column may be in
// both (P14).
func Update(d *Dialect, t *Table, lookup, values []Field) (Statement, error) {
	columns, err := t.assign(d, values)
	if err != nil {
		return Statement{}, err
	}
	conditions, err := t.conditions(d, lookup)
	if err != nil {
		return Statement{}, err
	}
	b := builder{d: d}
	b.text("UPDATE ", d.table(t), " SET ")
	for i, c := range columns {
		if i > 0 {
			b.text(", ")
		}
		b.text(d.Quote(c.Name), " = ")
		b.argument(d.value(c, values[i].Value))
	}
	b.where(conditions)
	return b.write(t, conditions, columns, values), nil
}

// Destroy deletes all rows that meet all conditions.
func Destroy(d *Dialect, t *Table, lookup []Field) (Statement, error) {
	conditions, err := t.conditions(d, lookup)
	if err != nil {
		return Statement{}, err
	}
	b := builder{d: d}
	b.text("DELETE FROM ", d.table(t))
	b.where(conditions)
	return b.statement(t, conditions), nil
}

// StaticColumns are the columns of a static file's row, in the order in which Asterisk
// gets them (P17).
var StaticColumns = []string{"cat_metric", "category", "var_name", "var_val"}

// Static reads the rows of one static file, without those commented out, in the
// order of the native drivers (P17). Rows of equal metrics are sorted by the bytes
// of their texts: a collation may change with the database's version. An id column
// decides between equal rows.
func Static(d *Dialect, t *Table, file string) (Statement, error) {
	b := builder{d: d}
	column := make(map[string]*Column, 7)
	named := []string{"cat_metric", "category", "var_name", "var_val", "filename", "commented", "var_metric"}
	for _, name := range named {
		c := t.Column(name)
		if c == nil {
			return Statement{}, t.unknown(name)
		}
		column[name] = c
	}
	b.text("SELECT ")
	for i, name := range StaticColumns {
		if i > 0 {
			b.text(", ")
		}
		b.text(d.Read(column[name], d.Quote(column[name].Name)))
	}
	quoted := func(name string) string { return d.Quote(column[name].Name) }
	b.text(" FROM ", d.table(t), " WHERE ", quoted("filename"), " = ")
	b.argument(file)
	b.text(" AND ", quoted("commented"), " = 0 ORDER BY ", quoted("cat_metric"), " DESC, ",
		quoted("var_metric"), ", ", d.byteOrder(column["category"]), ", ", d.byteOrder(column["var_name"]))
	if id := t.Column("id"); id != nil {
		b.text(", ", d.Quote(id.Name))
		named = append(named, id.Name)
	}
	s := b.statement(t, []condition{{column: column["filename"], operator: "=", value: file}})
	s.named = named
	return s, nil
}

// assign resolves the columns that a write sets. A name with an operator is not a
// column.
func (t *Table) assign(d *Dialect, values []Field) ([]*Column, error) {
	if len(values) == 0 {
		return nil, &Fault{Cause: NoValue, Table: t.Name}
	}
	columns := make([]*Column, len(values))
	seen := make(map[*Column]bool, len(values))
	for i, f := range values {
		c := t.Assigned(f)
		if c == nil {
			return nil, t.unknown(f.Name)
		}
		if seen[c] {
			return nil, &Fault{Cause: RepeatedColumn, Table: t.Name, Column: c.Name}
		}
		if !c.empties(f.Value) && !d.takes(c, f.Value) {
			return nil, &Fault{Cause: BadValue, Table: t.Name, Column: c.Name}
		}
		seen[c] = true
		columns[i] = c
	}
	return columns, nil
}

// Assigned finds the column that a field of a write sets. It returns nil if the table
// has no such column.
func (t *Table) Assigned(f Field) *Column {
	return t.Column(strings.Trim(f.Name, " "))
}

// A builder builds a statement's text together with its arguments.
type builder struct {
	d    *Dialect
	sql  strings.Builder
	args []any
}

// statement returns the statement that was built.
func (b *builder) statement(t *Table, conditions []condition) Statement {
	return Statement{SQL: b.sql.String(), Args: b.args, Table: t.Name, table: t, conditions: conditions}
}

// write returns the statement that was built, which sets columns.
func (b *builder) write(t *Table, conditions []condition, columns []*Column, values []Field) Statement {
	s := b.statement(t, conditions)
	s.columns, s.values = columns, values
	return s
}

func (b *builder) text(parts ...string) {
	for _, p := range parts {
		b.sql.WriteString(p)
	}
}

func (b *builder) argument(value any) {
	b.args = append(b.args, value)
	b.text(b.d.Placeholder(len(b.args)))
}

// empties reports whether a value makes a column NULL: an empty value does if the
// column can be NULL and is not text, as in the native ODBC driver (P15).
func (c *Column) empties(value string) bool {
	return value == "" && c.Nullable && c.Class != Text && c.Class != Binary
}

// value is the argument that sets a column to a value.
func (d *Dialect) value(c *Column, value string) any {
	if c.empties(value) {
		return nil
	}
	return d.operand(c, value)
}

// operand is the argument that a column is compared with or set to.
func (d *Dialect) operand(c *Column, value string) any {
	if d.Bytes && c.Class == Binary {
		return []byte(value)
	}
	return value
}

func (b *builder) where(conditions []condition) {
	for i, c := range conditions {
		if i == 0 {
			b.text(" WHERE ")
		} else {
			b.text(" AND ")
		}
		b.condition(c)
	}
}

func (b *builder) condition(c condition) {
	switch {
	case c.operator == never:
		b.text("0 = 1")
		return
	case c.operator == notNull:
		b.text(b.d.Quote(c.column.Name), " IS NOT NULL")
		return
	case b.compareAny(c):
		return
	case !c.like():
		b.text(b.d.Quote(c.column.Name), " ", c.operator, " ")
		b.argument(b.d.conditionArgument(c))
		if c.kind != misfit {
			b.text(" AND ", b.d.SameType(b.d.Quote(c.column.Name), c.kind == number))
		}
		return
	}
	quoted := b.d.Quote(c.column.Name)
	if c.column.Class != Text {
		quoted = b.d.AsText(c.column, quoted)
	}
	b.text(quoted, " ", c.operator, " ")
	b.argument(b.d.conditionArgument(c))
	b.text(b.d.Escape)
}

// compareAny writes a comparison with a column that holds values of any type. It reports
// false for other columns.
func (b *builder) compareAny(c condition) bool {
	if b.d.CompareAny == nil {
		return false
	}
	text := b.d.CompareAny(c.column, b.d.Quote(c.column.Name), c.operator, b.d.Placeholder(len(b.args)+1))
	if text == "" {
		return false
	}
	b.args = append(b.args, b.d.conditionArgument(c))
	b.text(text)
	return true
}

// conditionArgument is the argument of a condition.
func (d *Dialect) conditionArgument(c condition) any {
	if !c.like() {
		return d.operand(c.column, c.value)
	}
	pattern := closePattern(c.value)
	if d.Pattern != nil {
		pattern = d.Pattern(pattern)
	}
	return d.operand(c.column, pattern)
}

// closePattern doubles a backslash at the end of a LIKE pattern. It has nothing to
// escape there, which databases treat differently.
func closePattern(pattern string) string {
	trailing := len(pattern) - len(strings.TrimRight(pattern, `\`))
	if trailing%2 == 1 {
		return pattern + `\`
	}
	return pattern
}

// QuestionMark is the placeholder of most databases.
func QuestionMark(int) string { return "?" }

// Dollar is the numbered placeholder of PostgreSQL.
func Dollar(n int) string { return "$" + strconv.Itoa(n) }
