package sqlgen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dbsep/sqlgen"
)

func TestPartOfATable(t *testing.T) {
	whole := sqlgen.NewTable("sites", []sqlgen.Column{
		{Name: "id", Keys: []int{0}}, {Name: "host", Keys: []int{1, 2}}, {Name: "path", Keys: []int{2}}, {Name: "secret", Keys: []int{3}},
	})
	whole.Schema = "voice"
	part := whole.Only(func(c *sqlgen.Column) bool { return c.Name == "host" || c.Name == "id" })
	want := []sqlgen.Column{{Name: "id", Keys: []int{0}}, {Name: "host", Keys: []int{1}}} // a key with path is none any more
	if diff := cmp.Diff(want, part.Columns, cmpopts.EquateEmpty()); diff != "" || part.Name != "sites" || part.Schema != "voice" {
		t.Error(part.Schema, part.Name, diff)
	}
	if part.Column("SECRET") != nil || part.Column("HOST") == nil {
		t.Error("the part has other columns than it shows")
	}
	if len(whole.Columns) != 4 || len(whole.Columns[1].Keys) != 2 {
		t.Error("the whole table has changed")
	}
}
