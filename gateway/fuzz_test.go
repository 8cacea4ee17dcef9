package gateway

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dbsep/sqlgen"
)

// asteriskEscape encodes as Asterisk's URIENCODE does: all but letters, digits
// and -_.!~*'() (protocol section 2).
func asteriskEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < 0x80 && (plain[c] || strings.IndexByte("-!~*'()", c) >= 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// FuzzForm shows that any text is read or refused, and that what Asterisk
// encodes comes back as it was.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"id=alice", "&a=1&&b=2&", "a=b=c", "%zz=%", "a;b=c+d", "=x", "%00=1", "%C3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fields, _, err := parseForm(s, 10)
		if err == nil && len(fields) > 10 {
			t.Errorf("%d fields", len(fields))
		}
		if strings.IndexByte(s, 0) >= 0 || strings.Trim(s, " ") == "" {
			return
		}
		encoded := asteriskEscape(s)
		if len(encoded) >= 197 {
			return // may have been cut
		}
		fields, _, err = parseForm(encoded+"="+encoded+"&x=", 10)
		if want := []sqlgen.Field{{Name: s, Value: s}, {Name: "x"}}; err != nil || !slices.Equal(fields, want) {
			t.Errorf("%q came back as %q, %v", s, fields, err)
		}
	})
}

// FuzzPath shows that any path is read or refused, and that table and operation
// come back whatever stands before them.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/peers/single", "peers", "//", "/a%2Fb/multi", "/%zz/x", "/..", "/x?y/multi.json"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var req request
		if err := req.parsePath(&url.URL{Path: s}); err == nil && (req.operation == nil || req.table == "") {
			t.Errorf("%q is read as %+v", s, req)
		}
		if s == "" || strings.IndexByte(s, 0) >= 0 {
			return
		}
		u, err := url.Parse("http://localhost/prefix//" + url.PathEscape(s) + "/Multi.json")
		if err != nil {
			t.Fatal(err)
		}
		req = request{}
		if err := req.parsePath(u); err != nil || req.table != s || req.operation.name != "multi" || !req.json {
			t.Errorf("%q is read as %+v, %v", s, req, err)
		}
	})
}

// FuzzUnglue shows that an update2 is read as it was meant, or refused.
func FuzzUnglue(f *testing.F) {
	f.Add("default", "1234", "x", uint8(0))
	f.Add("xnam", "mailbox", "e", uint8(7))
	f.Add("", "=&", "%", uint8(30))
	table := sqlgen.NewTable("t", []sqlgen.Column{{Name: "context"}, {Name: "mailbox"}, {Name: "box"}, {Name: "name"}, {Name: "e"}, {Name: "100rel"}, {Name: "a-b"}})
	f.Fuzz(func(t *testing.T, v1, v2, v3 string, pick uint8) {
		n := len(table.Columns)
		first, second, third := int(pick)%n, int(pick)/n%n, int(pick)/n/n%n
		if first == second || second == third || first == third {
			return
		}
		pairs := []string{
			table.Columns[first].Name + "=" + asteriskEscape(v1),
			table.Columns[second].Name + "=" + asteriskEscape(v2),
			table.Columns[third].Name + "=" + asteriskEscape(v3),
		}
		text := "&" + strings.Join(pairs, "")
		if !glued(text) {
			t.Fatalf("%q is not seen as glued", text)
		}
		got, err := unglue(text, table)
		if want := "&" + strings.Join(pairs, "&"); err == nil && got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	})
}

// FuzzUnglueAnything shows that no text makes it fail in any other way.
func FuzzUnglueAnything(f *testing.F) {
	f.Add("&context=defaultmailbox=1234")
	f.Add("&=&===")
	table := sqlgen.NewTable("t", []sqlgen.Column{{Name: "context"}, {Name: "mailbox"}, {Name: "x"}, {Name: "é"}})
	f.Fuzz(func(t *testing.T, text string) {
		got, err := unglue(text, table)
		if err == nil && strings.ReplaceAll(got, "&", "") != strings.ReplaceAll(text, "&", "") {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// FuzzCaret shows that a value survives its coding, and that no ; is left in it
// that would split it.
func FuzzCaret(f *testing.F) {
	for _, s := range []string{"alice;@c1", "^", "^3B", "^5E", "a^;b", ";;", "^3b^FF^G0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		coded := encodeCaret(s)
		if strings.Contains(coded, ";") {
			t.Errorf("%q is coded as %q", s, coded)
		}
		if got := string(appendCaretDecoded(nil, []byte(coded))); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
		appendCaretDecoded(nil, []byte(s))
	})
}
