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

		BeyondASCII: func(quoted string) string { return "beyond(" + quoted + ")" },
	}
	table := sqlgen.NewTable("t", []sqlgen.Column{
		{Name: "id", Class: sqlgen.Integer, Type: "int"},
		{Name: "]x", Class: sqlgen.Text, Type: "text"},
		{Name: "kind", Class: sqlgen.Text, Type: "enum"},
		{Name: "y", Class: sqlgen.Text, Type: "text"},
	})
	table.Schema = "s"
	s, columns := sqlgen.BeyondASCII(&d, table)
	if diff := cmp.Diff("SELECT beyond([]]x]), beyond([y]) FROM [s].[t]", s.SQL); diff != "" || len(columns) != 2 || columns[1].Name != "y" {
		t.Errorf("%v (-want +got):\n%s", columns, diff)
	}
	s, fixes := sqlgen.Doubled(&d, table, columns[0])
	if diff := cmp.Diff("SELECT CASE WHEN A([]]x]) THEN 0 WHEN B([]]x]) THEN 1 END AS way, COUNT(*) FROM [s].[t] GROUP BY way ORDER BY way", s.SQL); diff != "" || s.Args != nil {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"FIX A [s].[t].[]]x]", "FIX B [s].[t].[]]x]"}, fixes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, columns := sqlgen.BeyondASCII(plain, table); len(columns) > 0 {
		t.Errorf("a dialect without doublings suspects %v", columns)
	}
	if _, columns := sqlgen.BeyondASCII(&d, sqlgen.NewTable("t", table.Columns[:1])); len(columns) > 0 {
		t.Errorf("a table without texts suspects %v", columns)
	}
}
