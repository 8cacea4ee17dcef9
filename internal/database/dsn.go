package database

import (
	"fmt"
	"regexp"
	"strings"
)

// A dsn is a DBI data source name taken apart as far as DBI itself did:
// "dbi:Driver(attribute=>value,...):rest". What the rest means, the driver's
// kind knows.
type dsn struct {
	driver     string
	attributes []attribute
	rest       string
}

// An attribute is one name=>value of the parentheses after the driver's name.
type attribute struct{ name, value string }

// dsnForm is the form of a DSN that DBI takes: the prefix in any case, a
// driver's name, perhaps attributes. An attribute's value holds no ")".
var dsnForm = regexp.MustCompile(`(?is)^dbi:(\w+)(?:\((.*?)\))?:(.*)$`)

// attributeSeparator stands between the names and the values of attributes
// alike.
var attributeSeparator = regexp.MustCompile(`\s*(?:=>?|,)\s*`)

// sampleDSN is the value that dbsep.conf's sample has in place of a DSN.
const sampleDSN = "somedsn"

// parseDSN takes a DSN apart. It never repeats the text of one that it does
// not understand, for there may be a password in it.
func parseDSN(text string, f *findings) (dsn, bool) {
	const remedy = "write DBI:mysql:database=asterisk;host=localhost, DBI:Pg:dbname=asterisk;host=localhost or DBI:SQLite:dbname=/var/lib/asterisk/realtime.sqlite3"
	switch strings.TrimSpace(text) {
	case "":
		f.refuse("dsn", "is missing", remedy)
		return dsn{}, false
	case sampleDSN:
		f.refuse("dsn", "is still the value of the sample file, "+sampleDSN, remedy)
		return dsn{}, false
	}
	m := dsnForm.FindStringSubmatch(strings.TrimLeft(text, " \t"))
	if m == nil {
		f.refuse("dsn", "is not of the form DBI:driver:...", remedy)
		return dsn{}, false
	}
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
		f.warn("dsn", "begins with a blank, which the Perl script does not accept", "remove it")
	}
	d := dsn{driver: m[1], rest: m[3]}
	if spec := strings.TrimSpace(m[2]); spec != "" {
		parts := attributeSeparator.Split(spec, -1)
		for i := 0; i+1 < len(parts); i += 2 {
			d.attributes = append(d.attributes, attribute{parts[i], parts[i+1]})
		}
		if len(parts)%2 == 1 {
			f.refuse("dsn", "holds an attribute without a value in its parentheses", "write (name=>value,...)")
		}
	}
	return d, true
}

// kind finds the kind of database that a DSN's driver is of.
func (d *dsn) kind(f *findings) *kind {
	for _, k := range kinds {
		for _, name := range k.drivers {
			if !strings.EqualFold(name, d.driver) {
				continue
			}
			if name != d.driver {
				f.warn("dsn", fmt.Sprintf("spells the driver %s, which Perl on most systems does not find", d.driver), "write DBI:"+name+":")
				d.driver = name
			}
			return k
		}
	}
	remedy := "use one of " + strings.Join(driverNames(), ", ")
	if strings.EqualFold(d.driver, "Sybase") {
		remedy = "SQL Server can be reached through DBI:ODBC: with its own driver, by a dbsep built with -tags odbc"
	}
	f.refuse("dsn", fmt.Sprintf("names the driver %s, which dbsep does not have", d.driver), remedy)
	return nil
}

// common applies the attributes that DBI itself knows and returns the rest of
// them, which are the driver's.
func (d *dsn) common(s *Source, f *findings) []attribute {
	var others []attribute
	for _, a := range d.attributes {
		switch a.name {
		case "Username":
			s.User = a.value
		case "Password":
			s.Password = a.value
		case "AutoCommit":
			if !isTrue(a.value) {
				f.warn("dsn", "sets AutoCommit=>0, with which the Perl script lost every change", "remove it; dbsep keeps every change")
			}
		case "RaiseError", "PrintError", "PrintWarn", "HandleError", "ShowErrorStatement", "TraceLevel", "Trace",
			"LongReadLen", "LongTruncOk", "ChopBlanks", "FetchHashKeyName", "Warn", "Taint", "TaintIn", "TaintOut":
			// These tell Perl what to do with errors and buffers.
		default:
			others = append(others, a)
		}
	}
	return others
}

// isTrue is Perl's idea of it.
func isTrue(value string) bool { return value != "" && value != "0" }
