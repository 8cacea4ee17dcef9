package database

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// A session is a connection of a pool that knows its age: one from before
// something happened is not used after it.
type session struct {
	driver.Conn
	born   time.Time
	retire *atomic.Pointer[time.Time] // of the pool: none from before it is used
}

// renewed is the key of a context whose statement wants no connection from
// before the time that is its value.
type renewed struct{}

func (s *session) stale(ctx context.Context) bool {
	if t := s.retire.Load(); t != nil && s.born.Before(*t) {
		return true
	}
	t, renewing := ctx.Value(renewed{}).(time.Time)
	return renewing && s.born.Before(t)
}

// ResetSession is asked when the connection is taken from the pool.
func (s *session) ResetSession(ctx context.Context) error {
	if s.stale(ctx) {
		return driver.ErrBadConn
	}
	if r, ok := s.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(watched(ctx))
	}
	return nil
}

// IsValid is asked when the connection goes back to the pool.
func (s *session) IsValid() bool {
	if s.stale(context.Background()) {
		return false
	}
	v, ok := s.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

// PrepareContext is the only way by which a pool's statements run.
func (s *session) PrepareContext(ctx context.Context, text string) (stmt driver.Stmt, err error) {
	if p, ok := s.Conn.(driver.ConnPrepareContext); ok {
		stmt, err = p.PrepareContext(watched(ctx), text)
	} else {
		stmt, err = s.Prepare(text)
	}
	if err != nil {
		return nil, err
	}
	return watchedStatement{stmt, s}, nil
}

func (s *session) CheckNamedValue(v *driver.NamedValue) error {
	if c, ok := s.Conn.(driver.NamedValueChecker); ok {
		return c.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
