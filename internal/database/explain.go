package database

import (
	"context"
	"errors"

	"dbsep/sqlgen"
)

// explain adds to the error of a statement what the database says of it beside its
// cause, and what the schema says.
func (db *DB) explain(ctx context.Context, c call, err error) error {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || c.Table == "" {
		return err
	}
	switch {
	case fault.Cause == sqlgen.UnknownTable, fault.Cause == sqlgen.UnknownColumn, db.driver.Ambiguous != nil && db.driver.Ambiguous(fault.Err):
		return db.explainMissingName(ctx, c.Statement, fault)
	case fault.Cause == sqlgen.NotWritable && c.reads:
		return &sqlgen.Fault{Cause: sqlgen.Rejected, Hint: fault.Hint, Err: fault.Err}
	case db.driver.NamedBy != nil && fault.Err != nil && fault.Column == "" && fault.Cause != sqlgen.Unexpected:
		column, constraint := db.driver.NamedBy(fault.Err)
		if !c.Statement.HasColumn(column) {
			column = ""
		}
		return &sqlgen.Fault{Cause: fault.Cause, Table: fault.Table, Column: column, Constraint: constraint, Hint: fault.Hint, Err: fault.Err}
	}
	return err
}

// explainMissingName compares what the statement names with the schema as it is now.
// If nothing is missing, it is a trigger or a view that names what is not there.
func (db *DB) explainMissingName(ctx context.Context, s sqlgen.Statement, fault *sqlgen.Fault) error {
	table, failed := db.describe(ctx, s.Table)
	switch {
	case failed != nil:
		return fault
	case table == nil:
		return &sqlgen.Fault{Cause: sqlgen.UnknownTable, Table: s.Table, Err: fault.Err}
	}
	for _, name := range s.Columns() {
		if table.Column(name) == nil {
			return &sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: s.Table, Column: name, Err: fault.Err}
		}
	}
	if fault.Cause == sqlgen.UnknownTable || fault.Cause == sqlgen.UnknownColumn {
		return &sqlgen.Fault{
			Cause: sqlgen.Rejected, Table: s.Table, Err: fault.Err,
			Hint: "correct the trigger or the view: it names a table or a column that is not there",
		}
	}
	return fault
}
