//go:build !cgo

package sqlite

import (
	"database/sql/driver"
	"reflect"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite"
	library "modernc.org/sqlite/lib"
)

// newConnector opens connections by their URI, with SQLite translated to Go,
// for builds without a C compiler.
func newConnector(uri string) driver.Connector {
	c, err := sqlite3.NewConnector(uri)
	if err != nil {
		panic("a URI of our own does not parse") // see fileOptions.uri
	}
	return c
}

// As for the other driver, every connection has what DBD::SQLite adds.
func init() {
	sqlite3.MustRegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlite3.FunctionContext, args []driver.Value) (driver.Value, error) {
		return matchRegexp(args[0], args[1])
	})
	sqlite3.MustRegisterCollationUtf8("perl", strings.Compare)
	sqlite3.MustRegisterCollationUtf8("perllocale", strings.Compare)
}

// interrupt ends what runs on a connection, of which the driver hands out nothing.
func interrupt(conn driver.Conn) {
	tls := libc.NewTLS()
	defer tls.Close()
	library.Xsqlite3_interrupt(tls, uintptr(reflect.ValueOf(conn).Elem().FieldByName("db").Uint()))
}
