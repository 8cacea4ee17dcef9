package databasetest

import (
	"errors"
	"testing"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A Refusal is a statement that a database's own definitions refuse.
type Refusal struct {
	Name   string
	Script []string // makes the table or view v
	Drop   []string // what is in the way of the next one

	Operation string   // store, destroy or multi; empty: update. Those with conditions have id = 1
	Fields    []string // names and values that store and update set. None: c=z

	Cause              sqlgen.Cause
	Column, Constraint string // that the error names
}

// WantRefusals runs statements that are refused.
func WantRefusals(t *testing.T, db *database.DB, run func(statements ...string), refusals []Refusal) {
	for _, r := range refusals {
		t.Run(r.Name, func(t *testing.T) {
			run(r.Script...)
			defer run(r.Drop...)
			table, err := db.Describe(t.Context(), "v")
			if err != nil {
				t.Fatal(plain(err))
			}
			var s sqlgen.Statement
			first, d := fields("id", "1"), db.Dialect()
			switch r.Operation {
			case "store":
				s, err = sqlgen.Store(d, table, fields(r.Fields...))
			case "":
				if r.Fields == nil {
					r.Fields = []string{"c", "z"}
				}
				s, err = sqlgen.Update(d, table, first, fields(r.Fields...))
			case "destroy":
				s, err = sqlgen.Destroy(d, table, first)
			default:
				s, err = sqlgen.Multi(d, table, first)
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Operation == "multi" {
				err = db.Query(t.Context(), s, func([][]byte) error { return nil })
			} else {
				_, err = db.Exec(t.Context(), s)
			}
			var fault *sqlgen.Fault
			if !errors.As(err, &fault) || fault.Cause != r.Cause {
				t.Fatalf("%v, want %v", plain(err), &sqlgen.Fault{Cause: r.Cause})
			}
			if fault.Column != r.Column || fault.Constraint != r.Constraint {
				t.Errorf("it names column %q and constraint %q, want %q and %q: %v", fault.Column, fault.Constraint, r.Column, r.Constraint, plain(err))
			}
		})
	}
}
