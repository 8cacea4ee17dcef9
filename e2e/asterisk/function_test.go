//go:build e2e

package asterisk

import (
	"strings"
	"testing"
)

var functionFeatures = []feature{
	{"REALTIME(): reads a row", func(t *testing.T, p *pbx) {
		want := "id=3,name=row three,a=line1\nline2,b=lead,b=mid,"
		if got := p.value(t, "REALTIME(rt_test,name,row three)"); !strings.HasPrefix(got, want) {
			t.Errorf("got %q", got)
		}
	}},
	{"REALTIME(): reads a row with delimiters of the caller's", func(t *testing.T, p *pbx) {
		want := "id:1/name:row one/a:simple/b:x/b:y/b:z/"
		if got := p.value(t, "REALTIME(rt_test,name,row one,/,:)"); !strings.HasPrefix(got, want) {
			t.Errorf("got %q", got)
		}
	}},
	{"REALTIME(): writes a column from the dialplan", func(t *testing.T, p *pbx) {
		value := `a;b^3B c=d&e+f%41 "g" \ é`
		p.says(t, []string{stored}, "realtime store rt_test name written")
		p.cli(t, "dialplan set global WRITTEN", value)
		p.runs(t, "write@functions")
		p.comes(t, "GLOBAL(WROTE)", "yes")
		p.fieldIs(t, "written", "a", value)
	}},
	{"REALTIME_FIELD(): one column", func(t *testing.T, p *pbx) {
		p.fieldIs(t, "row two", "a", `it's 100% "quoted" \ back`)
		p.fieldIs(t, "row two", "e", "; and ^") // ^3B and ^5E in the table
		p.fieldIs(t, "row two", "nosuchcolumn", "")
	}},
	{"REALTIME_HASH(): a row as an array", func(t *testing.T, p *pbx) {
		p.runs(t, "hash@functions")
		p.comes(t, "GLOBAL(HASHED)", "a&b=c+d|é ü 漢|; and ^")
	}},
	{"REALTIME_STORE(): a row with hard values, and its count in RTSTOREID", func(t *testing.T, p *pbx) {
		p.runs(t, "store@functions")
		p.comes(t, "GLOBAL(STORED)", "1")
		p.says(t, []string{column("a", "x^y&z=1+2"), column("b", "50%")}, "realtime load rt_test name", "stored;one")
	}},
	{"REALTIME_DESTROY(): returns the row and deletes it", func(t *testing.T, p *pbx) {
		got := p.value(t, "REALTIME_DESTROY(rt_test,name,stored;one)")
		if !strings.Contains(got, "name=stored;one,a=x^y&z=1+2,b=50%,") {
			t.Errorf("got %q", got)
		}
		p.says(t, []string{noRows}, "realtime load rt_test name", "stored;one")
	}},
}
