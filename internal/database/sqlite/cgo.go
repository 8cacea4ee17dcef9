//go:build cgo

package sqlite

// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// // The driver has the library, so this package alone does not link.
// extern void sqlite3_interrupt(void *db) __attribute__((weak));
// static void interrupt(void *db) { sqlite3_interrupt(db); }
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// newConnector opens connections by their URI, with SQLite itself, by cgo.
func newConnector(uri string, l limits) driver.Connector { return cgoConnector{uri, l} }

type cgoConnector struct {
	uri    string
	limits limits
}

var sqliteDriver = &sqlite3.SQLiteDriver{ConnectHook: addFunctions}

func (c cgoConnector) Driver() driver.Driver { return sqliteDriver }

func (c cgoConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := sqliteDriver.Open(c.uri)
	if err != nil {
		return nil, err
	}
	for id, n := range c.limits {
		conn.(*sqlite3.SQLiteConn).SetLimit(id, n)
	}
	return conn, nil
}

// addFunctions adds what DBD::SQLite adds and a schema may make use of: the
// operator REGEXP and two collations. Both collate by bytes here; perllocale
// followed the locale of the Perl script, which is "C" in a web server.
func addFunctions(c *sqlite3.SQLiteConn) error {
	return errors.Join(
		c.RegisterFunc("regexp", matchRegexp, true),
		c.RegisterCollation("perl", strings.Compare),
		c.RegisterCollation("perllocale", strings.Compare),
	)
}

// interrupt ends what runs on a connection. The driver has no function for that: its
// handle is read by reflection.
func interrupt(conn driver.Conn) {
	C.interrupt(reflect.ValueOf(conn).Elem().FieldByName("db").UnsafePointer())
}
