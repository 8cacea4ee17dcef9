package sqlgen

import "fmt"

// A Cause says why a request came to nothing, in words that every database
// shares. The gateway decides from it what a client is told.
type Cause int

const (
	Unexpected Cause = iota // none of the others; Err tells

	// A request that no statement can be made of.

	UnknownTable    // the schema has no such table
	UnknownColumn   // the table has no such column
	UnknownOperator // the name ends in no comparison of Operators
	NoCondition     // a lookup without any condition would mean every row
	NoValue         // a write without any value
	RepeatedColumn  // two values for one column
	BadRequirement  // a requirement that is not type:size
	Mismatch        // the table does not meet a requirement

	// A statement that the database refused or could not run.

	Duplicate   // a unique key exists already
	Constraint  // NOT NULL, CHECK or a foreign key forbids the row
	BadValue    // a value does not fit its column: too long, out of range, no number, no text in its character set
	Denied      // the account may not do this
	ReadOnly    // the database takes no writes now
	Full        // no space left
	Busy        // locked by others, a deadlock's victim, or too many connections
	Timeout     // not done in the time allowed
	Unavailable // the database cannot be reached
	Canceled    // the client went away
)

// A Fault is a request that came to nothing: its cause and what it concerned.
// No Fault ever holds a value of the request; Err may hold the database's own
// words and is for a log at debug level only.
type Fault struct {
	Cause  Cause
	Table  string // as far as known
	Column string // as far as known; for UnknownOperator the whole name
	Remedy string // what would mend it, where the fault itself knows best
	Err    error  // the driver's error, if there was one
}

func (f *Fault) Error() string {
	text := [...]string{
		Unexpected:      "the statement failed",
		UnknownTable:    "no such table",
		UnknownColumn:   "no such column",
		UnknownOperator: "no such operator",
		NoCondition:     "no condition",
		NoValue:         "no value",
		RepeatedColumn:  "two values for one column",
		BadRequirement:  "a requirement is not type:size",
		Mismatch:        "the table does not meet a requirement",
		Duplicate:       "a row with this key exists",
		Constraint:      "a constraint forbids the row",
		BadValue:        "a value does not fit its column",
		Denied:          "the account may not do this",
		ReadOnly:        "the database is read-only",
		Full:            "the database has no space left",
		Busy:            "the database is busy",
		Timeout:         "the database took too long",
		Unavailable:     "the database cannot be reached",
		Canceled:        "the client went away",
	}[f.Cause]
	switch {
	case f.Table != "" && f.Column != "":
		return fmt.Sprintf("%s: %q of table %q", text, f.Column, f.Table)
	case f.Table != "":
		return fmt.Sprintf("%s: table %q", text, f.Table)
	case f.Column != "":
		return fmt.Sprintf("%s: %q", text, f.Column)
	}
	return text
}

func (f *Fault) Unwrap() error { return f.Err }
