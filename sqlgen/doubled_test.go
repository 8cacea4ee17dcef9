package sqlgen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

func TestDoubled(t *testing.T) {
	way := func(name string) sqlgen.Doubling {
		return sqlgen.Doubling{
			Seen: func(column string) string { return name + "(" + column + ")" },
			Fix:  func(table, column string) string { return "FIX " + name + " " + table + "." + column },
		}
	}
	d := *plain
	d.Check = &sqlgen.CheckDialect{
		Doublings: []sqlgen.Doubling{way("A"), way("B")},
		Doubles:   func(c *sqlgen.Column) bool { return c.Type == "text" },
	}
	table := sqlgen.NewTable("t", []sqlgen.Column{
		{Name: "id", Class: sqlgen.Integer, Type: "int"},
		{Name: "]x", Class: sqlgen.Text, Type: "text"},
		{Name: "kind", Class: sqlgen.Text, Type: "enum"},
		{Name: "y", Class: sqlgen.Text, Type: "text"},
	})
	table.Schema = "s"
	s, suspects := sqlgen.Doubled(&d, table)
	want := sqlgen.Statement{SQL: "SELECT COUNT(CASE WHEN way1 = 0 THEN 1 END), COUNT(CASE WHEN way1 = 1 THEN 1 END), " +
		"COUNT(CASE WHEN way3 = 0 THEN 1 END), COUNT(CASE WHEN way3 = 1 THEN 1 END) FROM (" +
		"SELECT CASE WHEN A([]]x]) THEN 0 WHEN B([]]x]) THEN 1 END AS way1, CASE WHEN A([y]) THEN 0 WHEN B([y]) THEN 1 END AS way3 " +
		"FROM [s].[t]) AS ways"}
	if diff := cmp.Diff([]any{want.SQL, want.Args}, []any{s.SQL, s.Args}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantSuspects := []sqlgen.Suspect{
		{Column: "]x", Fix: "FIX A [s].[t].[]]x]"}, {Column: "]x", Fix: "FIX B [s].[t].[]]x]"},
		{Column: "y", Fix: "FIX A [s].[t].[y]"}, {Column: "y", Fix: "FIX B [s].[t].[y]"},
	}
	if diff := cmp.Diff(wantSuspects, suspects); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, suspects := sqlgen.Doubled(plain, table); len(suspects) > 0 {
		t.Errorf("a dialect without doublings suspects %v", suspects)
	}
	if _, suspects := sqlgen.Doubled(&d, sqlgen.NewTable("t", table.Columns[:1])); len(suspects) > 0 {
		t.Errorf("a table without texts suspects %v", suspects)
	}
}
