package database

import (
	"context"
	"errors"

	"dbsep/sqlgen"
)

// Plans are how a kind of database says how it would run a statement.
type Plans struct {
	// SQL precedes the statement, which does not run.
	SQL string

	// Writes says that the plan of a write can be had in a transaction that is read-only.
	Writes bool

	// Line returns a row of a plan for people.
	Line func(row []string) string

	// Scans reports whether a row of a plan reads a table or an index from end to end.
	Scans func(row []string) bool
}

// A Plan is how a database runs a statement.
type Plan struct {
	Lines []string
	Scans bool // it reads a table or an index from end to end
}

// ErrNoPlan says that dbsep does not know how the database shows a plan.
var ErrNoPlan = errors.New("dbsep does not know how the database shows a plan")

// Plan returns how the database would run a statement, which does not run. Where a database
// that is read-only has no plan of a write, it is that of a query with the same conditions.
func (db *DB) Plan(ctx context.Context, s sqlgen.Statement, writes bool) (p Plan, err error) {
	how := db.driver.Plans
	if how == nil {
		return p, ErrNoPlan
	}
	if writes && !db.plansWrites() {
		s, _ = s.Count(db.Dialect())
	}
	rows, err := db.ReadRows(ctx, s.Explain(how.SQL))
	for _, row := range rows {
		p.Lines = append(p.Lines, how.Line(row))
		p.Scans = p.Scans || how.Scans(row)
	}
	return p, err
}

// Check reports why the database would refuse a write, as far as its plan shows. The write does
// not run.
func (db *DB) Check(ctx context.Context, s sqlgen.Statement) error {
	if db.driver.Plans == nil || !db.plansWrites() {
		return nil
	}
	_, err := db.Plan(ctx, s, true)
	if db.changesNothing(ctx, s, err) {
		return nil
	}
	return err
}

// plansWrites reports whether the database shows plans of writes now.
func (db *DB) plansWrites() bool { return db.driver.Plans.Writes || !db.readOnly }
