package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
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
	limit      int                   // of them

	isText func(value string) bool // of a TextChecker; nil: every value is

	interrupter Interrupter // nil: the driver watches contexts by itself
	contexts    *Watch      // that interrupts it
	interrupted bool
}

func newSession(conn driver.Conn, born time.Time, c *Connector) *session {
	s := &session{Conn: conn, born: born, retire: &c.retired, limit: share(conn, c.connections)}
	if i, ok := conn.(Interrupter); ok {
		s.interrupter, s.contexts = i, NewWatch(i.Interrupt)
	}
	if c, ok := conn.(TextChecker); ok {
		s.isText = c.IsText
	}
	return s
}

// watch returns the context that the driver is given for what runs from now on until
// unwatch.
func (s *session) watch(ctx context.Context) context.Context {
	if s.interrupter == nil {
		return ctx
	}
	s.contexts.Start(ctx)
	return context.Background()
}

// unwatch returns the connection where it was interrupted. It is not used again.
func (s *session) unwatch() Interrupter {
	if s.interrupter == nil || !s.contexts.Stop() {
		return nil
	}
	s.interrupted = true
	return s.interrupter
}

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

// A TextChecker is a connection whose database may take bytes that are no text for
// another text, instead of refusing them.
type TextChecker interface {
	// IsText reports whether a value is text in the character set of the connection.
	IsText(value string) bool
}

var errNoText = errors.New("the value of a condition is no text in the character set of the connection")

// checkTexts refuses conditions that the database may take for others.
func (s *session) checkTexts(statement sqlgen.Statement) error {
	if s.isText == nil {
		return nil
	}
	column, found := statement.NoText(s.isText)
	if !found {
		return nil
	}
	return &sqlgen.Fault{Cause: sqlgen.BadValue, Table: statement.Table, Column: column, Err: errNoText}
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
	if s.interrupted || s.stale(context.Background()) {
		return false
	}
	v, ok := s.Conn.(driver.Validator)
	return !ok || v.IsValid()
}
