package sqlgen_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

// sites has two unique keys of two columns each, the lower one its primary key.
var sites = sqlgen.NewTable("sites", []sqlgen.Column{
	{Name: "host", Keys: []int{0, 7}},
	{Name: "port", Class: sqlgen.Integer, Keys: []int{0}},
	{Name: "path", Keys: []int{7}},
	{Name: "logo", Class: sqlgen.Binary, Nullable: true},
	{Name: "address", Class: sqlgen.Other, Nullable: true},
})

func TestReplaceIsToldTheKeyThatIsGiven(t *testing.T) {
	for _, c := range []struct {
		fields []sqlgen.Field
		want   string
	}{
		{pairs("port", "80", "host", "h"), "[host],[port]"},
		{pairs("path", "/", "host", "h"), "[host],[path]"},
		{pairs("path", "/", "port", "80", "host", "h"), "[host],[port]"},
		{pairs("host", "h"), ""},
		{pairs("logo", "x"), ""},
	} {
		var got []string
		d := *plain
		d.Replace = func(key, _ []string) string {
			got = key
			return ""
		}
		if _, err := sqlgen.Store(&d, sites, c.fields, true); err != nil {
			t.Fatal(err)
		}
		if key := strings.Join(got, ","); key != c.want {
			t.Errorf("%v: the key is %q, want %q", c.fields, key, c.want)
		}
	}
}

func TestTheSchemaThatIsKnownIsNamed(t *testing.T) {
	table := sqlgen.NewTable("sites", sites.Columns)
	table.Schema = "voice"
	for _, statement := range []func() (sqlgen.Statement, error){
		func() (sqlgen.Statement, error) { return sqlgen.Single(plain, table, pairs("host", "h")) },
		func() (sqlgen.Statement, error) { return sqlgen.Multi(plain, table, pairs("host", "h")) },
		func() (sqlgen.Statement, error) { return sqlgen.Store(plain, table, pairs("host", "h"), false) },
		func() (sqlgen.Statement, error) { return sqlgen.Destroy(plain, table, pairs("host", "h")) },
		func() (sqlgen.Statement, error) {
			return sqlgen.Update(plain, table, pairs("host", "h"), pairs("port", "1"))
		},
		func() (sqlgen.Statement, error) {
			return sqlgen.Statement{SQL: sqlgen.Require(plain, table, []sqlgen.Requirement{{Column: "new", Type: "char"}})[0].Repair}, nil
		},
	} {
		s, err := statement()
		if err != nil || !strings.Contains(s.SQL, " [voice].[sites]") {
			t.Errorf("%s, %v", s.SQL, err)
		}
	}
}

func TestBytesAreArgumentsOfTheirOwn(t *testing.T) {
	d := *plain
	d.Bytes = true
	for what, c := range map[string]struct {
		lookup []sqlgen.Field
		want   []any
	}{
		"compared":   {pairs("logo", "\xff", "host", "h"), []any{"1", []byte("\xff"), "h"}},
		"LIKE":       {pairs("logo LIKE", "%"), []any{"1", []byte("%")}},
		"other LIKE": {pairs("address LIKE", "%"), []any{"1", "%"}},
	} {
		s, err := sqlgen.Update(&d, sites, c.lookup, pairs("port", "1"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, s.Args); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	s, err := sqlgen.Store(&d, sites, pairs("logo", "", "address", "", "host", ""), false)
	if diff := cmp.Diff([]any{[]byte(""), nil, ""}, s.Args); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
