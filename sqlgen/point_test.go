package sqlgen_test

import (
	"slices"
	"testing"

	"dbsep/sqlgen"
)

func TestPointRead(t *testing.T) {
	table := sqlgen.NewTable("phones", []sqlgen.Column{
		{Name: "id", Class: sqlgen.Text, Collation: sqlgen.CaseInsensitive, Unique: true},
		{Name: "line", Class: sqlgen.Text, Collation: sqlgen.CaseInsensitive},
		{Name: "number", Class: sqlgen.Integer, Unique: true},
		{Name: "foreign", Class: sqlgen.Text, Unique: true},
		{Name: "hidden", Class: sqlgen.Text, Collation: sqlgen.CaseSensitive, Unique: true, Invisible: true},
	})
	type lookup func(*sqlgen.Dialect, *sqlgen.Table, []sqlgen.Field) (sqlgen.Statement, error)
	for what, c := range map[string]struct {
		read  lookup
		where []sqlgen.Field
		value string
		ok    bool
	}{
		"by a unique text":                     {sqlgen.Single, []sqlgen.Field{{"id", "alice"}}, "alice", true},
		"with a space at the end":              {sqlgen.Single, []sqlgen.Field{{"id", "alice "}}, "alice ", true},
		"all rows":                             {sqlgen.Multi, []sqlgen.Field{{"id", "alice"}}, "", false},
		"not unique":                           {sqlgen.Single, []sqlgen.Field{{"line", "alice"}}, "", false},
		"a number":                             {sqlgen.Single, []sqlgen.Field{{"number", "1"}}, "", false},
		"a collation that is not known":        {sqlgen.Single, []sqlgen.Field{{"foreign", "alice"}}, "", false},
		"a column that is not in the response": {sqlgen.Single, []sqlgen.Field{{"hidden", "alice"}}, "", false},
		"two conditions":                       {sqlgen.Single, []sqlgen.Field{{"id", "alice"}, {"line", "1"}}, "", false},
		"another comparison":                   {sqlgen.Single, []sqlgen.Field{{"id >", "alice"}}, "", false},
		"a pattern":                            {sqlgen.Single, []sqlgen.Field{{"id LIKE", "alice"}}, "", false},
		"a letter beyond ASCII":                {sqlgen.Single, []sqlgen.Field{{"id", "älice"}}, "", false},
		"a byte that is no text":               {sqlgen.Single, []sqlgen.Field{{"id", "\xff"}}, "", false},
		"an empty text":                        {sqlgen.Single, []sqlgen.Field{{"id", ""}}, "", false},
	} {
		s, err := c.read(plain, table, c.where)
		if err != nil {
			t.Fatal(what, err)
		}
		if value, ok := s.PointValue(); value != c.value || ok != c.ok {
			t.Errorf("%s: %q, %v", what, value, ok)
		}
	}
}

func TestPointReadsOfSeveral(t *testing.T) {
	table := sqlgen.NewTable("phones", []sqlgen.Column{
		{Name: "ID", Class: sqlgen.Text},
		{Name: "id", Class: sqlgen.Text, Collation: sqlgen.CaseInsensitive, Unique: true},
		{Name: "line", Class: sqlgen.Text},
	})
	one, err := sqlgen.Single(plain, table, []sqlgen.Field{{"id", "alice"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second text is cached
		s, column, position := one.Points(plain, []string{"alice", "bob", "bob"})
		if want := "SELECT [ID], [id], [line] FROM [phones] WHERE [id] IN (?, ?, ?)"; s.SQL != want || !slices.Equal(s.Args, []any{"alice", "bob", "bob"}) {
			t.Errorf("%s, %q", s.SQL, s.Args)
		}
		if column.Name != "id" || position != 1 || len(s.Columns()) != 3 {
			t.Errorf("%s is at %d of %q", column.Name, position, s.Columns())
		}
	}
}
