package mysql

import (
	"context"
	"database/sql/driver"
	"net"
)

// A mysqlConnector makes connections whose statements dbsep ends by itself: the
// driver has a goroutine look at each statement's context, which has to wake up
// twice for it.
type mysqlConnector struct {
	driver.Connector
	command string // SQL of the source for each new connection; empty for none
}

func (c mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	var wire net.Conn
	conn, err := c.Connector.Connect(context.WithValue(ctx, wired{}, &wire))
	if err != nil {
		return nil, err
	}
	s := &mysqlSession{mysqlConn: conn.(mysqlConn), wire: wire}
	if s.mode, err = settleMySQL(ctx, conn, c.command, true); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// wired is the key of a context under which the connection's socket is handed
// back to who asked for it: a *net.Conn.
type wired struct{}

// dialMySQL connects as the driver does by itself.
func dialMySQL(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	wire, err := d.DialContext(ctx, network, address)
	if place, ok := ctx.Value(wired{}).(*net.Conn); ok {
		*place = wire
	}
	return wire, err
}

// mysqlConn is what the driver's connections are.
type mysqlConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

type mysqlSession struct {
	mysqlConn
	wire net.Conn
	mode mysqlMode
}

func (s *mysqlSession) SetStrict(ctx context.Context, strict bool) error {
	return s.mode.set(ctx, s.mysqlConn, strict)
}

// interrupt ends the connection: the protocol has no other way to end a statement
// on it. The driver notices when it reads or writes.
func (s *mysqlSession) Interrupt() { _ = s.wire.Close() }
