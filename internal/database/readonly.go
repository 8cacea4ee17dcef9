package database

import (
	"context"
	"database/sql/driver"
	"errors"

	"dbsep/sqlgen"
)

// refusesWrites returns the fault of a write where the source is read-only.
func (db *DB) refusesWrites() error {
	if !db.readOnly {
		return nil
	}
	return &sqlgen.Fault{Cause: sqlgen.ReadOnly, Err: errReadOnly}
}

var errReadOnly = errors.New("the database was opened to change nothing")

// needsReadOnly reports whether a query runs in a transaction that is read-only. What is only
// about the schema does not: in such a transaction MariaDB does not show a view that calls a
// function that writes.
func (db *DB) needsReadOnly(s sqlgen.Statement) bool {
	return db.readOnly && db.driver.BeginReadOnlySQL != "" && s.Table != ""
}

// beginReadOnly begins a transaction that changes nothing, and returns what ends it. A
// function that a view calls could otherwise write, and MariaDB calls some even for a plan.
func (s *session) beginReadOnly(ctx context.Context, text string) (end func(), err error) {
	conn := s.Conn.(driver.ExecerContext)
	if _, err := conn.ExecContext(ctx, text, nil); err != nil {
		return nil, err
	}
	return func() {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK", nil); err != nil {
			s.interrupted = true // and is not used again
		}
	}, nil
}
