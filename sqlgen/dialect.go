package sqlgen

// A Dialect is how one kind of database spells what others spell differently.
// The package that knows the database provides it; every field must be set
// but Bytes, Escape, BeforeOne and AfterOne. The functions get names and expressions, never values.
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

	// Escape is the clause after a LIKE pattern that makes backslash its
	// escape character, with its leading blank; empty where it is one anyway.
	Escape string

	// BeforeOne and AfterOne ask for one row only: text after SELECT and text
	// at the end of the statement, with their blanks.
	BeforeOne, AfterOne string

	// Replace is the clause at the end of an INSERT that overwrites the columns
	// given, already quoted, of the row that has the same key. With its leading
	// blank. key has the columns of the first unique key that is given in full,
	// none where there is no such key or Column.Keys is not filled.
	Replace func(key, columns []string) string

	// Type spells the type of a new column that meets a requirement.
	Type func(r Requirement) string

	// Add and Alter spell how a table gets a new column, and how an existing
	// column gets another type. Names come quoted.
	Add, Alter func(table, column, typ string) string
}

// table spells the name of a table, with its schema where that is known.
func (d *Dialect) table(t *Table) string {
	if t.Schema == "" {
		return d.Quote(t.Name)
	}
	return d.Quote(t.Schema) + "." + d.Quote(t.Name)
}
