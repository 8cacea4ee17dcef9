package sqlgen

// A Dialect is how one kind of database spells what others spell differently.
// The package that knows the database provides it; every field must be set
// but Bytes, Escape, AfterOne and those that may be nil. The functions
// that make text of a statement get names and expressions, never values.
type Dialect struct {
	// Quote spells a table's or column's name so that any name is one name.
	Quote func(name string) string

	// Placeholder spells the nth argument of a statement, counted from 1.
	Placeholder func(n int) string

	// Bytes says that the value of a Binary column is an argument of the type
	// []byte, for databases to which bytes and characters are not the same.
	Bytes bool

	// Read spells the expression that reads a column so that its text comes
	// back as the database holds it; quoted is the column's quoted name.
	Read func(c *Column, quoted string) string

	// AsText spells a column as text, for LIKE on a column that is none (P13).
	AsText func(c *Column, quoted string) string

	// Compare spells a column that is compared with a value or sorted by, for
	// databases that compare some types only as others. May be nil.
	Compare func(c *Column, quoted string) string

	// ByteOrder spells a Text or Other column in ORDER BY so that rows come in the
	// order of its text's bytes, an empty text and NULL first, whatever the
	// column's collation. May be nil, where there is no SQL for that: then the
	// order is the database's.
	ByteOrder func(c *Column, quoted string) string

	// Takes says whether a column can be compared with a value or set to it, for
	// databases that silently make another value of one that is no number or no
	// date. What it does not say is the database's to say. May be nil.
	Takes func(c *Column, value string) bool

	// Coerces says that the database makes another value of one that is none of the
	// column's type, instead of refusing it: of "5abc" the number 5.
	Coerces bool

	// SameType spells that a column's value is a number, or that it is a text, for
	// databases whose columns hold values of any type: in an order such a database
	// has all numbers before all texts. May be nil.
	SameType func(quoted string, number bool) string

	// Pattern respells a LIKE pattern, for databases in which more than % and _
	// is wild. May be nil.
	Pattern func(pattern string) string

	// Escape is the clause after a LIKE pattern that makes backslash its
	// escape character, with its leading blank; empty where it is one anyway.
	Escape string

	// AfterOne asks for one row only: text at the end of the statement, with its
	// space.
	AfterOne string

	// Type spells the type of a new column that meets a requirement.
	Type func(r Requirement) string

	// Add and Alter spell how a table gets a new column, and how an existing
	// column gets another type. Names come quoted.
	Add, Alter func(table, column, typ string) string

	// Prefix is an index that LIKE can use. Nil where it can use any.
	Prefix *PrefixIndex

	// Doublings are the ways in which texts may have come to be encoded as UTF-8
	// twice, and Doubles tells whether a Text column may hold such texts. May be
	// nil, where that cannot happen.
	Doublings []Doubling
	Doubles   func(c *Column) bool
}

// table spells the name of a table, with its schema where that is known.
func (d *Dialect) table(t *Table) string {
	if t.Schema == "" {
		return d.Quote(t.Name)
	}
	return d.Quote(t.Schema) + "." + d.Quote(t.Name)
}

// compared spells a column that is compared with a value or sorted by.
func (d *Dialect) compared(c *Column) string {
	if d.Compare == nil {
		return d.Quote(c.Name)
	}
	return d.Compare(c, d.Quote(c.Name))
}

// byteOrder spells a column that rows are sorted by. Texts are sorted by their
// bytes, where the dialect can, and all else as the database sorts it.
func (d *Dialect) byteOrder(c *Column) string {
	if d.ByteOrder != nil && (c.Class == Text || c.Class == Other) {
		return d.ByteOrder(c, d.Quote(c.Name))
	}
	return d.compared(c)
}

// takes says whether a column can be compared with a value or set to it.
func (d *Dialect) takes(c *Column, value string) bool { return d.Takes == nil || d.Takes(c, value) }
