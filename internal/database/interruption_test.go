package database

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/sqlgen"
)

// An endable server runs statements that last an hour. It does not notice the first
// interrupts of a statement, and takes a while to end it, or does not answer.
type endable struct {
	pretended
	unnoticed int
	ending    time.Duration
	fails     atomic.Bool
	running   atomic.Int64
}

func (e *endable) Connect(context.Context) (driver.Conn, error) {
	return &endableConn{pretendedConn: pretendedConn{&e.pretended, 0}, server: e, left: e.unnoticed, interrupted: make(chan struct{})}, nil
}

type endableConn struct {
	pretendedConn
	server      *endable
	left        int
	interrupted chan struct{}
	closed      bool
}

func (c *endableConn) Prepare(string) (driver.Stmt, error) { return &endableStatement{c}, nil }

func (c *endableConn) Close() error {
	c.closed = true
	return nil
}

func (c *endableConn) Interrupt() {
	switch {
	case c.closed:
		panic("a connection that is closed is interrupted")
	case c.left == 0:
		close(c.interrupted)
	}
	c.left--
}

func (c *endableConn) End(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-time.After(c.server.ending):
	}
	c.server.running.Add(-1)
	if c.server.fails.Load() {
		return errors.New("no answer")
	}
	return nil
}

type endableStatement struct{ *endableConn }

func (endableStatement) NumInput() int                              { return -1 }
func (endableStatement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (endableStatement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

func (s endableStatement) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	s.server.running.Add(1)
	<-s.interrupted
	return nil, errors.New("interrupted")
}

// withEndable runs a test of a database with two connections to an endable server.
func withEndable(t *testing.T, test func(t *testing.T, server *endable, db *DB)) {
	synctest.Test(t, func(t *testing.T) {
		server := &endable{unnoticed: 5, ending: 3 * time.Second}
		o := &OpenContext{Source: Source{MaxConnections: 2}}
		p := newPool(o.ServerPool(&Connector{Connector: server, Timeout: 5 * time.Second}), 20*time.Second)
		db := &DB{
			driver: &Driver{ClassifyError: func(error) (sqlgen.Cause, string) { return sqlgen.Unexpected, "" }},
			reads:  p,
			writes: p,
		}
		defer db.Close()
		test(t, server, db)
	})
}

func TestStatementHasItsPlaceUntilItHasEnded(t *testing.T) {
	withEndable(t, func(t *testing.T, server *endable, db *DB) {
		began := time.Now()
		results := make(chan time.Duration)
		for range 6 {
			go func() {
				ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
				defer leave()
				_ = db.Query(ctx, sqlgen.Statement{SQL: "one"}, nil)
				results <- time.Since(began)
			}()
		}
		for range 6 {
			if took := <-results; took < 10*time.Second || took > 11*time.Second {
				t.Errorf("a client waited for %v", took)
			}
		}
		if n := db.Stats()[0].InUse; n != 2 || server.running.Load() != 2 {
			t.Errorf("%d connections are in use, %d statements run", n, server.running.Load())
		}
		if err := db.Close(); err != nil || server.running.Load() != 0 {
			t.Errorf("%d statements run when the database is closed, %v", server.running.Load(), err)
		}
	})
}

// A server that does not answer keeps no process from ending.
func TestCloseWaitsForStatementsToEndForAWhile(t *testing.T) {
	withEndable(t, func(t *testing.T, server *endable, db *DB) {
		server.ending = time.Hour
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		_ = db.Query(ctx, sqlgen.Statement{SQL: "one"}, nil)
		began := time.Now()
		if err := db.Close(); err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("closed after %v, %v", time.Since(began), err)
		}
	})
}

func TestStatementThatCannotBeEndedIsLoggedOnce(t *testing.T) {
	withEndable(t, func(t *testing.T, server *endable, db *DB) {
		var log bytes.Buffer
		db.SetLog(slog.New(slog.NewTextHandler(&log, nil)))
		abandon := func(fails bool) {
			server.fails.Store(fails)
			ctx, leave := context.WithTimeout(t.Context(), time.Second)
			defer leave()
			_ = db.Query(ctx, sqlgen.Statement{SQL: "SELECT 'secret'"}, nil)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		for i, fails := range []bool{true, true, false, true} {
			abandon(fails)
			if n, want := strings.Count(log.String(), "\n"), []int{1, 1, 1, 2}[i]; n != want {
				t.Errorf("%d lines after %d statements, want %d:\n%s", n, i+1, want, &log)
			}
		}
		if strings.Contains(log.String(), "secret") {
			t.Error("the log has the statement")
		}
	})
}
