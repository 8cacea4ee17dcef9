package schema

import (
	"fmt"
	"io"
	"strings"

	"dbsep/internal/asterisk"
)

// Write writes the statements that create tables, for one database, as a script.
func Write(w io.Writer, d *Database, r asterisk.Release, note string, tables []*asterisk.Table) error {
	var text strings.Builder
	fmt.Fprintf(&text, "-- Tables of Asterisk %s for %s.\n", r, d.Title)
	if note != "" {
		fmt.Fprintf(&text, "-- %s.\n", capitalized(note))
	}
	if d.undoes {
		text.WriteString("\nBEGIN;\n")
	}
	for _, t := range tables {
		text.WriteString("\n")
		writeStatements(&text, d.create(t))
	}
	if d.undoes {
		text.WriteString("\nCOMMIT;\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Create are the statements that create tables.
func (d *Database) Create(tables []*asterisk.Table) (statements []string) {
	for _, t := range tables {
		statements = append(statements, d.create(t)...)
	}
	return statements
}

func writeStatements(text *strings.Builder, statements []string) {
	for _, s := range statements {
		text.WriteString(s + ";\n")
	}
}

func capitalized(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
