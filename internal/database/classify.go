package database

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"net"

	"dbsep/sqlgen"
)

// fault makes a Fault of the error that ended a statement.
func (db *DB) fault(ctx context.Context, err error) error {
	if f := ended(ctx, err); f != nil {
		return f
	}
	var known *sqlgen.Fault
	if errors.As(err, &known) {
		return err
	}
	cause, hint := db.cause(err, isUnreachable(err))
	return &sqlgen.Fault{Cause: cause, Hint: hint, Err: err}
}

// cause is the reason why a statement or a login failed. Of several
// servers that were tried, one that refuses the account does not speak for those
// that are away: once they are back, all is well.
func (db *DB) cause(err error, connecting bool) (cause sqlgen.Cause, hint string) {
	var tried interface{ Unwrap() []error }
	if connecting && errors.As(err, &tried) {
		for i, e := range tried.Unwrap() {
			c, r := db.cause(e, true)
			if i == 0 || cause == sqlgen.Denied || c == sqlgen.Busy {
				cause = c
			}
			hint = cmp.Or(hint, r)
		}
		return cause, hint
	}
	cause, hint = db.driver.ClassifyError(err)
	if cause == sqlgen.Unexpected {
		cause = broken(err)
	}
	if connecting && cause != sqlgen.Denied && cause != sqlgen.Busy {
		cause = sqlgen.Unavailable
	}
	return cause, hint
}

// ended is the Fault of a context that is over, nil while it is not. What the
// driver says then is only how it noticed.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return nil
	}
	why := context.Cause(ctx)
	var f *sqlgen.Fault
	switch {
	case errors.As(why, &f):
		return f
	case errors.Is(why, context.DeadlineExceeded):
		return &sqlgen.Fault{Cause: sqlgen.Timeout, Err: errors.Join(why, err)}
	}
	return &sqlgen.Fault{Cause: sqlgen.Canceled, Err: errors.Join(why, err)}
}

// broken reports whether a connection failed, for drivers that return the
// errors of the network.
func broken(err error) sqlgen.Cause {
	var network net.Error
	switch {
	case errors.Is(err, driver.ErrBadConn):
		return sqlgen.Unavailable
	case errors.As(err, &network) && network.Timeout():
		return sqlgen.Timeout
	case errors.As(err, &network):
		return sqlgen.Unavailable
	}
	return sqlgen.Unexpected
}
