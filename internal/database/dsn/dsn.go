package dsn

import (
	"regexp"
	"strings"
)

// A DSN is a data source name of DBI, split as far as DBI itself splits it:
// "dbi:Driver(attribute=>value,...):rest". The package of the driver's database
// knows what the rest means.
type DSN struct {
	Driver     string
	Attributes []Setting // those in the parentheses
	Rest       string    // after the driver's name

	// Options are settings in the names that the driver has for the parts of its
	// rest. [FromODBC] writes them instead of a text, in which values would have to
	// be escaped.
	Options []Setting

	// InitCommand is SQL for each new connection.
	InitCommand string

	// InsteadOf names what the DSN was translated from, for people, such as
	// "the ODBC driver libmaodbc.so"; empty where it was not.
	InsteadOf string
}

// A Setting is a name and its value.
type Setting struct{ Name, Value string }

// Last returns the last value of a name, in any case.
func Last(settings []Setting, name string) (value string, found bool) {
	for _, s := range settings {
		if strings.EqualFold(s.Name, name) {
			value, found = s.Value, true
		}
	}
	return value, found
}

// form is the form of a DSN that DBI takes: the prefix in any case, a driver's
// name, perhaps attributes. An attribute's value holds no ")".
var form = regexp.MustCompile(`(?is)^dbi:(\w+)(?:\((.*?)\))?:(.*)$`)

// attributeSeparator is between the names and the values of attributes alike.
var attributeSeparator = regexp.MustCompile(`\s*(?:=>?|,)\s*`)

// sample is the value that dbsep.conf's sample has in place of a DSN.
const sample = "somedsn"

// Parse splits a DSN. It never repeats the text of one that it does not
// understand, for there may be a password in it.
func Parse(text string, d *Diagnostics) (name DSN, ok bool) {
	const hint = "write DBI:mysql:database=asterisk;host=localhost, DBI:Pg:dbname=asterisk;host=localhost or DBI:SQLite:dbname=/var/lib/dbsep/asterisk.db"
	switch strings.TrimSpace(text) {
	case "":
		d.Refuse("dsn", "is missing", hint)
		return DSN{}, false
	case sample:
		d.Refuse("dsn", "is still the value of the sample file, "+sample, hint)
		return DSN{}, false
	}
	m := form.FindStringSubmatch(strings.TrimLeft(text, " \t"))
	if m == nil {
		d.Refuse("dsn", "is not of the form DBI:driver:...", hint)
		return DSN{}, false
	}
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
		d.Warn("dsn", "begins with a space, which the Perl script does not accept", "remove it")
	}
	name = DSN{Driver: m[1], Rest: m[3]}
	if spec := strings.TrimSpace(m[2]); spec != "" {
		parts := attributeSeparator.Split(spec, -1)
		for i := 0; i+1 < len(parts); i += 2 {
			name.Attributes = append(name.Attributes, Setting{parts[i], parts[i+1]})
		}
		if len(parts)%2 == 1 {
			d.Refuse("dsn", "holds an attribute without a value in its parentheses", "write (name=>value,...)")
		}
	}
	return name, true
}

// IsTrue is Perl's idea of truth.
func IsTrue(value string) bool { return value != "" && value != "0" }
