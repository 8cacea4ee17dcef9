package sqlgen_test

import (
	"errors"
	"testing"

	"dbsep/sqlgen"
)

func TestFaultNamesWhatItConcerns(t *testing.T) {
	for want, fault := range map[string]*sqlgen.Fault{
		`no such column: "c" of table "t"`: {Cause: sqlgen.UnknownColumn, Table: "t", Column: "c"},
		`no such table: table "t"`:         {Cause: sqlgen.UnknownTable, Table: "t"},
		`two values for one column: "c"`:   {Cause: sqlgen.RepeatedColumn, Column: "c"},
		`the database is busy`:             {Cause: sqlgen.Busy},
	} {
		if got := fault.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFaultKeepsTheDriversError(t *testing.T) {
	cause := errors.New("gone")
	if !errors.Is(&sqlgen.Fault{Cause: sqlgen.Unavailable, Err: cause}, cause) {
		t.Error("the driver's error is lost")
	}
}

func TestClassesHaveNames(t *testing.T) {
	if got := sqlgen.DateTime.String(); got != "datetime" {
		t.Errorf("got %q", got)
	}
}
