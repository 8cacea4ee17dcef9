package sqlgen_test

import (
	"testing"
	"unicode/utf8"

	"dbsep/sqlgen"
)

// The values that a condition compares as text are distinguished from bytes, and from
// those that a condition does without.
func TestConditionsThatAreNoText(t *testing.T) {
	table := sqlgen.NewTable("files", []sqlgen.Column{
		{Name: "id", Class: sqlgen.Integer, Size: 4}, {Name: "name", Class: sqlgen.Text}, {Name: "body", Class: sqlgen.Binary},
		{Name: "address", Class: sqlgen.Other},
	})
	for _, c := range []struct {
		lookup []sqlgen.Field
		want   string
	}{
		{pairs("name", "\xff"), "name"},
		{pairs("name LIKE", "a\xc3"), "name"},
		{pairs("name !=", "\xff"), "name"},
		{pairs("address", "\xff"), "address"},
		{pairs("name", "é", "id LIKE", "1\xff"), "id"},
		{pairs("name", "é"), ""},
		{pairs("body", "\xff"), ""},
		{pairs("body LIKE", "\xff", "id", "1"), ""},
		{pairs("id", "99999999999"), ""},
	} {
		s, err := sqlgen.Multi(plain, table, c.lookup)
		if err != nil {
			t.Fatal(err)
		}
		if got, found := s.NoText(utf8.ValidString); got != c.want || found != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.lookup, got, found, c.want)
		}
	}
}
