package sqlgen

import (
	"strings"
	"sync/atomic"
)

// A Class is what a statement must know about the values of a column.
type Class int

const (
	Text     Class = iota // characters; every type that takes any text
	Integer               // whole numbers; Column.Size is their width in bytes
	Decimal               // exact numbers with a scale
	Float                 // approximate numbers
	Boolean               // declared as a truth value
	Date                  // a day
	DateTime              // a day and a time, with or without zone
	Time                  // a time of day or a duration
	Binary                // bytes
	Other                 // another type; its values have a text form, but it does not take every text, such as PostgreSQL's inet
)

// String returns the name of the class in log lines and documentation.
func (c Class) String() string {
	return [...]string{"text", "integer", "decimal", "float", "boolean", "date", "datetime", "time", "binary", "other"}[c]
}

// A Column describes one column of a real table.
type Column struct {
	Name     string // as the database spells it
	Class    Class
	Type     string // as declared, for instance "varchar(80)"; for people, and for what a class does not show
	Size     int    // characters of a Text or a DateTime, bytes of an Integer; 0: no limit that matters
	Unsigned bool   // an Integer that cannot be negative
	Nullable bool

	// Invisible columns are in no response: SELECT * leaves them out, or the account may
	// not read them.
	Invisible bool

	Collation Collation // of a Text

	// Unique says that the column is a unique key by itself, as far as is known.
	Unique bool
}

// A Collation says which printable ASCII texts a column takes for equal. Spaces at the
// end of a text may count or not.
type Collation int

const (
	UnknownCollation Collation = iota // perhaps also texts that differ in other letters
	CaseSensitive                     // the same only
	CaseInsensitive                   // also those that differ in case only
)

// Key returns a text that stands for a value of the column. The database takes values
// with different keys for different. ok is false if that is not certain: databases
// disregard case, accents and spaces, and have several forms of a number or a date.
func (c *Column) Key(value string) (key string, ok bool) {
	switch {
	case c.Class == Integer && !c.isYear():
		key, ok = wholeNumber(value)
		return key, ok && len(key) <= maxExactDigits
	case c.Class == Text && c.Collation != UnknownCollation && isPrintableASCII(value):
		key = strings.TrimRight(value, " ")
		if c.Collation == CaseInsensitive {
			key = strings.ToLower(key)
		}
		return key, key != ""
	}
	return "", false
}

// maxExactDigits is how long a whole number may be that a floating-point number holds.
const maxExactDigits = 15

func isPrintableASCII(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

// A Table is the schema of a table or view of the database.
type Table struct {
	Name    string // as the database spells it
	Schema  string // that contains the table; empty where its name alone is enough
	Columns []Column

	// Partial says that the table may have columns of which the account is not told.
	Partial bool

	byName map[string]int // as the database spells it
	byFold map[string]int // lower case; -1 where two columns differ in case only

	queryTexts atomic.Pointer[queryTexts]
}

// NewTable returns the schema of a table with its columns in their order.
func NewTable(name string, columns []Column) *Table {
	t := &Table{
		Name:    name,
		Columns: columns,
		byName:  make(map[string]int, len(columns)),
		byFold:  make(map[string]int, len(columns)),
	}
	for i, c := range columns {
		t.byName[c.Name] = i
		fold := strings.ToLower(c.Name)
		if _, taken := t.byFold[fold]; taken {
			i = -1
		}
		t.byFold[fold] = i
	}
	return t
}

// Only returns the table with those columns for which keep returns true.
func (t *Table) Only(keep func(*Column) bool) *Table {
	var columns []Column
	for i := range t.Columns {
		if keep(&t.Columns[i]) {
			columns = append(columns, t.Columns[i])
		}
	}
	part := NewTable(t.Name, columns)
	part.Schema, part.Partial = t.Schema, t.Partial
	return part
}

// Visible returns the columns of a row in a response.
func (t *Table) Visible() []*Column {
	visible := make([]*Column, 0, len(t.Columns))
	for i := range t.Columns {
		if !t.Columns[i].Invisible {
			visible = append(visible, &t.Columns[i])
		}
	}
	return visible
}

// unknown is the Fault of a column that the table does not have, as far as is known.
func (t *Table) unknown(column string) *Fault {
	if t.Partial {
		return &Fault{Cause: Denied, Table: t.Name, Column: column, Hint: "give the account its rights to the column with GRANT, or correct the column's name"}
	}
	return &Fault{Cause: UnknownColumn, Table: t.Name, Column: column}
}

// Column finds a column by its name: as the database spells it, or without regard to
// case. It returns nil if there is none, or if two columns differ from the name in
// case only.
func (t *Table) Column(name string) *Column {
	i, ok := t.byName[name]
	if !ok {
		i, ok = t.byFold[strings.ToLower(name)]
	}
	if !ok || i < 0 {
		return nil
	}
	return &t.Columns[i]
}
