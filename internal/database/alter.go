package database

import (
	"context"
	"database/sql/driver"
	"time"

	"dbsep/sqlgen"
)

// Alter runs statements that change tables, one after another, on one connection. undone
// says that the database undoes such statements: then they are one transaction, all or
// none. Otherwise what came before an error remains; done is how many that are.
func (db *DB) Alter(ctx context.Context, undone bool, statements []string) (done int, err error) {
	state := retryState{began: time.Now()}
	for {
		done, err = db.alter(ctx, undone, statements)
		if err == nil {
			return done, nil
		}
		retry := false
		if done == 0 && ctx.Err() == nil {
			_, retry = db.shouldRetry(ctx, call{pool: db.writes}, err, &state)
		}
		if !retry {
			return done, db.fault(ctx, err)
		}
	}
}

func (db *DB) alter(ctx context.Context, undone bool, statements []string) (done int, err error) {
	err = db.onWriter(ctx, func(ctx context.Context, s *session) error {
		run := func() (affected int64, err error) {
			for _, text := range statements {
				if err := s.do(ctx, text); err != nil {
					return 0, err
				}
				done++
			}
			return 1, nil // the table itself
		}
		if _, always := s.Conn.(Transactor); !undone && !always {
			_, err := run()
			return err
		}
		err := s.inTransaction(ctx, run)
		if err != nil {
			done = 0
		}
		return err
	})
	return done, err
}

// do runs a statement that is not kept.
func (s *session) do(ctx context.Context, text string) error {
	stmt, err := prepare(ctx, s.Conn, text)
	if err != nil {
		return err
	}
	defer stmt.Close()
	_, err = stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
	return err
}

// ReadRows returns all rows of a query as texts. What is NULL is empty.
func (db *DB) ReadRows(ctx context.Context, s sqlgen.Statement) (rows [][]string, err error) {
	err = db.Query(ctx, s, func(columns [][]byte) error {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = string(c)
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}
