//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// sqliteConnector opens connections by their URI, with SQLite itself, by cgo.
func sqliteConnector(uri string) driver.Connector { return cgoConnector{uri} }

type cgoConnector struct{ uri string }

var sqliteDriver = &sqlite3.SQLiteDriver{ConnectHook: extendSQLite}

func (c cgoConnector) Connect(context.Context) (driver.Conn, error) { return sqliteDriver.Open(c.uri) }
func (c cgoConnector) Driver() driver.Driver                        { return sqliteDriver }

// extendSQLite adds what DBD::SQLite adds and a schema may make use of: the
// operator REGEXP and two collations. Both collate by bytes here; perllocale
// followed the locale of the Perl script, which is "C" in a web server.
func extendSQLite(c *sqlite3.SQLiteConn) error {
	return errors.Join(
		c.RegisterFunc("regexp", matchRegexp, true),
		c.RegisterCollation("perl", strings.Compare),
		c.RegisterCollation("perllocale", strings.Compare),
	)
}

// sqliteCode is the extended result code of an error.
func sqliteCode(err error) (code int, known bool) {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return max(int(e.Code), int(e.ExtendedCode)), true
}

// sqliteErrno is the system's error beneath, nil where there is none.
func sqliteErrno(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.SystemErrno != 0 {
		return e.SystemErrno
	}
	return nil
}
