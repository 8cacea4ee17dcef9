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
		fields, _, err := parseForm(s, 10, false)
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
		fields, _, err = parseForm(encoded+"="+encoded+"&x=", 10, true)
		if want := []sqlgen.Field{{Name: s, Value: s}, {Name: "x"}}; err != nil || !slices.Equal(fields, want) {
			t.Errorf("%q came back as %q, %v", s, fields, err)
		}
	})
}

// FuzzArgument shows that the name of a field comes back from the argument of a command that
// the log has, and that nothing in it is more than a word to a shell.
func FuzzArgument(f *testing.F) {
	for _, s := range []string{"id", "id LIKE", "mailboxes !=", "startTime<= ", "a <", "a =", "a==", "x=<>y", "-c", "$(id)", "a'b", "a b", "100rel", "ü", "!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		argument, ok := formatArgument(name)
		if !ok {
			return
		}
		if got := ParseArgument(argument); got != (sqlgen.Field{Name: name}) {
			t.Errorf("%q became %q, and that %q", name, argument, got)
		}
		var c command
		c.add("--set", argument)
		word := strings.TrimPrefix(string(c.text), " --set ")
		if quoted, ok := strings.CutPrefix(word, "'"); ok {
			quoted, ok = strings.CutSuffix(quoted, "'")
			if !ok || strings.Contains(quoted, "'") {
				t.Errorf("%q became the word %s", name, word)
			}
		} else if strings.ContainsFunc(word, func(c rune) bool { return c <= ' ' || strings.ContainsRune("|&;<>()$`\\\"'*?[#~!{", c) }) {
			t.Errorf("%q became the word %s", name, word)
		}
	})
}

// FuzzPath shows that any path is read or refused, and that table and operation
// come back with any path before them.
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
		if err := req.parsePath(u); err != nil || req.table != s || req.operation.Name != "multi" || !req.json {
			t.Errorf("%q is read as %+v, %v", s, req, err)
		}
	})
}

// FuzzSeparate shows that an update2 is read as it was meant, or refused.
func FuzzSeparate(f *testing.F) {
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
		if !isGlued(text) {
			t.Fatalf("%q is not recognized as glued", text)
		}
		got, err := separate(text, table)
		if want := "&" + strings.Join(pairs, "&"); err == nil && got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	})
}

// FuzzSeparateAnything shows that a text is read if there is exactly one way to do
// so, and that the work grows with the length of the text and no faster.
func FuzzSeparateAnything(f *testing.F) {
	f.Add("&context=defaultmailbox=1234")
	f.Add("&=&===")
	f.Add("&x=aaaaa=aa=aaaaaa=a")
	f.Add("&aa=a=1aaa=2&x=%C3%A9=%61aa=3")
	f.Add("&x=%%41=%4aa=1")
	table := sqlgen.NewTable("t", []sqlgen.Column{{Name: "context"}, {Name: "mailbox"}, {Name: "box"}, {Name: "x"}, {Name: "é"}, {Name: "a"}, {Name: "aa"}, {Name: "AAA"}, {Name: "aaaa"}, {Name: "a9"}, {Name: "41"}})
	f.Fuzz(func(t *testing.T, text string) {
		got, err := separate(text, table)
		if err == nil && strings.ReplaceAll(got, "&", "") != strings.ReplaceAll(text, "&", "") {
			t.Errorf("%q became %q", text, got)
		}
		u := newSeparator(table)
		for segment := range strings.SplitSeq(text, "&") {
			if n := strings.Count(segment, "="); n < 2 || n > 8 {
				continue
			}
			parts := strings.Split(segment, "=")
			all := everyReading(table, parts[0], parts[1:], map[*sqlgen.Column]bool{})
			read, ok := u.reading(segment)
			if ok != (len(all) == 1) || ok && !slices.Equal(read, all[0]) {
				t.Errorf("%q is read as %q, %v; it can be read as %q", segment, read, ok, all)
			}
		}
		if most := separateSteps(table, len(text)); u.steps > most {
			t.Errorf("%d steps for %d bytes, more than %d", u.steps, len(text), most)
		}
	})
}

// separateSteps is what the work for a text may come to.
func separateSteps(table *sqlgen.Table, bytes int) int {
	longest := newSeparator(table).longest
	return bytes*longest + 3*bytes
}

// everyReading lists, by trying everything, the ways to read a name and what
// follows it as pairs of different columns.
func everyReading(table *sqlgen.Table, name string, rest []string, used map[*sqlgen.Column]bool) (all [][]string) {
	c := table.Column(unescape(name))
	if len(used) == 0 {
		c = table.Assigned(sqlgen.Field{Name: unescape(name)})
	}
	if c == nil || used[c] {
		return nil
	}
	if len(rest) == 1 {
		return [][]string{{name + "=" + rest[0]}}
	}
	used[c] = true
	defer delete(used, c)
	for i := range len(rest[0]) {
		value, next := rest[0][:i], rest[0][i:]
		whole := unescape(value) + unescape(next) // a split within an escape changes it
		if strings.ContainsAny(next, " +") || whole != unescape(rest[0]) {
			continue
		}
		for _, further := range everyReading(table, next, rest[1:], used) {
			all = append(all, append([]string{name + "=" + value}, further...))
		}
	}
	return all
}

// TestStepsOfASegment counts the bytes of each name that is looked up, and two for each name
// that is chosen.
func TestStepsOfASegment(t *testing.T) {
	s := newSeparator(sqlgen.NewTable("t", []sqlgen.Column{{Name: "a"}, {Name: "b"}}))
	if _, ok := s.reading("a=xb=1"); !ok || s.steps != len("a")+len("b")+len("xb")+2*2 {
		t.Errorf("%v, %d steps", ok, s.steps)
	}
}

// TestSeparateGrowsWithItsInput doubles what a client can make long, and looks at
// the steps.
func TestSeparateGrowsWithItsInput(t *testing.T) {
	var columns []sqlgen.Column
	for n := 1; n <= 60; n++ {
		columns = append(columns, sqlgen.Column{Name: strings.Repeat("a", n)})
	}
	columns = append(columns, sqlgen.Column{Name: "password"})
	for n := range 2000 {
		columns = append(columns, sqlgen.Column{Name: fmt.Sprint("column", n)})
	}
	table := sqlgen.NewTable("t", columns)
	for name, text := range map[string]func(n int) string{
		"one long value":                  func(n int) string { return "password=" + strings.Repeat("a", n) + "=1" },
		"one long value, encoded":         func(n int) string { return "password=" + strings.Repeat("%61", n/3) + "=1" },
		"one long value of other letters": func(n int) string { return "password=" + strings.Repeat("xyz", n/3) + "=1" },
		"many =":                          func(n int) string { return "password" + strings.Repeat("=", n) },
		"many glued pairs that can be read in many ways": func(n int) string { return "password" + strings.Repeat("="+strings.Repeat("a", 60), n/61) + "=1" },
		"as many pairs as columns":                       func(n int) string { return "password" + strings.Repeat("=aaa", min(n/4, 2000)) + "=1" },
		"many segments":                                  func(n int) string { return strings.Repeat("password=aaa=1&", n/15) },
		"many segments that can be read":                 func(n int) string { return strings.Repeat("a=xpassword=1&", n/15) },
		"a chain of names": func(n int) string {
			var b strings.Builder
			b.WriteString("password")
			for i := 0; b.Len() < n; i++ {
				fmt.Fprintf(&b, "=xcolumn%d", i%2000)
			}
			return b.String() + "=1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1 << 10; n <= 1<<22; n *= 2 {
				u := newSeparator(table)
				body := text(n)
				for segment := range strings.SplitSeq(body, "&") {
					u.reading(segment)
				}
				if most := separateSteps(table, len(body)); u.steps > most {
					t.Fatalf("%d bytes: %d steps, more than %d", len(body), u.steps, most)
				}
			}
		})
	}
}

// FuzzCaret shows that a value survives its coding, and that no ; is left in it
// that would split it.
func FuzzCaret(f *testing.F) {
	for _, s := range []string{"alice;@c1", "^", "^3B", "^5E", "a^;b", ";;", "^3b^FF^G0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		coded := EncodeCaret(s)
		if strings.Contains(coded, ";") {
			t.Errorf("%q is coded as %q", s, coded)
		}
		if got := string(appendCaretDecoded(nil, []byte(coded))); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
		appendCaretDecoded(nil, []byte(s))
	})
}
