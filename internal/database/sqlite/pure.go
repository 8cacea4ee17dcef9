//go:build !cgo

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite"
	library "modernc.org/sqlite/lib"
)

// newConnector opens connections by their URI, with SQLite translated to Go,
// for builds without a C compiler.
func newConnector(uri string, l limits) driver.Connector {
	c, err := sqlite3.NewConnector(uri)
	if err != nil {
		panic("a URI of our own does not parse") // see fileOptions.uri
	}
	return limitedConnector{c, l}
}

// A limitedConnector sets the limits of new connections. The driver takes them
// through database/sql only, so each connection has a pool of its own for that.
type limitedConnector struct {
	driver.Connector
	limits limits
}

func (c limitedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connected{c.Connector, conn})
	held, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close(), conn.Close())
	}
	for id, n := range c.limits {
		if _, err := sqlite3.Limit(held, id, n); err != nil {
			return nil, errors.Join(err, held.Close(), pool.Close())
		}
	}
	return &limitedConn{conn.(driverConn), pool, held}, nil
}

// connected is a connector whose only connection there is already.
type connected struct {
	driver.Connector
	conn driver.Conn
}

func (c connected) Connect(context.Context) (driver.Conn, error) { return c.conn, nil }

// A limitedConn is a connection that its pool closes.
type limitedConn struct {
	driverConn
	pool *sql.DB
	held *sql.Conn
}

func (c *limitedConn) Close() error { return errors.Join(c.held.Close(), c.pool.Close()) }

// ResetSession and IsValid are those of the driver.
func (c *limitedConn) ResetSession(ctx context.Context) error {
	return c.driverConn.(driver.SessionResetter).ResetSession(ctx)
}

func (c *limitedConn) IsValid() bool { return c.driverConn.(driver.Validator).IsValid() }

// As for the other driver, every connection has what DBD::SQLite adds.
func init() {
	sqlite3.MustRegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlite3.FunctionContext, args []driver.Value) (driver.Value, error) {
		return matchRegexp(args[0], args[1])
	})
	sqlite3.MustRegisterCollationUtf8("perl", strings.Compare)
	sqlite3.MustRegisterCollationUtf8("perllocale", strings.Compare)
}

// interrupt ends what runs on a connection. The driver has no function for that: its
// handle is read by reflection.
func interrupt(conn driver.Conn) {
	if limited, ok := conn.(*limitedConn); ok {
		conn = limited.driverConn
	}
	tls := libc.NewTLS()
	defer tls.Close()
	library.Xsqlite3_interrupt(tls, uintptr(reflect.ValueOf(conn).Elem().FieldByName("db").Uint()))
}
