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

// TestKeys has values whose keys may only differ if every database takes them for
// different.
func TestKeys(t *testing.T) {
	text := func(c sqlgen.Collation) sqlgen.Column { return sqlgen.Column{Class: sqlgen.Text, Collation: c} }
	number := sqlgen.Column{Class: sqlgen.Integer, Type: "int(11)"}
	for _, test := range []struct {
		column sqlgen.Column
		value  string
		key    string // empty: none
	}{
		{text(sqlgen.CaseSensitive), "Alice", "Alice"},
		{text(sqlgen.CaseSensitive), "Alice  ", "Alice"},
		{text(sqlgen.CaseSensitive), " Alice", " Alice"},
		{text(sqlgen.CaseInsensitive), "Alice ", "alice"},
		{text(sqlgen.UnknownCollation), "alice", ""},
		{text(sqlgen.CaseSensitive), "", ""},
		{text(sqlgen.CaseSensitive), "  ", ""},
		{text(sqlgen.CaseSensitive), "alic\u00e9", ""},
		{text(sqlgen.CaseSensitive), "a\tb", ""},
		{text(sqlgen.CaseSensitive), "a\x7f", ""},
		{text(sqlgen.CaseSensitive), "a\xff", ""},
		{number, "007", "7"},
		{number, "7.0", "7"},
		{number, " -7 ", "-7"},
		{number, "0", "0"},
		{number, "7a", ""},
		{number, "", ""},
		{number, "123456789012345", "123456789012345"},
		{number, "1234567890123456", ""},
		{sqlgen.Column{Class: sqlgen.Integer, Type: "year(4)"}, "1970", ""},
		{sqlgen.Column{Class: sqlgen.Decimal}, "7", ""},
		{sqlgen.Column{Class: sqlgen.Boolean}, "true", ""},
		{sqlgen.Column{Class: sqlgen.Date}, "2026-01-01", ""},
		{sqlgen.Column{Class: sqlgen.Binary}, "a", ""},
		{sqlgen.Column{Class: sqlgen.Other, Type: "uuid"}, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", ""},
	} {
		if key, ok := test.column.Key(test.value); ok != (test.key != "") || ok && key != test.key {
			t.Errorf("%v %v %q: %q, %v; want %q", test.column.Class, test.column.Collation, test.value, key, ok, test.key)
		}
	}
}
