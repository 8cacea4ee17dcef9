package dsn

import (
	"fmt"
	"path/filepath"
	"strings"
)

// A nativeDriver is a DBI driver that speaks to the same databases as some
// drivers of ODBC, and how their settings are put into its terms. ODBC's drivers
// are known by the file of their library or, where that says nothing, by what
// odbcinst.ini calls them.
type nativeDriver struct {
	driver    string   // its name in a DSN
	libraries []string // what the names of ODBC's files begin with
	words     []string // of the names and descriptions of ODBC's drivers, in lower case
	keys      map[string]odbcKey
	translate func(d *Diagnostics, s *odbcSource, settings map[string]string, native *DSN)
}

// nativeDrivers are looked through in their order.
var nativeDrivers = []*nativeDriver{odbcMariaDB, odbcMySQL, odbcPostgres, odbcSQLite}

// An ODBCSource is what a data source of ODBC leads to.
type ODBCSource struct {
	// Native is the DSN of the database's own driver, nil where none of them
	// speaks to the database.
	Native *DSN

	ConnectionString string // for unixODBC, with the account
	Name             string // of the data source; empty where the DSN names a driver
	Account          string
	Driver           string // ODBC's, for people
}

// FromODBC translates the part of a DSN after "DBI:ODBC:", with dbuser and
// dbpass, by unixODBC's files odbc.ini and odbcinst.ini.
func FromODBC(name DSN, user, password string, environ func(string) string, d *Diagnostics) ODBCSource {
	for _, a := range name.Attributes {
		if !strings.HasPrefix(a.Name, "odbc_") { // those set how Perl binds values
			d.Warn("dsn", fmt.Sprintf("sets the attribute %q, which has no effect", a.Name), "remove it, or correct its name")
		}
	}
	s := &odbcSource{text: name.Rest, user: user, password: password, environ: environ}
	s.read(d, name.Rest)
	if d.Failed() {
		return ODBCSource{}
	}
	source := ODBCSource{ConnectionString: s.text, Driver: s.driverName()}
	source.Name, _ = Last(s.given, "DSN")
	source.Account, _ = Last(append(s.stored, s.given...), "UID")
	n := s.native()
	if n == nil {
		return source
	}
	native := &DSN{Driver: n.driver, InsteadOf: "the ODBC driver " + s.driverName()}
	settings := s.settings(d, n)
	// Set even where they are empty: no other account counts.
	native.Attributes = []Setting{{"Username", take(settings, "user")}, {"Password", take(settings, "password")}}
	n.translate(d, s, settings, native)
	for _, name := range sortedKeys(settings) {
		native.Options = append(native.Options, Setting{name, settings[name]})
	}
	if !d.Failed() {
		source.Native = native
	}
	return source
}

// native finds the driver that speaks to the same database, nil where there is
// none.
func (s *odbcSource) native() *nativeDriver {
	library := strings.ToLower(filepath.Base(s.library))
	for _, n := range nativeDrivers {
		for _, l := range n.libraries {
			if strings.HasPrefix(library, l) {
				return n
			}
		}
	}
	if strings.Contains(s.driver, "/") {
		return nil // a path is not a name
	}
	name := strings.ToLower(s.driver + " " + s.description)
	for _, n := range nativeDrivers {
		for _, word := range n.words {
			if strings.Contains(name, word) {
				return n
			}
		}
	}
	return nil
}

// driverName is the driver for people.
func (s *odbcSource) driverName() string {
	library := filepath.Base(s.library)
	if s.driver == s.library {
		return library
	}
	return s.driver + " (" + library + ")"
}
