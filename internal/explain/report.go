package explain

import (
	"dbsep/gateway"
	"dbsep/internal/compare"
)

// A Report is what becomes of a request.
type Report struct {
	Request    compare.Request `json:"request"`
	Rights     Rights          `json:"rights"`
	Table      *Table          `json:"table,omitempty"` // nil where it was not found, or where the client may not use it
	Fields     []Field         `json:"fields"`
	Statements []Statement     `json:"statements"`
	Response   Response        `json:"response"`
	Error      *Error          `json:"error,omitempty"`
	Warnings   []Warning       `json:"warnings"`
}

// Rights are what the client may do with the table.
type Rights struct {
	Client  string   `json:"client,omitempty"`
	Section string   `json:"section,omitempty"` // of dbsep.conf; empty: none is for the client
	Pattern string   `json:"pattern,omitempty"` // of the line in the section; empty: none fits
	Read    bool     `json:"read"`
	Write   bool     `json:"write"`
	Columns []string `json:"columns,omitempty"` // none: all
}

// Table is where the request leads.
type Table struct {
	Name       string   `json:"name"`
	Database   string   `json:"database"` // its kind, and where it is
	Semicolons string   `json:"semicolons"`
	Columns    []string `json:"columns"` // that the client may use
}

// Field is a field as it was parsed.
type Field struct {
	Kind     string  `json:"kind"` // condition, value, requirement or file
	Name     string  `json:"name"`
	Value    string  `json:"value"`
	Column   string  `json:"column,omitempty"`   // empty: the table has none
	Operator string  `json:"operator,omitempty"` // of a condition
	Stored   *string `json:"stored,omitempty"`   // the value as a column has it, if it is another
	Note     string  `json:"note,omitempty"`
}

// Statement is one that the gateway runs for the request.
type Statement struct {
	SQL    string    `json:"sql"`
	Args   []*string `json:"args"` // nil: NULL
	Writes bool      `json:"writes"`
	Rows   int64     `json:"rows"` // that it returned, or would change

	Error gateway.Code `json:"error,omitempty"` // of the database, or that it would have

	Plan   []string `json:"plan,omitempty"`
	Scans  bool     `json:"scans"` // the plan reads a whole table
	NoPlan string   `json:"no_plan,omitempty"`
}

// Response is what the client gets.
type Response struct {
	Status int      `json:"status"`
	Type   string   `json:"type"`
	Bytes  int64    `json:"bytes"`
	Body   string   `json:"body"`             // the beginning of a long one
	Rows   [][]Pair `json:"rows,omitempty"`   // the variables of Asterisk, of the rows in Body
	Number string   `json:"number,omitempty"` // that Asterisk reads
	Total  int64    `json:"total_rows,omitempty"`
}

// Pair is a variable of Asterisk.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Error is why the request fails.
type Error struct {
	Code    gateway.Code `json:"code"`
	Message string       `json:"message"`
	Column  string       `json:"column,omitempty"`
	Hint    string       `json:"hint,omitempty"`
	Cause   string       `json:"cause,omitempty"` // the database's own words
}

// Warning is something about a request that an administrator should look at.
type Warning struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}
