package sqlgen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dbsep/sqlgen"
)

func TestPartOfATable(t *testing.T) {
	whole := sqlgen.NewTable("sites", []sqlgen.Column{
		{Name: "id"}, {Name: "host"}, {Name: "path"}, {Name: "secret"},
	})
	whole.Schema = "voice"
	part := whole.Only(func(c *sqlgen.Column) bool { return c.Name == "host" || c.Name == "id" })
	want := []sqlgen.Column{{Name: "id"}, {Name: "host"}}
	if diff := cmp.Diff(want, part.Columns, cmpopts.EquateEmpty()); diff != "" || part.Name != "sites" || part.Schema != "voice" {
		t.Error(part.Schema, part.Name, diff)
	}
	if part.Column("SECRET") != nil || part.Column("HOST") == nil {
		t.Error("the part has other columns than it shows")
	}
	if len(whole.Columns) != 4 {
		t.Error("the whole table has changed")
	}
}
