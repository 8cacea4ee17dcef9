package database

import (
	"context"
	"errors"
	"io"
	"time"

	"dbsep/sqlgen"
)

// A DB is a database that a [Source] names. Its methods may be called at the
// same time from many goroutines. Every error of a method with a context is a
// *[sqlgen.Fault].
type DB struct {
	driver        *Driver
	address       string
	account       string
	through       string
	created       bool
	scope         []any  // see Pools
	schema        string // see Pools
	reads, writes *pool
	batches       *batches      // nil: each read has a statement of its own
	lockTimeout   time.Duration // for statements that Driver.Retryable waits for
	maxRowBytes   int64         // of a row that is read; 0: no limit
	readOnly      bool          // see Source
	warnings      []Problem
	described     descriptions
}

// Warnings lists the settings of the source that have no effect, and those that mean
// something else than they did to the Perl script.
func (db *DB) Warnings() []Problem { return db.warnings }

// Kind names the kind of database, for people.
func (db *DB) Kind() string { return db.driver.Name }

// Address says where the database is: a file, a socket or a host, without any
// secret.
func (db *DB) Address() string { return db.address }

// Account names the account that is used, whichever line, DSN, file or variable
// it came from; empty for a database that has none.
func (db *DB) Account() string { return db.account }

// Through names what the DSN requests, such as a driver of ODBC, where dbsep connects
// directly to the database behind it. It is empty elsewhere.
func (db *DB) Through() string { return db.through }

// Created reports whether Open has made the file of the database.
func (db *DB) Created() bool { return db.created }

// Dialect is how the database's SQL is spelled.
func (db *DB) Dialect() *sqlgen.Dialect { return db.driver.Dialect }

// Version queries the version of the database.
func (db *DB) Version(ctx context.Context) (string, error) {
	var version string
	err := db.Query(ctx, sqlgen.Statement{SQL: db.driver.VersionSQL}, func(columns [][]byte) error {
		version = string(columns[0])
		return nil
	})
	return version, err
}

// Ping checks whether the database responds. Where it was unavailable, the first
// successful Ping lets all other statements through again.
func (db *DB) Ping(ctx context.Context) error {
	ctx = context.WithValue(ctx, probing{}, true)
	return db.Query(ctx, sqlgen.Statement{SQL: db.driver.ProbeSQL}, func([][]byte) error { return nil })
}

// Close ends all connections. Statements that run are waited for.
func (db *DB) Close() error {
	err := db.writes.Close()
	if db.reads != db.writes {
		err = errors.Join(err, db.reads.Close())
	}
	return err
}

// Query runs a statement and calls row for each row of its result, as they
// come. Each column is its text as the Perl DBI driver printed it, nil where it
// is NULL. The slices are valid until row returns. An error of row ends the
// query and is returned as it is.
func (db *DB) Query(ctx context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error {
	if db.batches != nil {
		if value, ok := s.PointValue(); ok {
			return db.queryPoint(ctx, s, value, row)
		}
	}
	return db.query(ctx, db.reads, s, row)
}

func (db *DB) query(ctx context.Context, p *pool, s sqlgen.Statement, row func(columns [][]byte) error) error {
	var stopped error
	begun := false
	err := db.run(ctx, call{Statement: s, pool: p, reads: true, use: func(ctx context.Context, stmt *statement) (bool, error) {
		rows, err := stmt.query(ctx, s.Args)
		if err != nil {
			return false, err
		}
		defer rows.Close()
		r := newRow(stmt.columns)
		defer r.release()
		for {
			columns, err := r.read(rows)
			if err == io.EOF { //nolint:errorlint // a connection that ended is another error, which may wrap this one
				return begun, nil
			}
			if err != nil {
				return begun, err
			}
			begun = true
			if db.maxRowBytes > 0 && int64(r.bytes) > db.maxRowBytes {
				return begun, &sqlgen.Fault{Cause: sqlgen.RowTooLarge}
			}
			if stopped = row(columns); stopped != nil {
				return begun, nil
			}
		}
	}})
	if stopped != nil {
		return stopped
	}
	if !begun && db.isMisfit(err) && db.matchesNothing(ctx, s) {
		return nil
	}
	return err
}

// Exec runs a statement that changes rows and returns how many rows its
// conditions matched, whether or not they hold new values now (P8).
func (db *DB) Exec(ctx context.Context, s sqlgen.Statement) (affected int64, err error) {
	affected, err = db.exec(ctx, s)
	if db.changesNothing(ctx, s, err) {
		return 0, nil
	}
	return affected, err
}

// changesNothing reports whether a write that failed has no rows to change: databases may look
// at values before they look for rows.
func (db *DB) changesNothing(ctx context.Context, s sqlgen.Statement, err error) bool {
	if !isBadValue(err) {
		return false
	}
	first, ok := s.First(db.Dialect())
	return ok && db.isEmpty(ctx, first)
}

func (db *DB) exec(ctx context.Context, s sqlgen.Statement) (affected int64, err error) {
	if err := db.refusesWrites(); err != nil {
		return 0, err
	}
	if db.writes.group != nil {
		w := &groupedWrite{Statement: s, ctx: ctx}
		err = db.run(ctx, call{Statement: s, pool: db.writes, grouped: w})
		return w.affected, err
	}
	err = db.run(ctx, call{Statement: s, pool: db.writes, use: func(ctx context.Context, stmt *statement) (bool, error) {
		result, err := stmt.exec(ctx, s.Args)
		if err != nil {
			return false, err
		}
		affected, err = result.RowsAffected()
		return true, err
	}})
	return affected, err
}

// matchesNothing reports whether a read that was refused for a value has no rows: a
// value that a column cannot hold equals nothing. Where the value may be one that
// has no place in an order, the equalities decide.
func (db *DB) matchesNothing(ctx context.Context, s sqlgen.Statement) bool {
	first, ok, others := s.Equalities(db.Dialect())
	return ok && (!others || db.isEmpty(ctx, first))
}

func (db *DB) isEmpty(ctx context.Context, s sqlgen.Statement) bool {
	found := false
	err := db.Query(ctx, s, func([][]byte) error {
		found = true
		return nil
	})
	return err == nil && !found
}

func isBadValue(err error) bool {
	var fault *sqlgen.Fault
	return errors.As(err, &fault) && fault.Cause == sqlgen.BadValue
}

// isMisfit reports whether a read was refused for the value of a condition.
func (db *DB) isMisfit(err error) bool {
	return isBadValue(err) && (errors.Is(err, errNoText) || db.driver.Misfit != nil && db.driver.Misfit(err))
}
