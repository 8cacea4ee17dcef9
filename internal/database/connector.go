package database

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"
)

// Connections of a pool to a server, where the source has no setting. They are not
// kept forever: a server or a firewall drops idle ones, and a server that has
// changed its role, or whose name leads to another one now, is noticed.
const (
	serverConnections = 10
	serverLifetime    = 3 * time.Minute
)

// maxLogins limits the logins to a server at a time: when it is available again,
// those that wait for it do not connect all at once.
const maxLogins = 4

// A PoolConfig is how a pool's connections are made, and how many there may be.
type PoolConfig struct {
	*Connector
	MaxOpen      int
	MaxLifetime  time.Duration // of a connection; 0: as long as the pool
	SeveralHosts bool          // there is more than one server to connect to
	Grouped      bool          // writes that wait for the only connection, a Transactor, are committed together
}

// ServerPool is a pool of connections to a server, which may be unavailable.
func (o *OpenContext) ServerPool(c *Connector) *PoolConfig {
	c.breaker = &breaker{threshold: 1}
	c.logins = make(chan struct{}, maxLogins)
	return &PoolConfig{Connector: c, MaxOpen: cmp.Or(o.MaxConnections, serverConnections), MaxLifetime: serverLifetime}
}

// A Connector limits the time that a connection and its login take and the logins
// at a time, runs a command on each new connection, and marks what fails on the
// way as unreachable: the same error means something else in a statement.
type Connector struct {
	driver.Connector
	Timeout     time.Duration
	InitCommand string // SQL; empty for none

	breaker *breaker      // nil where a try costs nothing
	logins  chan struct{} // nil: no limit

	connections int // of the pool, at most

	retired  atomic.Pointer[time.Time] // see session
	failover failover
}

// probing is the key of a context whose statement only checks whether the
// database responds.
type probing struct{}

func isProbe(ctx context.Context) bool { return ctx.Value(probing{}) != nil }

func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	born := time.Now()
	conn, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	return newSession(conn, born, c), nil
}

// login makes a connection, unless one has failed a moment ago.
func (c *Connector) login(ctx context.Context) (driver.Conn, error) {
	if err := c.breaker.refusal(); err != nil && c.logins != nil && len(c.logins) == cap(c.logins) && !isProbe(ctx) {
		return nil, err // waiting would end with the same error
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
	t.end(loginOutcome(ctx, silence(ctx, began), err), err)
	return conn, err
}

// loginOutcome is what a login says of the server. One that its caller canceled
// says something only if it had enough time.
func loginOutcome(ctx context.Context, silence time.Duration, err error) outcome {
	switch {
	case err == nil:
		return responded
	case ctx.Err() == nil:
		return silent
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded) && silence >= minSilence:
		return silent
	}
	return unclear
}

func (c *Connector) dial(ctx context.Context) (driver.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.Connector.Connect(limited)
	if end, ok := ctx.Deadline(); err != nil && ok && !time.Now().Before(end) {
		<-ctx.Done() // the network may have noticed the deadline before the context
	}
	if errors.Is(err, driver.ErrBadConn) {
		err = errLogin // the pool would try again by itself
	}
	if err != nil {
		return nil, &unreachable{err}
	}
	if c.InitCommand == "" {
		return conn, nil
	}
	if _, err := conn.(driver.ExecerContext).ExecContext(limited, c.InitCommand, nil); err != nil {
		conn.Close()
		return nil, &unreachable{err}
	}
	return conn, nil
}

var errLogin = errors.New("the connection ended during the login")

// unreachable is an error met while connecting.
type unreachable struct{ err error }

func (u *unreachable) Error() string { return "connect: " + u.err.Error() }
func (u *unreachable) Unwrap() error { return u.err }
