package sqlgen

import "maps"

// questions are texts of reading statements about a table, by their shape. A
// telephone system asks the same few questions all day, and all columns of a table
// are a text of some thousand bytes.
type questions struct {
	dialect *Dialect
	texts   map[string]string
}

// maxQuestions bounds the texts that a table keeps.
const maxQuestions = 64

// A question asks for the rows that meet conditions, or for the first of them. All
// that its statement says but the arguments depends on its shape alone.
type question struct {
	conditions []condition
	one        bool
}

// appendShape appends what distinguishes a question from others about its table.
func (q question) appendShape(dst []byte) []byte {
	if q.one {
		dst = append(dst, '1')
	}
	for _, c := range q.conditions {
		dst = append(append(dst, 0), c.column.Name...)
		dst = append(append(dst, 0), c.operator...)
		dst = append(dst, byte('0'+c.kind))
	}
	return dst
}

// ask makes the statement of a question.
func (t *Table) ask(d *Dialect, q question) Statement {
	var space [128]byte
	shape := q.appendShape(space[:0])
	known := t.questions.Load()
	if known == nil || known.dialect != d {
		known = &questions{dialect: d}
	}
	if text, ok := known.texts[string(shape)]; ok {
		args := make([]any, 0, len(q.conditions))
		for _, c := range q.conditions {
			if c.takesValue() {
				args = append(args, d.sought(c))
			}
		}
		return Statement{SQL: text, Args: args, Table: t.Name, table: t, conditions: q.conditions}
	}
	b := builder{d: d}
	b.question(t, q)
	s := b.statement(t, q.conditions)
	if len(known.texts) < maxQuestions {
		texts := maps.Clone(known.texts)
		if texts == nil {
			texts = make(map[string]string)
		}
		texts[string(shape)] = s.SQL
		t.questions.Store(&questions{d, texts})
	}
	return s
}

// question spells a question. The rows of one for many are ordered by the first
// condition's column (P11).
func (b *builder) question(t *Table, q question) {
	b.text("SELECT ")
	for i := range t.Columns {
		if i > 0 {
			b.text(", ")
		}
		c := &t.Columns[i]
		b.text(b.d.Read(c, b.d.Quote(c.Name)))
	}
	b.text(" FROM ", b.d.table(t))
	b.where(q.conditions)
	if q.one {
		b.text(b.d.AfterOne)
	} else {
		b.text(" ORDER BY ", b.d.compared(q.conditions[0].column))
	}
}
