package inspect

import (
	"errors"
	"fmt"

	"dbsep/internal/config"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// A Level says how bad a finding is.
type Level string

const (
	Error   Level = "error"   // dbsep cannot work with it
	Warning Level = "warning" // dbsep works, and something will go wrong
)

// A Finding is what someone has to do something about.
type Finding struct {
	Level          `json:"level"`
	Table          string `json:"table,omitempty"` // of the database
	config.Problem        // Key may be a name in a file of Asterisk's
	SQL            string `json:"sql,omitempty"` // the statements that do what Hint says
}

// Error is the finding without its SQL, in one line.
func (f Finding) Error() string {
	p := f.Problem
	if f.Table != "" {
		p.Text = "table " + f.Table + ": " + p.Text
	}
	return p.Error()
}

// ofFile is a warning about a line of a file, or about a file.
func ofFile(file string, line int, key, text, hint string) Finding {
	return Finding{Level: Warning, Problem: config.Problem{File: file, Line: line, Key: key, Text: text, Hint: hint}}
}

// warning is one about nothing in particular.
func warning(text, hint string) Finding { return ofFile("", 0, "", text, hint) }

// ofSetting is a warning about a key of a configuration.
func ofSetting(c *config.Config, key, text, hint string) Finding {
	return Finding{Level: Warning, Problem: c.Problem(key, text, hint)}
}

// ofTable is a warning about a table, with the statements that do what the hint says.
func ofTable(table, text, hint, sql string) Finding {
	return Finding{Level: Warning, Table: table, Problem: config.Problem{Text: text, Hint: hint}, SQL: sql}
}

// errorsOf are the errors that are joined in one.
func errorsOf(err error) (all []Finding) {
	for _, e := range setup.Problems(err) {
		p, ok := errors.AsType[config.Problem](e)
		if !ok {
			p = config.Problem{Text: e.Error()}
		}
		all = append(all, Finding{Level: Error, Problem: p})
	}
	return all
}

// withCause is a database's error with what an administrator at the keyboard may see, and
// a client or a log may not.
func withCause(fault *sqlgen.Fault) string {
	if cause := errors.Unwrap(fault); cause != nil {
		return fmt.Sprintf("%v: %v", fault, cause)
	}
	return fault.Error()
}
