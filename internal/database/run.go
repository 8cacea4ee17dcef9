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
	pool    *pool
	reads   bool          // it changes nothing, so running it twice does no harm
	grouped *groupedWrite // may share a transaction; nil for all others
	use     func(context.Context, *statement) (begun bool, err error)
}

// run runs a statement, and again where [DB.shouldRetry] says so and no row of it
// has come. What fails is returned as a Fault.
func (db *DB) run(ctx context.Context, c call) error {
	state := retryState{began: time.Now()}
	for attempt := ctx; ; {
		begun, err := db.attempt(attempt, c)
		if err == nil {
			if state.otherHost {
				c.pool.foundHost()
			}
			return nil
		}
		retry := false
		if !begun && ctx.Err() == nil {
			attempt, retry = db.shouldRetry(ctx, c, err, &state)
		}
		if !retry {
			return db.explain(ctx, c, db.fault(ctx, err))
		}
	}
}

// A retryState is what a statement has used of its retries.
type retryState struct {
	began       time.Time
	locked      *backoff // while others hold a lock
	full        *backoff // while the server has no place for another connection or prepared statement
	reconnected bool     // it has had a new connection
	otherHost   bool     // it has gone to another server
}

// next waits with a backoff that begins with the statement.
func (s *retryState) next(ctx context.Context, b **backoff, limit time.Duration, pause bool) bool {
	if *b == nil {
		*b = newBackoff(s.began, limit)
	}
	return (*b).next(ctx, pause)
}

// shouldRetry reports whether a statement that failed is tried again, waits for it
// where that helps, and returns its context. A write is tried again only where the
// server itself says that it did nothing, or where it was not sent, which is what
// a driver means by ErrBadConn.
func (db *DB) shouldRetry(ctx context.Context, c call, err error, state *retryState) (context.Context, bool) {
	if errors.Is(err, errUndone) {
		c.grouped.alone = true
		return ctx, true
	}
	if db.driver.Retryable != nil {
		if retry, wait := db.driver.Retryable(err); retry {
			return ctx, state.next(ctx, &state.locked, db.lockTimeout, wait)
		}
	}
	var fault *sqlgen.Fault
	_ = errors.As(db.fault(ctx, err), &fault)
	switch {
	case isUnreachable(err):
		// The server has no place for another connection; there may soon be one of
		// the pool's own.
		return ctx, fault.Cause == sqlgen.Busy && c.pool.DB.Stats().OpenConnections > 0 && state.next(ctx, &state.full, c.pool.wait, true)
	case db.tooManyStatements(err):
		c.pool.closeIdle() // they keep statements
		return ctx, state.next(ctx, &state.full, c.pool.wait, true)
	case fault.Cause == sqlgen.ReadOnly, db.driver.TryOtherHost != nil && db.driver.TryOtherHost(err):
		retry := !state.otherHost && c.pool.leaveHost(state.began) && c.pool.SeveralHosts
		state.otherHost = true
		return ctx, retry
	case !state.reconnected && (errors.Is(err, driver.ErrBadConn) || c.reads && db.connectionLost(err)):
		state.reconnected = true
		return context.WithValue(ctx, newerThan{}, time.Now()), true
	}
	return ctx, false
}

func (db *DB) tooManyStatements(err error) bool {
	return err != nil && db.driver.TooManyStatements != nil && db.driver.TooManyStatements(err)
}

// connectionLost reports whether a connection has ended under a statement.
func (db *DB) connectionLost(err error) bool {
	var network net.Error
	return db.driver.ConnectionLost != nil && db.driver.ConnectionLost(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &network) && !network.Timeout()
}

// attempt runs a statement once. One that fails is prepared again next time: its
// table may have changed.
func (db *DB) attempt(ctx context.Context, c call) (begun bool, err error) {
	if c.grouped != nil {
		return false, db.attemptGrouped(ctx, c.grouped)
	}
	p := c.pool
	if err := p.enter(ctx, nil); err != nil {
		return false, err
	}
	var interrupted Interrupter
	defer func() { p.leave(interrupted) }()
	probe, err := p.breaker.begin(isProbe(ctx))
	if err != nil {
		return false, err
	}
	began := time.Now()
	defer func() { probe.end(db.outcome(ctx, silence(ctx, began), begun, err)) }()
	interrupted, err = p.on(ctx, func(ctx context.Context, s *session) error {
		if err := s.checkTexts(c.Statement); err != nil {
			return err
		}
		if db.needsReadOnly(c.Statement) {
			end, err := s.beginReadOnly(ctx, db.driver.BeginReadOnlySQL)
			if err != nil {
				return err
			}
			defer end()
		}
		kept := s.statements[c.SQL] != nil
		if begun, err = db.runOn(ctx, s, c); kept && !begun && db.isOutdated(err) {
			begun, err = db.runOn(ctx, s, c)
		}
		return err
	})
	return begun, err
}

// runOn runs a statement on a connection, which prepares it unless it has it.
func (db *DB) runOn(ctx context.Context, s *session, c call) (begun bool, err error) {
	stmt, err := s.statement(ctx, c.SQL)
	if db.tooManyStatements(err) {
		s.keep(0)
		s.limit = max(s.limit/2, 1)
		stmt, err = s.statement(ctx, c.SQL)
	}
	if err != nil {
		return false, err
	}
	if !c.reads {
		if err := s.setStrict(ctx, !c.Lenient); err != nil {
			return false, err
		}
	}
	if begun, err = c.use(ctx, stmt); err != nil {
		s.forget(c.SQL)
	}
	return begun, err
}

func (db *DB) isOutdated(err error) bool {
	return err != nil && db.driver.Outdated != nil && db.driver.Outdated(err)
}

// outcome is what the end of a statement says of the server, and the error that
// others get instead of it while the server is unavailable. Failures to connect
// are counted by the Connector.
func (db *DB) outcome(ctx context.Context, silence time.Duration, begun bool, err error) (outcome, error) {
	switch {
	case err == nil || begun:
		return responded, nil
	case isUnreachable(err), ctx.Err() == nil && db.connectionLost(err) && silence < minSilence:
		return unclear, nil // whether the server is there, the next connection shows
	case ctx.Err() == nil && !db.connectionLost(err):
		return responded, nil
	case silence < minSilence, ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return unclear, nil
	}
	return silent, &sqlgen.Fault{
		Cause: sqlgen.Unavailable,
		Hint:  "the database takes connections but does not answer: look at its load and its disk, or restart it",
		Err:   err,
	}
}

func isUnreachable(err error) bool {
	var u *unreachable
	return errors.As(err, &u)
}
