package database

import (
	"fmt"
	"path/filepath"
	"strings"
)

// odbcDriver is the name of the DBI driver, DBD::ODBC. Its kind is in
// odbc_driver.go or, in a build without the tag odbc, in odbc_without.go.
const odbcDriver = "ODBC"

// An odbcNative is a kind that speaks to the same databases as some drivers of
// ODBC, and how their settings are put into its terms. Drivers are known by the
// file of their library or, where that says nothing, by what odbcinst.ini calls
// them.
type odbcNative struct {
	driver    string   // the DBI driver of the kind
	libraries []string // what the names of the files begin with
	words     []string // of the drivers' names and descriptions, in lower case
	keys      map[string]odbcKey
	translate func(o *opening, s *odbcSource, settings map[string]string)
}

// odbcNatives are looked through in their order.
var odbcNatives = []*odbcNative{odbcMariaDB, odbcMySQL, odbcPostgres, odbcSQLite}

// nativeODBC reads the source and, where a kind of dbsep's own speaks to its
// database, fills the opening for that one and returns its DBI driver.
func nativeODBC(o *opening) (driver string, s *odbcSource) {
	for _, a := range o.attributes {
		if !strings.HasPrefix(a.name, "odbc_") { // those tell Perl how to bind values
			o.warn("dsn", fmt.Sprintf("sets the attribute %q, which has no effect", a.name), "remove it, or correct its name")
		}
	}
	s = readODBC(o)
	if len(o.problems) > 0 {
		return "", s
	}
	n := s.native()
	if n == nil {
		return "", s
	}
	o.through = "the ODBC driver " + s.driverName()
	o.attributes, o.User, o.Password = nil, "", ""
	settings := s.settings(o, n)
	n.translate(o, s, settings)
	for _, name := range sortedKeys(settings) {
		o.attributes = append(o.attributes, attribute{name, settings[name]})
	}
	return n.driver, s
}

// native finds the kind that stands for the driver, nil where there is none.
func (s *odbcSource) native() *odbcNative {
	library := strings.ToLower(filepath.Base(s.library))
	for _, n := range odbcNatives {
		for _, l := range n.libraries {
			if strings.HasPrefix(library, l) {
				return n
			}
		}
	}
	if strings.Contains(s.driver, "/") {
		return nil // a path is no name
	}
	name := strings.ToLower(s.driver + " " + s.description)
	for _, n := range odbcNatives {
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
