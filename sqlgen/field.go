package sqlgen

import "strings"

// A Field is one pair of a request as Asterisk sends it: in a condition its name may
// end in an operator, as in "id LIKE", "mailboxes !=" or "startTime<= " (protocol P12).
type Field struct {
	Name  string
	Value string
}

// operators are the comparisons of conditions, in upper case with single spaces,
// and their SQL.
var operators = map[string]string{
	"=":        "=",
	"==":       "=",
	"!=":       "<>",
	"<>":       "<>",
	"<":        "<",
	"<=":       "<=",
	">":        ">",
	">=":       ">=",
	"LIKE":     "LIKE",
	"NOT LIKE": "NOT LIKE",
}

// Operators lists the comparisons of conditions, for documentation and messages.
const Operators = "=, ==, !=, <>, <, <=, >, >=, LIKE, NOT LIKE"

// A condition is a field resolved against a table.
type condition struct {
	column   *Column
	operator string
	value    string
	kind     kind // of the value, where the dialect has SameType
}

// like reports whether the condition compares with a pattern.
func (c condition) like() bool { return c.operator == "LIKE" || c.operator == "NOT LIKE" }

// conditions resolves a lookup. It must have a condition: no client of this protocol
// wants every row.
func (t *Table) conditions(d *Dialect, lookup []Field) ([]condition, error) {
	if len(lookup) == 0 {
		return nil, &Fault{Cause: NoCondition, Table: t.Name}
	}
	conditions := make([]condition, len(lookup))
	for i, f := range lookup {
		c, err := t.resolve(f)
		if err != nil {
			return nil, err
		}
		if conditions[i], err = t.fit(d, c); err != nil {
			return nil, err
		}
	}
	return conditions, nil
}

// resolve splits a field's name into column and operator. It tries the whole name as
// a column first, because the name of a column may contain spaces and signs.
func (t *Table) resolve(f Field) (condition, error) {
	name := strings.Trim(f.Name, " ")
	if c := t.Column(name); c != nil {
		return condition{column: c, operator: "=", value: f.Value}, nil
	}
	column, operator := splitOperator(name)
	c, sql := t.Column(column), operators[operator]
	switch {
	case c != nil && sql != "":
		return condition{column: c, operator: sql, value: f.Value}, nil
	case c != nil, operator == "" && t.Column(firstWord(name)) != nil:
		return condition{}, &Fault{Cause: UnknownOperator, Table: t.Name, Column: name}
	default:
		return condition{}, t.unknown(column)
	}
}

// Named finds the column of a condition. It returns nil if there is none.
func (t *Table) Named(f Field) *Column {
	c, err := t.resolve(f)
	if err != nil {
		return nil
	}
	return c.column
}

// splitOperator splits the operator off the end of a name: the word LIKE or NOT LIKE
// after a space, or signs. The operator is empty if there is none, and may be one that
// is not known.
func splitOperator(name string) (column, operator string) {
	rest, last := cutLastWord(name)
	if strings.EqualFold(last, "LIKE") && rest != "" {
		if before, not := cutLastWord(rest); strings.EqualFold(not, "NOT") && before != "" {
			return before, "NOT LIKE"
		}
		return rest, "LIKE"
	}
	if rest = strings.TrimRight(name, "<>=!"); rest == "" || rest == name {
		return name, ""
	}
	return strings.TrimRight(rest, " "), name[len(rest):]
}

func cutLastWord(s string) (before, last string) {
	i := strings.LastIndexByte(s, ' ')
	return strings.TrimRight(s[:i+1], " "), s[i+1:]
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
