package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"dbsep/sqlgen"
)

// A call is a statement on its way to the database.
type call struct {
	sqlgen.Statement
	pool  *pool
	reads bool // it changes nothing, so running it twice does no harm
	use   func(context.Context, *statement) (begun bool, err error)
}

// run runs a statement, and once more as long as this is worth it and nothing of
// it has begun. It makes a Fault of what fails.
func (db *DB) run(ctx context.Context, c call) error {
	again := second{began: time.Now()}
	for try := ctx; ; {
		begun, err := db.attempt(try, c)
		if err == nil {
			return nil
		}
		var worth bool
		if !begun && ctx.Err() == nil {
			try, worth = db.worth(ctx, c, err, &again)
		}
		if !worth {
			return db.blame(ctx, c.Statement, db.fault(ctx, err))
		}
	}
}

// second is what a statement has used of its chances to be tried again.
type second struct {
	began    time.Time
	patience *patience // with those whom a statement gives way to
	crowd    *patience // with a server that has no place for one more connection
	renewed  bool      // it has had a fresh connection
	moved    bool      // it has gone to another server
}

// left waits with a patience that begins with the statement.
func (s *second) left(ctx context.Context, p **patience, bound time.Duration, wait bool) bool {
	if *p == nil {
		*p = newPatience(s.began, bound)
	}
	return (*p).left(ctx, wait)
}

// worth tells whether a statement that failed is worth another try, waits for it
// where that helps, and returns its context. A write comes to one only where the
// server itself says that it did nothing, or where it was not sent, which is what
// a driver means by ErrBadConn.
func (db *DB) worth(ctx context.Context, c call, err error, left *second) (context.Context, bool) {
	if db.driver.Retryable != nil {
		if again, wait := db.driver.Retryable(err); again {
			return ctx, left.left(ctx, &left.patience, db.lockTimeout, wait)
		}
	}
	var fault *sqlgen.Fault
	_ = errors.As(db.fault(ctx, err), &fault)
	switch {
	case isUnreachable(err):
		// The server has no place for another connection; there may soon be one of
		// the pool's own.
		return ctx, fault.Cause == sqlgen.Busy && c.pool.DB.Stats().OpenConnections > 0 && left.left(ctx, &left.crowd, c.pool.wait, true)
	case fault.Cause == sqlgen.ReadOnly, db.driver.TryOtherHost != nil && db.driver.TryOtherHost(err):
		c.pool.retire()
		again := c.pool.SeveralHosts && !left.moved
		left.moved = true
		return ctx, again
	case !left.renewed && (errors.Is(err, driver.ErrBadConn) || c.reads && db.severed(err)):
		left.renewed = true
		return context.WithValue(ctx, renewed{}, time.Now()), true
	}
	return ctx, false
}

// severed tells whether a connection has ended under a statement.
func (db *DB) severed(err error) bool {
	var network net.Error
	return db.driver.ConnectionLost != nil && db.driver.ConnectionLost(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &network) && !network.Timeout()
}

// attempt runs a statement once. One that fails is prepared anew next time: its
// table may have changed.
func (db *DB) attempt(ctx context.Context, c call) (begun bool, err error) {
	p := c.pool
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	try, err := p.breaker.begin(isProbe(ctx))
	if err != nil {
		return false, err
	}
	began := time.Now()
	defer func() { try.end(db.outcome(ctx, time.Since(began), begun, err)) }()
	err = p.on(ctx, func(ctx context.Context, s *session) error {
		stmt, err := s.statement(ctx, c.SQL)
		if err != nil {
			return err
		}
		if !c.reads {
			if err := s.setStrict(ctx, !c.Lenient); err != nil {
				return err
			}
		}
		if begun, err = c.use(ctx, stmt); err != nil {
			s.forget(c.SQL)
		}
		return err
	})
	return begun, err
}

// outcome is what the end of a statement says of the server, and the error that
// others get in its stead while the server is away. Whether connecting fails is
// the concern of connecting.
func (db *DB) outcome(ctx context.Context, took time.Duration, begun bool, err error) (outcome, error) {
	switch {
	case err == nil || begun:
		return answered, nil
	case isUnreachable(err), ctx.Err() == nil && db.severed(err) && took < telling:
		return unclear, nil // whether the server is there, the next connection shows
	case ctx.Err() == nil && !db.severed(err):
		return answered, nil
	case took < telling, ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return unclear, nil
	}
	return silent, &sqlgen.Fault{
		Cause:  sqlgen.Unavailable,
		Remedy: "the database takes connections but does not answer: look at its load and its disk, or start it anew",
		Err:    err,
	}
}

func isUnreachable(err error) bool {
	var u *unreachable
	return errors.As(err, &u)
}
