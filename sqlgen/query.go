package sqlgen

import (
	"maps"
	"strconv"
)

// queryTexts caches the texts of queries of a table, by their shape. A PBX sends the
// same few queries all day, and listing all columns of a table takes some thousand
// bytes.
type queryTexts struct {
	dialect *Dialect
	texts   map[string]string
}

// maxQueryTexts limits the texts that a table caches.
const maxQueryTexts = 64

// A query selects the rows that meet conditions, or the first of them, or the rows that
// have one of several values in a column. Except for the arguments, its statement depends
// on its shape alone.
type query struct {
	conditions []condition
	one        bool
	order      *Column // of several rows; nil: the database decides

	column *Column // nil: there are only conditions
	values []string
}

// appendShape appends what distinguishes a query from others of the same table.
func (q query) appendShape(dst []byte) []byte {
	switch {
	case q.one:
		dst = append(dst, '1')
	case q.order != nil:
		dst = append(append(dst, 'o'), q.order.Name...)
	}
	if q.column != nil {
		return append(append(strconv.AppendInt(dst, int64(len(q.values)), 10), 0), q.column.Name...)
	}
	for _, c := range q.conditions {
		dst = append(append(dst, 0), c.column.Name...)
		dst = append(append(dst, 0), c.operator...)
		dst = append(dst, byte('0'+c.kind))
	}
	return dst
}

// query returns the statement of a query.
func (t *Table) query(d *Dialect, q query) Statement {
	var buffer [128]byte
	shape := q.appendShape(buffer[:0])
	cached := t.queryTexts.Load()
	if cached == nil || cached.dialect != d {
		cached = &queryTexts{dialect: d}
	}
	if text, ok := cached.texts[string(shape)]; ok {
		return Statement{SQL: text, Args: q.args(d), Table: t.Name, table: t, conditions: q.conditions, all: true, one: q.one, order: q.order}
	}
	b := builder{d: d}
	b.query(t, q)
	s := b.statement(t, q.conditions)
	s.all, s.one, s.order = true, q.one, q.order
	if len(cached.texts) < maxQueryTexts {
		texts := maps.Clone(cached.texts)
		if texts == nil {
			texts = make(map[string]string)
		}
		texts[string(shape)] = s.SQL
		t.queryTexts.Store(&queryTexts{d, texts})
	}
	return s
}

// args are the arguments of a query whose text is known.
func (q query) args(d *Dialect) []any {
	args := make([]any, 0, len(q.conditions)+len(q.values))
	for _, c := range q.conditions {
		if c.takesValue() {
			args = append(args, d.conditionArgument(c))
		}
	}
	for _, value := range q.values {
		args = append(args, d.operand(q.column, value))
	}
	return args
}

// query writes the text of a query.
func (b *builder) query(t *Table, q query) {
	b.text("SELECT ")
	visible := t.Visible()
	for i, c := range visible {
		if i > 0 {
			b.text(", ")
		}
		b.text(b.d.Read(c, b.d.Quote(c.Name)))
	}
	if len(visible) == 0 {
		b.text("NULL")
	}
	b.text(" FROM ", b.d.table(t))
	b.where(q.conditions)
	if q.column != nil {
		b.anyOf(q.column, q.values)
	}
	switch {
	case q.one:
		b.text(b.d.AfterOne)
	case q.order != nil:
		b.text(" ORDER BY ", b.d.order(q.order))
	}
}
