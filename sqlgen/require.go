package sqlgen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Requirement is what Asterisk will write to a column: its type and size, as
// in "uinteger2:5" or "char:80" (P19). The size counts characters.
type Requirement struct {
	Column string
	Type   string // char, date, datetime, float, integer1..4, integer8, uinteger1..4, uinteger8; others require the column only
	Size   int
}

// maxSize and maxName limit a requirement, so that a database can run its repair.
const (
	maxSize = 65535 // characters
	maxName = 128   // bytes
)

// ParseRequirement parses a field of a require request.
func ParseRequirement(f Field) (Requirement, error) {
	typ, size, found := strings.Cut(f.Value, ":")
	n, err := strconv.ParseUint(size, 10, 31)
	if !found || typ == "" || err != nil || n > maxSize || len(f.Name) > maxName {
		return Requirement{}, &Fault{
			Cause: BadRequirement, Column: f.Name,
			Hint: fmt.Sprintf("send type:size with a size from 0 to %d, as in char:80", maxSize),
		}
	}
	return Requirement{Column: strings.Trim(f.Name, " "), Type: strings.ToLower(typ), Size: int(n)}, nil
}

// Integer returns the width in bytes of an integer type, and 0 for any other type.
func (r Requirement) Integer() (bytes int, unsigned bool) {
	rest, unsigned := strings.CutPrefix(r.Type, "u")
	switch rest {
	case "integer1", "integer2", "integer3", "integer4", "integer8":
		return int(rest[len(rest)-1] - '0'), unsigned
	}
	return 0, false
}

// characters returns the length of the longest value as text, as the native ODBC
// driver has it.
func (r Requirement) characters() int {
	switch r.Type {
	case "uinteger1":
		return 3
	case "integer1":
		return 4
	case "uinteger2":
		return 5
	case "integer2":
		return 6
	case "uinteger3", "integer3":
		return 8
	case "uinteger4", "date":
		return 10
	case "integer4":
		return 11
	case "uinteger8":
		return 20
	case "integer8":
		return 20
	case "datetime":
		return max(19, r.Size)
	}
	return r.Size
}

// A Shortfall is a requirement that a table does not meet.
type Shortfall struct {
	Requirement Requirement
	Missing     bool   // the table has no such column
	Reason      string // for the log: "is missing", "is varchar(10), too narrow for char:80"
	Repair      string // the SQL that fixes it
}

// Require returns the requirements that a table does not meet.
func Require(d *Dialect, t *Table, required []Requirement) []Shortfall {
	var short []Shortfall
	for _, r := range required {
		c := t.Column(r.Column)
		if c == nil {
			short = append(short, Shortfall{r, true, "is missing",
				d.Add(d.table(t), d.Quote(r.Column), d.Type(r))})
			continue
		}
		if fault := c.lacks(r); fault != "" {
			short = append(short, Shortfall{r, false,
				fmt.Sprintf("is %s, %s for %s:%d", c.Type, fault, r.Type, r.Size),
				d.Alter(d.table(t), d.Quote(c.Name), d.Type(r))})
		}
	}
	return short
}

// lacks returns why a column cannot store all values of a requirement: "too narrow",
// "of the wrong class", or "" if it can.
func (c *Column) lacks(r Requirement) string {
	const narrow, wrong = "too narrow", "of the wrong class"
	bytes, unsigned := r.Integer()
	switch {
	case bytes == 0 && r.Type != "char" && r.Type != "date" && r.Type != "datetime" && r.Type != "float":
		return "" // an unknown type requires the column only
	case c.Class == Text || c.Class == Binary || c.Class == Other:
		if c.Size > 0 && c.Size < r.characters() {
			return narrow
		}
		return ""
	case bytes > 0:
		return c.lacksInteger(bytes, unsigned, narrow, wrong)
	}
	fits := map[string][]Class{
		"char":     nil,
		"date":     {Date, DateTime},
		"datetime": {DateTime},
		"float":    {Float, Decimal},
	}[r.Type]
	switch {
	case !slices.Contains(fits, c.Class):
		return wrong
	case r.Type == "datetime" && c.Size > 0 && c.Size < r.characters():
		return narrow // it drops fractions of a second
	}
	return ""
}

func (c *Column) lacksInteger(bytes int, unsigned bool, narrow, wrong string) string {
	switch c.Class {
	case Decimal, Float:
		return ""
	case Boolean:
		if bytes > 1 {
			return narrow
		}
		return ""
	case Integer:
		holds := c.Size
		if holds == 0 {
			return ""
		}
		switch {
		case c.Unsigned && !unsigned:
			return wrong // it cannot hold negative numbers
		case unsigned && !c.Unsigned && holds == bytes:
			return narrow // it cannot hold the upper half of the numbers
		case holds < bytes:
			return narrow
		}
		return ""
	}
	return wrong
}
