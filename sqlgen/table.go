package sqlgen

import (
	"strings"
	"sync/atomic"
)

// A Class says of a column what a statement must know about its values.
type Class int

const (
	Text     Class = iota // characters, and whatever takes any text
	Integer               // whole numbers; Column.Size is their width in bytes
	Decimal               // exact numbers with a scale
	Float                 // approximate numbers
	Boolean               // declared as a truth value
	Date                  // a day
	DateTime              // a day and a time, with or without zone
	Time                  // a time of day or a duration
	Binary                // bytes
	Other                 // none of these; what has a text but does not take any, such as an address of PostgreSQL
)

// String returns the word for the class that log lines and documents use.
func (c Class) String() string {
	return [...]string{"text", "integer", "decimal", "float", "boolean", "date", "datetime", "time", "binary", "other"}[c]
}

// A Column describes one column of a real table.
type Column struct {
	Name     string // as the database spells it
	Class    Class
	Type     string // as declared, for instance "varchar(80)"; for people, and for what a class does not tell
	Size     int    // characters of a Text, bytes of an Integer; 0: the database sets no limit worth checking
	Unsigned bool   // an Integer that cannot be negative
	Nullable bool
}

// A Table describes a real table or view: what a request may name.
type Table struct {
	Name    string // as the database spells it
	Schema  string // that the table was found in; empty where its name alone means it
	Columns []Column

	byName map[string]int // the spelling of the database
	byFold map[string]int // lower case; -1 where two columns differ in case only

	questions atomic.Pointer[questions]
}

// NewTable returns the description of a table with its columns in their order.
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

// Only returns the table as if it had no other columns than those kept.
func (t *Table) Only(keep func(*Column) bool) *Table {
	var columns []Column
	for i := range t.Columns {
		if keep(&t.Columns[i]) {
			columns = append(columns, t.Columns[i])
		}
	}
	part := NewTable(t.Name, columns)
	part.Schema = t.Schema
	return part
}

// Column finds a column by its name, in the spelling of the database first and
// without regard to case after that. It returns nil where there is none, or
// where case alone would have to choose between two.
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
