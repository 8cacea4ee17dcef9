package sqlgen

// A Dialect is the SQL that differs between databases. The package of each database
// provides one. Every field must be set except Bytes, Escape, AfterOne and those
// that may be nil. Its functions get names and expressions, never values.
type Dialect struct {
	// Quote quotes the name of a table or column. Every name must be safe.
	Quote func(name string) string

	// Placeholder writes the nth argument of a statement, counted from 1.
	Placeholder func(n int) string

	// Bytes says that the value of a Binary column is an argument of the type
	// []byte, for databases that distinguish bytes and characters.
	Bytes bool

	// Read writes the expression that reads a column as the text that the database
	// stores. quoted is the column's quoted name.
	Read func(c *Column, quoted string) string

	// AsText converts a column to text, for LIKE on a column of another class (P13).
	AsText func(c *Column, quoted string) string

	// Unsorted reports whether the database has no order for a column's type. Such a
	// column is sorted as text. May be nil.
	Unsorted func(c *Column) bool

	// ByteOrder writes a Text or Other column in ORDER BY so that rows are sorted by the
	// bytes of its text, with an empty text and NULL first, for every collation. May
	// be nil if there is no SQL for that: then the database decides the order.
	ByteOrder func(c *Column, quoted string) string

	// Takes reports whether a column can be set to a value, for databases of which
	// only some versions take it. The database decides about all other values. May be
	// nil.
	Takes func(c *Column, value string) bool

	// Coerces says that the database converts a value that is not of the column's
	// type, where others refuse it: "5abc" becomes the number 5.
	Coerces bool

	// SameType writes the condition that a column's value is a number, or that it is
	// a text, for databases whose columns hold values of any type. Such databases sort
	// all numbers before all texts. May be nil.
	SameType func(quoted string, number bool) string

	// CompareAny writes a comparison with an argument, which it names once, for columns that
	// hold numbers, texts and bytes without converting them: to the database the number 5
	// and the text 5 are different. JSON is such a type. It returns "" for other columns. May be nil.
	CompareAny func(c *Column, quoted, operator, argument string) string

	// Pattern converts a LIKE pattern, for databases with more wildcards than % and _.
	// May be nil.
	Pattern func(pattern string) string

	// Escape is the clause after a LIKE pattern that makes backslash its escape
	// character, with its leading space; empty where backslash is the default.
	Escape string

	// AfterOne limits a statement to one row: text at its end, with its leading
	// space.
	AfterOne string

	// Type returns the type of a new column that meets a requirement.
	Type func(r Requirement) string

	// Add and Alter write the statements that add a column to a table and change the
	// type of a column. Names are quoted.
	Add, Alter func(table, column, typ string) string

	// Check is what only dbsep check needs. May be nil.
	Check *CheckDialect
}

// A CheckDialect is what dbsep check needs of a database, and no request.
type CheckDialect struct {
	// Doublings are the ways in which texts may be double-encoded, and Doubles reports
	// whether a Text column may hold such texts. May be nil if that cannot happen.
	// BeyondASCII writes an expression over all rows that is 1 where a column, whose quoted
	// name it gets, has a text with a character that is not ASCII.
	Doublings   []Doubling
	Doubles     func(c *Column) bool
	BeyondASCII func(quoted string) string

	// Renumbers reports whether a Text column stores a text that looks like a number
	// as that number, so that 007 becomes 7. May be nil.
	Renumbers func(c *Column) bool

	// Decoded writes the condition that a text has a ^ and two hexadecimal digits in it which
	// stand for another character than ; and ^. It gets a quoted name.
	Decoded func(quoted string) string

	// Computed returns a query for the names of the columns that the database computes, where
	// the plan of a statement that stores them is no error. May be nil.
	Computed func(t *Table) Statement

	// Uncounted returns a query for a number that is not 0 where the database does not count
	// the rows of a table that it changes. May be nil if it always does.
	Uncounted func(t *Table) Statement

	// Cluster is for databases that may be a node of a cluster. May be nil.
	Cluster *ClusterCheck
}

// A ClusterCheck finds tables that the other nodes of a cluster cannot follow.
type ClusterCheck struct {
	Settings Statement                               // reads names and values
	Name     func(settings map[string]string) string // of the cluster; empty: there is none

	// Keyless reads the names of the tables without a primary key, and without a unique key
	// that is never NULL.
	Keyless Statement
}

// table writes the name of a table, with its schema if there is one.
func (d *Dialect) table(t *Table) string {
	if t.Schema == "" {
		return d.Quote(t.Name)
	}
	return d.Quote(t.Schema) + "." + d.Quote(t.Name)
}

// byteOrder writes a column in ORDER BY. Texts are sorted by their bytes, if the
// dialect can, and everything else as the database sorts it.
func (d *Dialect) byteOrder(c *Column) string {
	if d.ByteOrder != nil && (c.Class == Text || c.Class == Other) {
		return d.ByteOrder(c, d.Quote(c.Name))
	}
	return d.Quote(c.Name)
}

// order writes a column in ORDER BY, sorted as the database sorts it.
func (d *Dialect) order(c *Column) string {
	if d.Unsorted != nil && d.Unsorted(c) {
		return d.AsText(c, d.Quote(c.Name))
	}
	return d.Quote(c.Name)
}

// takes reports whether a column can be set to a value.
func (d *Dialect) takes(c *Column, value string) bool { return d.Takes == nil || d.Takes(c, value) }
