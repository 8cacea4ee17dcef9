package mysql

import (
	"context"
	"database/sql/driver"
	"net"
)

// A sessionConnector makes connections whose statements dbsep ends by itself: the
// driver has a goroutine look at each statement's context, which has to wake up
// twice for it.
type sessionConnector struct {
	driver.Connector
	command string // SQL of the source for each new connection; empty for none
}

func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	var wire net.Conn
	conn, err := c.Connector.Connect(context.WithValue(ctx, socketKey{}, &wire))
	if err != nil {
		return nil, err
	}
	s := &session{driverConn: conn.(driverConn), wire: wire}
	if s.mode, err = settleSession(ctx, conn, c.command, true); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// socketKey is the key of a context under which dial returns the connection's socket
// to its caller: a *net.Conn.
type socketKey struct{}

// dial connects as the driver does by itself.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	wire, err := d.DialContext(ctx, network, address)
	if place, ok := ctx.Value(socketKey{}).(*net.Conn); ok {
		*place = wire
	}
	return wire, err
}

// driverConn is what the driver's connections are.
type driverConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

type session struct {
	driverConn
	wire net.Conn
	mode sqlMode
}

func (s *session) SetStrict(ctx context.Context, strict bool) error {
	return s.mode.set(ctx, s.driverConn, strict)
}

// interrupt ends the connection: the protocol has no other way to end a statement
// on it. The driver notices when it reads or writes.
func (s *session) Interrupt() { _ = s.wire.Close() }
