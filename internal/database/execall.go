package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"dbsep/sqlgen"
)

// errNoTransactions is why [DB.ExecAll] fails through a driver of ODBC.
var errNoTransactions = &sqlgen.Fault{
	Cause: sqlgen.NotWritable,
	Hint:  "through ODBC each statement is a transaction of its own; write the database itself into dsn, such as DBI:mysql: or DBI:Pg:",
	Err:   errors.New("there are no transactions"),
}

// ExecAll runs statements that change rows in one transaction, all or none. done is how
// many were run before one failed, and all of them where the end of the transaction
// failed.
func (db *DB) ExecAll(ctx context.Context, statements []sqlgen.Statement) (done int, err error) {
	state := retryState{began: time.Now()}
	for {
		done, err = db.execAll(ctx, statements)
		if err == nil {
			return done, nil
		}
		c := call{pool: db.writes}
		if done < len(statements) {
			c.Statement = statements[done]
			if ctx.Err() == nil {
				if _, retry := db.shouldRetry(ctx, c, err, &state); retry {
					continue
				}
			}
		}
		return done, db.explain(ctx, c, db.fault(ctx, err))
	}
}

func (db *DB) execAll(ctx context.Context, statements []sqlgen.Statement) (done int, err error) {
	err = db.onWriter(ctx, func(ctx context.Context, s *session) error {
		return s.inTransaction(ctx, func() (affected int64, err error) {
			for _, statement := range statements {
				n, err := s.exec(ctx, statement)
				if err != nil {
					return 0, err
				}
				affected += n
				done++
			}
			return affected, nil
		})
	})
	return done, err
}

// onWriter calls a function with a free connection that writes, and refuses values that do not
// fit their columns.
func (db *DB) onWriter(ctx context.Context, do func(context.Context, *session) error) error {
	if err := db.refusesWrites(); err != nil {
		return err
	}
	p := db.writes
	if err := p.enter(ctx, nil); err != nil {
		return err
	}
	var interrupted Interrupter
	defer func() { p.leave(interrupted) }()
	interrupted, err := p.on(ctx, func(ctx context.Context, s *session) error {
		if err := s.setStrict(ctx, true); err != nil {
			return err
		}
		return do(ctx, s)
	})
	return err
}

// exec runs a statement that changes rows.
func (s *session) exec(ctx context.Context, statement sqlgen.Statement) (affected int64, err error) {
	stmt, err := s.statement(ctx, statement.SQL)
	if err != nil {
		return 0, err
	}
	result, err := stmt.exec(ctx, statement.Args)
	if err != nil {
		s.forget(statement.SQL)
		return 0, err
	}
	return result.RowsAffected()
}

// inTransaction commits what a function does, or undoes it if it fails.
func (s *session) inTransaction(ctx context.Context, run func() (affected int64, err error)) error {
	if t, ok := s.Conn.(Transactor); ok {
		if err := t.Start(ctx); err != nil {
			return err
		}
		_, ended, err := t.Try(run)
		if err == nil {
			return t.Commit(ctx)
		}
		if !ended {
			_ = s.do(context.WithoutCancel(ctx), "ROLLBACK")
		}
		return err
	}
	b, ok := s.Conn.(driver.ConnBeginTx)
	if !ok {
		return errNoTransactions
	}
	tx, err := b.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return err
	}
	if _, err := run(); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
