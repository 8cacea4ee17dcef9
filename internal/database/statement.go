package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// maxStatements limits the statements that a connection keeps: a PBX sends the same
// few dozen queries all day. poolStatements limits those of all connections of a pool, and
// serverShare is the part of what a server allows for all its clients.
const (
	maxStatements  = 256
	poolStatements = 2560
	serverShare    = 4
)

// A StatementLimiter is a connection to a server that limits the statements that are
// prepared on all connections together.
type StatementLimiter interface {
	// StatementLimit is that limit; 0: none is known.
	StatementLimit() int
}

// share is how many statements one of so many connections may keep.
func share(conn driver.Conn, connections int) int {
	all := poolStatements
	if l, ok := conn.(StatementLimiter); ok && l.StatementLimit() > 0 {
		all = min(all, l.StatementLimit()/serverShare)
	}
	return min(max(all/max(connections, 1), 1), maxStatements)
}

// A statement is one that is prepared on a connection, which nobody else uses at
// the same time. It goes to the driver by itself: what database/sql does for every
// value and every row, to convert any type to any other and to let one goroutine
// close what another reads, took longer than all that dbsep does.
type statement struct {
	driver.Stmt
	convert func(*driver.NamedValue) error // nil: arguments are taken as they are
	columns int                            // of its rows, once it has been run
}

// statement returns the statement of a text.
func (s *session) statement(ctx context.Context, text string) (*statement, error) {
	if known := s.statements[text]; known != nil {
		return known, nil
	}
	s.keep(s.limit - 1)
	stmt, err := prepare(ctx, s.Conn, text)
	if err != nil {
		return nil, err
	}
	if s.statements == nil {
		s.statements = make(map[string]*statement)
	}
	made := &statement{Stmt: stmt}
	if c, ok := s.Conn.(driver.NamedValueChecker); ok {
		made.convert = c.CheckNamedValue
	}
	s.statements[text] = made
	return made, nil
}

func prepare(ctx context.Context, conn driver.Conn, text string) (driver.Stmt, error) {
	if p, ok := conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, text)
	}
	return conn.Prepare(text)
}

// keep drops statements until there are no more than so many.
func (s *session) keep(most int) {
	for old := range s.statements {
		if len(s.statements) <= most {
			return
		}
		s.forget(old)
	}
}

// forget drops the statement of a text, for instance because its table has
// changed.
func (s *session) forget(text string) {
	if known := s.statements[text]; known != nil {
		delete(s.statements, text)
		_ = known.Close()
	}
}

// query runs a statement that has rows.
func (s *statement) query(ctx context.Context, args []any) (driver.Rows, error) {
	named, err := s.arguments(args)
	if err != nil {
		return nil, err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, named)
	if err == nil && s.columns == 0 {
		s.columns = len(rows.Columns()) // drivers make a list of all names to count them
	}
	return rows, err
}

// exec runs a statement that changes rows.
func (s *statement) exec(ctx context.Context, args []any) (driver.Result, error) {
	named, err := s.arguments(args)
	if err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, named)
}

// arguments are those of a statement as its driver wants them.
func (s *statement) arguments(args []any) ([]driver.NamedValue, error) {
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
		if s.convert == nil {
			continue
		}
		if err := s.convert(&named[i]); err != nil && !errors.Is(err, driver.ErrSkip) {
			return nil, fmt.Errorf("convert an argument: %w", err)
		}
	}
	return named, nil
}
