package database

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"
)

// Connections of a pool to a server, where the source says nothing of them. They
// are not kept forever: a server or a firewall forgets idle ones, and a server
// that has changed its role, or whose name leads to another one now, is noticed.
const (
	serverConnections = 10
	serverLifetime    = 3 * time.Minute
)

// maxLogins bounds the logins to a server at a time: when it comes back, those
// who wait for it do not come all at once.
const maxLogins = 4

// connections are how a pool's connections are made, and how many there may be.
type connections struct {
	*connecting
	most     int
	lifetime time.Duration // 0: as long as the pool
	several  bool          // there is more than one server to connect to
}

// served are connections to a server, which may be away.
func (o *opening) served(c *connecting) *connections {
	c.breaker = &breaker{threshold: 1}
	c.logins = make(chan struct{}, maxLogins)
	return &connections{connecting: c, most: cmp.Or(o.MaxConnections, serverConnections), lifetime: serverLifetime}
}

// connecting bounds the time that a connection and its login take and the logins
// at a time, runs a command on each new connection, and marks what fails on the
// way as unreachable: the same error means something else in a statement.
type connecting struct {
	driver.Connector
	timeout time.Duration
	command string // SQL; empty for none

	breaker *breaker      // nil where a try costs nothing
	logins  chan struct{} // nil: as many as there are

	retired atomic.Pointer[time.Time] // see session
}

// probing is the key of a context whose statement asks for nothing but whether
// the database answers.
type probing struct{}

func isProbe(ctx context.Context) bool { return ctx.Value(probing{}) != nil }

func (c *connecting) Connect(ctx context.Context) (driver.Conn, error) {
	born := time.Now()
	conn, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	return &session{Conn: conn, born: born, retire: &c.retired}, nil
}

// login makes a connection, unless one has failed a moment ago.
func (c *connecting) login(ctx context.Context) (driver.Conn, error) {
	if err := c.breaker.refusal(); err != nil && c.logins != nil && len(c.logins) == cap(c.logins) && !isProbe(ctx) {
		return nil, err // nobody needs to wait to hear the same
	}
	if c.logins != nil {
		select {
		case c.logins <- struct{}{}:
		case <-ctx.Done():
			return nil, &unreachable{ctx.Err()}
		}
		defer func() { <-c.logins }()
	}
	t, err := c.breaker.begin(isProbe(ctx))
	if err != nil {
		return nil, err
	}
	began := time.Now()
	conn, err := c.dial(ctx)
	t.end(loginOutcome(ctx, time.Since(began), err), err)
	return conn, err
}

// loginOutcome is what a login says of the server. One that its own caller gave
// up says something only where it had its time.
func loginOutcome(ctx context.Context, took time.Duration, err error) outcome {
	switch {
	case err == nil:
		return answered
	case ctx.Err() == nil:
		return silent
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded) && took >= telling:
		return silent
	}
	return unclear
}

func (c *connecting) dial(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.Connector.Connect(ctx)
	if errors.Is(err, driver.ErrBadConn) {
		err = errLogin // the pool would try again by itself
	}
	if err != nil {
		return nil, &unreachable{err}
	}
	if c.command == "" {
		return conn, nil
	}
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, c.command, nil); err != nil {
		conn.Close()
		return nil, &unreachable{err}
	}
	return conn, nil
}

var errLogin = errors.New("the connection ended during the login")

// retire ends the use of all connections that there are.
func (c *connecting) retire() {
	now := time.Now()
	c.retired.Store(&now)
}

// unreachable is an error met while connecting.
type unreachable struct{ err error }

func (u *unreachable) Error() string { return "connect: " + u.err.Error() }
func (u *unreachable) Unwrap() error { return u.err }
