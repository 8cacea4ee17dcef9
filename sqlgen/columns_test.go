package sqlgen_test

import (
	"slices"
	"strings"
	"testing"

	"dbsep/sqlgen"
)

// The columns of a statement are those whose names are in its text.
func TestColumnsOfAStatement(t *testing.T) {
	files := sqlgen.NewTable("ast_config", []sqlgen.Column{
		{Name: "id", Class: sqlgen.Integer}, {Name: "note", Class: sqlgen.Text}, {Name: "cat_metric", Class: sqlgen.Integer},
		{Name: "var_metric", Class: sqlgen.Integer}, {Name: "filename", Class: sqlgen.Text}, {Name: "category", Class: sqlgen.Text},
		{Name: "var_name", Class: sqlgen.Text}, {Name: "var_val", Class: sqlgen.Text}, {Name: "commented", Class: sqlgen.Integer},
	})
	for name, c := range map[string]struct {
		table *sqlgen.Table
		make  func() (sqlgen.Statement, error)
	}{
		"single":                     {members, func() (sqlgen.Statement, error) { return single(pairs("name", "a")) }},
		"single again":               {members, func() (sqlgen.Statement, error) { return single(pairs("name", "b")) }},
		"ordered":                    {members, func() (sqlgen.Statement, error) { return multiBy("since")(pairs("name LIKE", "a%")) }},
		"ordered again":              {members, func() (sqlgen.Statement, error) { return multiBy("since")(pairs("name LIKE", "b%")) }},
		"ordered by a hidden column": {members, func() (sqlgen.Statement, error) { return multiBy("hidden")(pairs("name LIKE", "a%")) }},
		"ordered by one again":       {members, func() (sqlgen.Statement, error) { return multiBy("hidden")(pairs("name LIKE", "b%")) }},
		"multi":                      {members, func() (sqlgen.Statement, error) { return multi(pairs("name LIKE", "a%")) }},
		"store":                      {members, func() (sqlgen.Statement, error) { return store(pairs("name", "a", "penalty", "1")) }},
		"update": {members, func() (sqlgen.Statement, error) {
			return updateOf("penalty", "1")(pairs("name", "a", "uniqueid >", "2"))
		}},
		"destroy": {members, func() (sqlgen.Statement, error) { return destroy(pairs("uniqueid", "2")) }},
		"static":  {files, func() (sqlgen.Statement, error) { return sqlgen.Static(plain, files, "a.conf") }},
	} {
		s, err := c.make()
		if err != nil {
			t.Fatal(name, err)
		}
		for _, column := range append(slices.Clone(c.table.Columns), sqlgen.Column{Name: "hidden"}) {
			if named := strings.Contains(s.SQL, plain.Quote(column.Name)); named != slices.Contains(s.Columns(), column.Name) {
				t.Errorf("%s: %s names %q: %v; its columns are %q", name, s.SQL, column.Name, named, s.Columns())
			}
		}
	}
}
