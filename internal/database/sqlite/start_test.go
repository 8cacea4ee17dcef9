package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"
)

// A lateConn tells that the time of a BEGIN was up although it has begun a transaction, as
// a driver may that looks at the time last.
type lateConn struct {
	driverConn
	late bool
}

func (c *lateConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	stmt, err := c.driverConn.PrepareContext(ctx, text)
	if err != nil || text != "BEGIN IMMEDIATE" {
		return stmt, err
	}
	return lateStmt{stmt.(driverStmt), c}, nil
}

type lateStmt struct {
	driverStmt
	conn *lateConn
}

func (s lateStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.driverStmt.ExecContext(ctx, args)
	if err == nil && s.conn.late {
		return nil, context.DeadlineExceeded
	}
	return result, err
}

func TestSQLiteTransactionThatBeginsWhenItsTimeIsUpIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.db")
	if err := Create(t.Context(), path, "CREATE TABLE a (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	conn, err := newConnector("file:"+path, nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	late := &lateConn{conn.(driverConn), true}
	s := &session{driverConn: late}
	defer func() {
		for _, stmt := range s.control {
			stmt.Close()
		}
	}()
	if err := s.Start(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	late.late = false
	if err := s.Start(t.Context()); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}
