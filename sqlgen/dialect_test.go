package sqlgen_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/sqlgen"
)

var sites = sqlgen.NewTable("sites", []sqlgen.Column{
	{Name: "host"},
	{Name: "port", Class: sqlgen.Integer},
	{Name: "path"},
	{Name: "logo", Class: sqlgen.Binary, Nullable: true},
	{Name: "address", Class: sqlgen.Other, Nullable: true},
})

func TestOverwriteTakesTheFirstKeyThatIsGiven(t *testing.T) {
	keys := [][]string{{"host", "port"}, {"host", "path"}, {}}
	for _, c := range []struct {
		fields []sqlgen.Field
		want   string
	}{
		{pairs("port", "80", "HOST", "h"), "UPDATE [sites] SET [port] = ?, [host] = ? WHERE [host] = ? AND [port] = ?"},
		{pairs("path", "/", "host", "h"), "UPDATE [sites] SET [path] = ?, [host] = ? WHERE [host] = ? AND [path] = ?"},
		{pairs("path", "/", "port", "80", "host", "h"), "UPDATE [sites] SET [path] = ?, [port] = ?, [host] = ? WHERE [host] = ? AND [port] = ?"},
		{pairs("host", "h"), ""},
		{pairs("logo", "x"), ""},
	} {
		s, ok, err := sqlgen.Overwrite(plain, sites, keys, c.fields)
		if s.SQL != c.want || ok != (c.want != "") || err != nil {
			t.Errorf("%v: %q, %v, %v; want %q", c.fields, s.SQL, ok, err, c.want)
		}
	}
	if s, ok, err := sqlgen.Overwrite(plain, sites, keys, pairs("host", "h", "port", "1", "nosuch", "x")); ok || err == nil {
		t.Errorf("an unknown column: %q, %v, %v", s.SQL, ok, err)
	}
}

func TestTheSchemaThatIsKnownIsNamed(t *testing.T) {
	table := sqlgen.NewTable("sites", sites.Columns)
	table.Schema = "voice"
	for _, statement := range []func() (sqlgen.Statement, error){
		func() (sqlgen.Statement, error) { return sqlgen.Single(plain, table, pairs("host", "h")) },
		func() (sqlgen.Statement, error) { return sqlgen.Multi(plain, table, pairs("host", "h")) },
		func() (sqlgen.Statement, error) { return sqlgen.Store(plain, table, pairs("host", "h")) },
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
	s, err := sqlgen.Store(&d, sites, pairs("logo", "", "address", "", "host", ""))
	if diff := cmp.Diff([]any{[]byte(""), nil, ""}, s.Args); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestADialectConvertsPatterns(t *testing.T) {
	d := *plain
	d.Pattern = func(pattern string) string { return "<" + pattern + ">" }
	s, err := sqlgen.Multi(&d, sites, pairs("host", "h", "path LIKE", `%\`))
	if diff := cmp.Diff([]any{"h", `<%\\>`}, s.Args); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAColumnThatADialectCannotSort(t *testing.T) {
	d := *plain
	d.Unsorted = func(c *sqlgen.Column) bool { return c.Name == "logo" }
	for column, want := range map[string]string{"logo": " ORDER BY TEXT([logo])", "port": " ORDER BY [port]"} {
		s, err := sqlgen.MultiBy(&d, sites, pairs("host", "h"), sites.Column(column))
		if err != nil || !strings.HasSuffix(s.SQL, want) {
			t.Errorf("%s, %v, want %s", s.SQL, err, want)
		}
		s, err = sqlgen.Multi(&d, sites, pairs(column+" LIKE", "h"))
		if err != nil || !strings.HasSuffix(s.SQL, want) {
			t.Errorf("%s, %v, want %s", s.SQL, err, want)
		}
	}
}

func TestValuesThatADialectDoesNotTake(t *testing.T) {
	d := *plain
	d.Takes = func(c *sqlgen.Column, value string) bool { return c.Name == "host" || value != "" }
	for what, c := range map[string]struct {
		lookup, values []sqlgen.Field
		column         string // empty: taken
	}{
		"a value":                          {pairs("host", "h"), pairs("port", ""), "port"},
		"another column":                   {pairs("host", ""), pairs("host", ""), ""},
		"another value":                    {pairs("port", "1"), pairs("port", "1"), ""},
		"a pattern is a text":              {pairs("port LIKE", "", "path NOT LIKE", ""), pairs("port", "1"), ""},
		"an empty value that becomes NULL": {pairs("host", "h"), pairs("address", ""), ""},
	} {
		_, err := sqlgen.Update(&d, sites, c.lookup, c.values)
		var fault *sqlgen.Fault
		switch {
		case c.column == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.column != "" && (!errors.As(err, &fault) || fault.Cause != sqlgen.BadValue || fault.Table != "sites" || fault.Column != c.column):
			t.Errorf("%s: %v, want the column %s", what, err, c.column)
		}
	}
}
