package database

import (
	"context"
	"database/sql/driver"
	"time"
)

// An unwatched context is what database/sql is given in place of a statement's
// own: for one that may end, it would start a goroutine with every query. It never
// has to wait itself (see pool.enter), and the driver, which does, is given the
// statement's own again.
type unwatched struct{ context.Context }

func (unwatched) Deadline() (time.Time, bool) { return time.Time{}, false }
func (unwatched) Done() <-chan struct{}       { return nil }
func (unwatched) Err() error                  { return nil }

func (u unwatched) Value(key any) any {
	if key == (own{}) {
		return u.Context
	}
	return u.Context.Value(key)
}

// own is the key of the context that an unwatched one stands for.
type own struct{}

func watched(ctx context.Context) context.Context {
	if c, ok := ctx.Value(own{}).(context.Context); ok {
		return c
	}
	return ctx
}

// A watchedStatement runs a driver's statement as long as its own context lasts.
type watchedStatement struct {
	driver.Stmt
	session *session
}

func (s watchedStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(watched(ctx), args)
}

func (s watchedStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.Stmt.(driver.StmtExecContext).ExecContext(watched(ctx), args)
}

func (s watchedStatement) CheckNamedValue(v *driver.NamedValue) error {
	if c, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return c.CheckNamedValue(v)
	}
	return s.session.CheckNamedValue(v)
}
