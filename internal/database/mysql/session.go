package mysql

import (
	"context"
	"database/sql/driver"
	"net"
	"time"

	"dbsep/internal/database"
)

// A sessionConnector makes connections whose statements dbsep ends by itself: the
// driver has a goroutine look at each statement's context, which has to wake up
// twice for it.
type sessionConnector struct {
	driver.Connector
	command     string // SQL of the source for each new connection; empty for none
	killer      *killer
	maxRowBytes int64 // 0: no limit
}

func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	s := &session{killer: c.killer, maxRowBytes: c.maxRowBytes, born: time.Now()}
	var err error
	if s.driverConn, s.wire, err = connect(ctx, c.Connector, nil); err != nil {
		return nil, err
	}
	if s.settings, err = settleSession(ctx, s.driverConn, c.command, true); err != nil {
		s.driverConn.Close()
		return nil, err
	}
	return s, nil
}

// driverConn is what the driver's connections are.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

// A session is a connection. From its first statement it is a member of its killer, until
// it is closed, or until its statement has ended.
type session struct {
	driverConn
	settings
	wire        *wire
	killer      *killer
	born        time.Time
	joined      bool
	interrupted bool
	maxRowBytes int64       // 0: no limit
	rows        limitedRows // of the query that runs
}

var _ database.Interrupter = (*session)(nil)

func (s *session) SetStrict(ctx context.Context, strict bool) error {
	return s.mode.set(ctx, s.driverConn, strict)
}

func (s *session) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if !s.joined {
		s.joined = true
		s.killer.join(ctx)
	}
	stmt, err := s.driverConn.PrepareContext(ctx, text)
	if err != nil || s.maxRowBytes == 0 {
		return stmt, err
	}
	return &limitedStmt{stmt.(driverStmt), s}, nil
}

// Interrupt ends the connection: the protocol has no other way to end a statement
// on it. The driver notices when it reads or writes, the server may not.
func (s *session) Interrupt() {
	s.interrupted = true
	_ = s.wire.Close()
}

// End ends the statement in the server. A proxy that gave the connection another number
// than the server did has connections of its own, and ends what runs on them itself.
func (s *session) End(ctx context.Context) error {
	defer s.leave()
	if !s.wire.greetedBy(s.id) {
		return nil
	}
	return s.killer.end(ctx, s)
}

func (s *session) Close() error {
	if !s.interrupted {
		defer s.leave()
	}
	return s.driverConn.Close()
}

func (s *session) leave() {
	if s.joined {
		s.killer.leave()
	}
}

// connect makes a connection, and returns its socket. to is another address than that
// of the connector; it may be nil.
func connect(ctx context.Context, connector driver.Connector, to net.Addr) (driverConn, *wire, error) {
	d := dialing{to: to}
	conn, err := connector.Connect(context.WithValue(ctx, dialingKey{}, &d))
	if err != nil {
		return nil, nil, err
	}
	return conn.(driverConn), d.wire, nil
}

// dialing is what dial and its caller tell each other by a context, under dialingKey.
type dialing struct {
	to   net.Addr // nil: the address that the driver names
	wire *wire    // that was made
}

type dialingKey struct{}

// dial connects as the driver does by itself.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	with := ctx.Value(dialingKey{}).(*dialing)
	if with.to != nil {
		network, address = with.to.Network(), with.to.String()
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	with.wire = &wire{Conn: conn}
	return with.wire, nil
}
