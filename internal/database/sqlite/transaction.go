package sqlite

import (
	"context"
	"time"

	"dbsep/sqlgen"
)

// Start takes the lock of writers. Reads go on until the transaction is committed.
func (s *session) Start(ctx context.Context) error {
	s.changed, s.tried = false, false
	err := s.do(ctx, "BEGIN IMMEDIATE")
	if err != nil {
		// A transaction may have begun just when its time was up.
		_ = s.do(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return err
}

// Try runs a statement, in a savepoint unless it is the first: that one is all of the
// transaction.
func (s *session) Try(run func() (int64, error)) (affected int64, ended bool, err error) {
	ctx := context.Background()
	if !s.tried {
		s.tried = true
		if affected, err = run(); err != nil {
			_ = s.do(ctx, "ROLLBACK")
			return 0, true, err
		}
		s.changed = affected > 0
		return affected, false, nil
	}
	if err := s.do(ctx, "SAVEPOINT statement"); err != nil {
		return 0, false, err
	}
	affected, err = run()
	if err == nil {
		err = s.do(ctx, "RELEASE statement")
	}
	if err == nil {
		s.changed = s.changed || affected > 0
		return affected, false, nil
	}
	// A transaction that has ended has no savepoint.
	if s.do(ctx, "ROLLBACK TO statement") != nil || s.do(ctx, "RELEASE statement") != nil {
		_ = s.do(ctx, "ROLLBACK")
		return 0, true, err
	}
	return 0, false, err
}

// Commit commits when no statement of this process reads, and tries for as long as a
// statement may wait while another process does. A file that took the place of the
// database's meanwhile does not have what was written.
func (s *session) Commit(ctx context.Context) error {
	if err := s.commit(ctx); err != nil {
		_ = s.do(context.WithoutCancel(ctx), "ROLLBACK")
		return err
	}
	if !s.fileConnector.has(s.file, 0) {
		return errReplaced
	}
	return nil
}

func (s *session) commit(ctx context.Context) error {
	limit := time.Now().Add(s.fileConnector.gate.limit)
	if s.changed { // or there is nothing to wait for
		if err := s.gate.enter(ctx, writeTurn); err != nil {
			return err
		}
		defer s.gate.leave(writeTurn)
	}
	for {
		err := s.do(context.WithoutCancel(ctx), "COMMIT")
		if cause, _ := classifyError(err); err == nil || cause != sqlgen.Busy || ctx.Err() != nil || time.Now().After(limit) {
			return err
		}
	}
}

// do runs a statement of a transaction.
func (s *session) do(ctx context.Context, text string) error {
	stmt := s.control[text]
	if stmt == nil {
		prepared, err := s.driverConn.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		if s.control == nil {
			s.control = make(map[string]driverStmt)
		}
		stmt = prepared.(driverStmt)
		s.control[text] = stmt
	}
	_, err := stmt.ExecContext(ctx, nil)
	return err
}
