package sqlgen

import "fmt"

// A Cause says why a request failed, in the same way for every database. The gateway
// chooses the error response by it.
type Cause int

const (
	Unexpected Cause = iota // none of the others; see Err

	// No statement can be built from the request.

	UnknownTable    // the schema has no such table
	UnknownColumn   // the table has no such column
	UnknownOperator // the name ends in no comparison of Operators
	NoCondition     // without a condition a lookup would return every row
	NoValue         // a write without any value
	RepeatedColumn  // two values for one column
	BadRequirement  // a requirement that is not type:size
	Mismatch        // the table does not meet a requirement

	// The database refused the statement or could not run it.

	Duplicate   // a unique key exists already
	Constraint  // NOT NULL, CHECK or a foreign key forbids the row
	Rejected    // a trigger, a view or another definition of the database refuses the statement, or fails in it
	NotWritable // a view or a generated column takes no values
	BadValue    // a value does not fit its column: too long, out of range, not a number, not in its character set
	Denied      // the account may not do this
	ReadOnly    // the database takes no writes now
	Full        // no space left
	Busy        // locked, a deadlock, or too many connections
	Timeout     // not done in the time allowed
	Unavailable // the database cannot be reached
	Canceled    // the client disconnected
	RowTooLarge // a row is longer than its limit
)

// A Fault is the reason why a request failed. It never holds a value of the request.
// Err may hold the database's message and is for a log at debug level only.
type Fault struct {
	Cause      Cause
	Table      string // if known
	Column     string // if known; for UnknownOperator the whole name
	Constraint string // or key, if known
	Hint       string // a hint how to fix it, if it is better than the one for the cause
	Err        error  // the driver's error, if there was one
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
		Rejected:        "the database's own definitions refuse the statement",
		NotWritable:     "the view or the column takes no values",
		BadValue:        "a value does not fit its column",
		Denied:          "the account may not do this",
		ReadOnly:        "the database is read-only",
		Full:            "the database has no space left",
		Busy:            "the database is busy",
		Timeout:         "the database took too long",
		Unavailable:     "the database cannot be reached",
		Canceled:        "the client disconnected",
		RowTooLarge:     "a row is too large",
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
