package sqlgen

// A Dialect is how one kind of database spells what others spell differently.
// The package that knows the database provides it; every field but Replace must
// be set. The functions get names and expressions, never values.
type Dialect struct {
	// Quote spells a table's or column's name so that any name is one name.
	Quote func(name string) string

	// Placeholder spells the nth argument of a statement, counted from 1.
	Placeholder func(n int) string

	// Read spells the expression that reads a column so that its text comes
	// back as the database holds it; quoted is the column's quoted name.
	Read func(c *Column, quoted string) string

	// AsText spells a column as text, for LIKE on a column that is none (P13).
	AsText func(c *Column, quoted string) string

	// Escape is the clause after a LIKE pattern that makes backslash its
	// escape character, with its leading blank.
	Escape string

	// BeforeOne and AfterOne ask for one row only: text after SELECT and text
	// at the end of the statement, with their blanks.
	BeforeOne, AfterOne string

	// Replace is the clause at the end of an INSERT that overwrites the columns
	// given, already quoted, of the row that has the same key. With its leading blank.
	Replace func(columns []string) string

	// Type spells the type of a new column that meets a requirement.
	Type func(r Requirement) string

	// Add and Alter spell how a table gets a new column, and how an existing
	// column gets another type. Names come quoted.
	Add, Alter func(table, column, typ string) string
}
