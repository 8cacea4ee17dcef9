package inspect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dbsep/internal/config"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// A Finding is what someone has to do something about.
type Finding struct {
	Error bool   `json:"error"`           // dbsep cannot work with it; else a warning
	File  string `json:"file,omitempty"`  // the configuration, or a file that it names
	Line  int    `json:"line,omitempty"`  // of File
	Key   string `json:"key,omitempty"`   // of a setting
	Table string `json:"table,omitempty"` // of the database
	Text  string `json:"text"`            // what was found
	Hint  string `json:"hint,omitempty"`  // what to do about it
	SQL   string `json:"sql,omitempty"`   // the statements that do it
}

// String is the finding without its SQL, in one line.
func (f Finding) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			b.WriteString(":" + strconv.Itoa(f.Line))
		}
		b.WriteString(": ")
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	if f.Table != "" {
		b.WriteString("table " + f.Table + ": ")
	}
	b.WriteString(f.Text)
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
	return b.String()
}

func ofProblem(p config.Problem) Finding {
	return Finding{File: p.File, Line: p.Line, Key: p.Key, Text: p.Text, Hint: p.Hint}
}

// ofSetting is about a key of a configuration.
func ofSetting(c *config.Config, key, text, hint string) Finding {
	return Finding{File: c.File, Line: c.Line(key), Key: key, Text: text, Hint: hint}
}

// errorsOf are the errors that are joined in one.
func errorsOf(err error) (all []Finding) {
	for _, e := range setup.Problems(err) {
		f := Finding{Text: e.Error()}
		if p, ok := errors.AsType[config.Problem](e); ok {
			f = ofProblem(p)
		}
		f.Error = true
		all = append(all, f)
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
