package database

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// A session is a connection of a pool. It knows its age: one from before something
// happened is not used after it. And it keeps the statements prepared on it, so
// that a server prepares a statement once for each connection and not once for
// each request.
type session struct {
	driver.Conn
	born   time.Time
	retire *atomic.Pointer[time.Time] // of the pool: none from before it is used

	statements map[string]*statement // by SQL text
	cut        bool                  // a context has ended it
}

// An Interrupter is a connection that can be made to end what it does, and itself
// with it, at any time. Its driver is spared the watching of contexts.
type Interrupter interface{ Interrupt() }

// A StrictSetter is a connection whose database can be made to store a value that
// does not fit its column as something else, and to refuse it.
type StrictSetter interface {
	SetStrict(ctx context.Context, strict bool) error
}

// setStrict makes the database refuse values that do not fit their columns, or do
// with them what its own settings say.
func (s *session) setStrict(ctx context.Context, strict bool) error {
	if l, ok := s.Conn.(StrictSetter); ok {
		return l.SetStrict(ctx, strict)
	}
	return nil
}

// watch returns the context that the driver is given for what runs from now on,
// and a function to be called at its end.
func (s *session) watch(ctx context.Context) (given context.Context, unwatch func()) {
	i, ok := s.Conn.(Interrupter)
	if !ok {
		return ctx, func() {}
	}
	stop := context.AfterFunc(ctx, i.Interrupt)
	return context.WithoutCancel(ctx), func() { s.cut = !stop() }
}

// newerThan is the key of a context whose statement needs a connection made after
// the time that is its value.
type newerThan struct{}

func (s *session) stale(ctx context.Context) bool {
	if t := s.retire.Load(); t != nil && s.born.Before(*t) {
		return true
	}
	t, set := ctx.Value(newerThan{}).(time.Time)
	return set && s.born.Before(t)
}

// ResetSession is called when the connection is taken from the pool.
func (s *session) ResetSession(ctx context.Context) error {
	if s.stale(ctx) {
		return driver.ErrBadConn
	}
	if r, ok := s.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid is called when the connection goes back to the pool.
func (s *session) IsValid() bool {
	if s.cut || s.stale(context.Background()) {
		return false
	}
	v, ok := s.Conn.(driver.Validator)
	return !ok || v.IsValid()
}
