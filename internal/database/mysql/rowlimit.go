package mysql

import (
	"context"
	"database/sql/driver"
	"errors"

	"dbsep/sqlgen"
)

// The driver reads a row as a whole, however long it is. So the socket ends a row
// that is too long, whether or not TLS is spoken over it. Where the protocol is
// compressed, more gets through.

// readAhead is what the driver may read of the rows behind a row.
const readAhead = 512 << 10

// driverStmt is what the driver's statements are.
type driverStmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// A limitedStmt is a statement whose rows are limited.
type limitedStmt struct {
	driverStmt
	session *session
}

func (s *limitedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.driverStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.session.rows = limitedRows{rows.(driverRows), s.session}
	return &s.session.rows, nil
}

// driverRows is what the driver's rows are.
type driverRows interface {
	driver.Rows
	driver.RowsColumnTypePrecisionScale
}

// limitedRows are rows none of which is longer than its limit.
type limitedRows struct {
	driverRows
	session *session
}

func (r *limitedRows) Next(row []driver.Value) error {
	w, limit := r.session.wire, r.session.maxRowBytes
	w.limited, w.left = true, limit+limit/64+readAhead // TLS adds less than a 64th
	err := r.driverRows.Next(row)
	if err != nil && w.left <= 0 {
		return &sqlgen.Fault{Cause: sqlgen.RowTooLarge, Err: errTooLong}
	}
	w.limited = false
	return err
}

// errTooLong is the error of a socket that has no more bytes for a row.
var errTooLong = errors.New("the row is longer than its limit")
