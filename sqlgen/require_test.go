package sqlgen_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

var required = sqlgen.NewTable("t", []sqlgen.Column{
	{Name: "text40", Class: sqlgen.Text, Type: "varchar(40)", Size: 40},
	{Name: "endless", Class: sqlgen.Text, Type: "text"},
	{Name: "tiny", Class: sqlgen.Integer, Type: "tinyint", Size: 1},
	{Name: "small", Class: sqlgen.Integer, Type: "smallint", Size: 2},
	{Name: "int", Class: sqlgen.Integer, Type: "int", Size: 4},
	{Name: "uint", Class: sqlgen.Integer, Type: "int unsigned", Size: 4, Unsigned: true},
	{Name: "any", Class: sqlgen.Integer, Type: "number"},
	{Name: "money", Class: sqlgen.Decimal, Type: "decimal(10,2)"},
	{Name: "real", Class: sqlgen.Float, Type: "double"},
	{Name: "bool", Class: sqlgen.Boolean, Type: "boolean"},
	{Name: "day", Class: sqlgen.Date, Type: "date"},
	{Name: "moment", Class: sqlgen.DateTime, Type: "datetime"},
	{Name: "second", Class: sqlgen.DateTime, Type: "datetime", Size: 19},
	{Name: "hour", Class: sqlgen.Time, Type: "time"},
})

func TestRequire(t *testing.T) {
	for _, test := range []struct {
		column, requirement string
		reason, repair      string // empty: met
	}{
		{"text40", "char:40", "", ""},
		{"TEXT40", "char:10", "", ""},
		{"text40", "char:41", "is varchar(40), too narrow for char:41", "MAKE [text40] OF [t] CHAR"},
		{"endless", "char:4000", "", ""},
		{"text40", "uinteger8:1", "", ""},
		{"text40", "datetime:26", "", ""},
		{"text40", "float:10", "", ""},
		{"text40", "unknown:4000", "", ""},
		{"nosuch", "unknown:1", "is missing", "ADD [nosuch] UNKNOWN TO [t]"},
		{"nosuch", "uinteger2:5", "is missing", "ADD [nosuch] UINT2 TO [t]"},
		{"tiny", "integer1:1", "", ""},
		{"tiny", "uinteger1:1", "is tinyint, too narrow for uinteger1:1", "MAKE [tiny] OF [t] UINT1"},
		{"tiny", "integer2:5", "is tinyint, too narrow for integer2:5", "MAKE [tiny] OF [t] INT2"},
		{"small", "integer1:3", "", ""},
		{"int", "uinteger2:5", "", ""},
		{"int", "uinteger3:11", "", ""},
		{"int", "integer4:11", "", ""},
		{"int", "integer8:11", "is int, too narrow for integer8:11", "MAKE [int] OF [t] INT8"},
		{"uint", "uinteger4:10", "", ""},
		{"uint", "integer2:5", "is int unsigned, of the wrong class for integer2:5", "MAKE [uint] OF [t] INT2"},
		{"any", "integer8:20", "", ""},
		{"money", "integer4:1", "", ""},
		{"real", "float:10", "", ""},
		{"money", "float:10", "", ""},
		{"int", "float:10", "is int, of the wrong class for float:10", "MAKE [int] OF [t] FLOAT"},
		{"int", "char:5", "is int, of the wrong class for char:5", "MAKE [int] OF [t] CHAR"},
		{"bool", "integer1:1", "", ""},
		{"bool", "integer2:1", "is boolean, too narrow for integer2:1", "MAKE [bool] OF [t] INT2"},
		{"day", "date:10", "", ""},
		{"moment", "date:10", "", ""},
		{"moment", "datetime:26", "", ""},
		{"second", "datetime:19", "", ""},
		{"second", "datetime:26", "is datetime, too narrow for datetime:26", "MAKE [second] OF [t] DATETIME"},
		{"day", "datetime:19", "is date, of the wrong class for datetime:19", "MAKE [day] OF [t] DATETIME"},
		{"hour", "integer4:1", "is time, of the wrong class for integer4:1", "MAKE [hour] OF [t] INT4"},
	} {
		t.Run(test.column+" for "+test.requirement, func(t *testing.T) {
			r, err := sqlgen.ParseRequirement(sqlgen.Field{Name: test.column, Value: test.requirement})
			if err != nil {
				t.Fatal(err)
			}
			var want []sqlgen.Shortfall
			if test.reason != "" {
				want = []sqlgen.Shortfall{{Requirement: r, Missing: test.column == "nosuch", Reason: test.reason, Repair: test.repair}}
			}
			if diff := cmp.Diff(want, sqlgen.Require(plain, required, []sqlgen.Requirement{r})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIntegersNeedRoomForTheirText(t *testing.T) {
	for requirement, characters := range map[string]int{
		"uinteger1:0": 3, "integer1:0": 4, "uinteger2:0": 5, "integer2:0": 6, "uinteger3:0": 8, "integer3:0": 8,
		"uinteger4:0": 10, "integer4:0": 11, "uinteger8:0": 20, "integer8:0": 20, "date:0": 10, "datetime:0": 19, "datetime:26": 26, "float:7": 7,
	} {
		r, err := sqlgen.ParseRequirement(sqlgen.Field{Name: "c", Value: requirement})
		if err != nil {
			t.Fatal(err)
		}
		for size, met := range map[int]bool{characters: true, characters - 1: false} {
			table := sqlgen.NewTable("t", []sqlgen.Column{{Name: "c", Class: sqlgen.Text, Size: size}})
			if got := len(sqlgen.Require(plain, table, []sqlgen.Requirement{r})) == 0; got != met {
				t.Errorf("%s in %d characters: met is %v, want %v", requirement, size, got, met)
			}
		}
	}
}

func TestRequirementThatCannotBeRead(t *testing.T) {
	for _, value := range []string{"", "char", "char:", ":5", "char:x", "char:1'", "char:-1", "char:65536", "char:99999999999999999999"} {
		_, err := sqlgen.ParseRequirement(sqlgen.Field{Name: "c", Value: value})
		var fault *sqlgen.Fault
		if !errors.As(err, &fault) || fault.Cause != sqlgen.BadRequirement || fault.Hint == "" {
			t.Errorf("%q: got %v", value, err)
		}
	}
}

func TestRequirementAtItsLimits(t *testing.T) {
	name := strings.Repeat("n", 128)
	r, err := sqlgen.ParseRequirement(sqlgen.Field{Name: name, Value: "char:65535"})
	if want := (sqlgen.Requirement{Column: name, Type: "char", Size: 65535}); err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRequirementForAnEndlessName(t *testing.T) {
	_, err := sqlgen.ParseRequirement(sqlgen.Field{Name: strings.Repeat("n", 129), Value: "char:1"})
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || fault.Cause != sqlgen.BadRequirement {
		t.Errorf("got %v", err)
	}
}
