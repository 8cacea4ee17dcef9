//go:build e2e

package asterisk

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The table rt_test means nothing to Asterisk: it is for the commands and
// functions that read and write any table.

// hard are values that a driver, a URL, a form or SQL could break.
var hard = []struct{ name, value string }{
	{"semicolon", "a;b;;c"},
	{"caret", "^3B and ^5E ^"},
	{"equals sign", "a=b==c"},
	{"ampersand", "a&b=c&d"},
	{"plus", "a+b c"},
	{"percent", "100%25 %zz %"},
	{"quotes and backslash", `it's "so" \ a` + "`b`"},
	{"dollar", "${EXTEN} $[1+1]"},
	{"UTF-8", "é ü 漢 𝄞"},
	{"newline", "line 1\nline 2"},
	{"SQL", `'; DROP TABLE rt_test; -- /* */ # ?`},
	{"LIKE's own", `50%_[a-z]*`},
}

var realtimeFeatures = func() []feature {
	all := []feature{
		{"realtime load: a row", loadRow},
		{"realtime load: the values of a column with ;", loadValues},
		{"realtime load: quotes, percent, backslash, UTF-8 and tab", loadOddities},
		{"realtime load: a newline inside of a value", loadNewline},
		{"realtime load: LIKE, !=, >= and <=", loadOperators},
		{"realtime load: no row, table or column is no row", loadNothing},
		{"realtime update: counts rows that match, changed or not", updateCounts},
		{"realtime update: the same column in lookup and value", updateSameColumn},
		{"realtime update: an unknown column fails", updateUnknown},
		{"realtime update: a single ( in the lookup makes Asterisk send a GET (its own fault), which fails", updateBracket},
		{"realtime load: a server that does not answer is given up after the seconds of httptimeout", loadSlowly},
		{"realtime store: a second row with the same key fails", storeTwice},
		{"realtime store: 300 bytes arrive as the 255 that Asterisk's driver sends (its own limit)", storeLong},
		{"realtime store: a character that Asterisk's driver cuts in half is dropped whole (its own limit)", storeHalf},
	}
	for n := 1; n <= 5; n++ {
		all = append(all,
			feature{fmt.Sprintf("realtime store: %d columns", n), func(t *testing.T, p *pbx) { storeColumns(t, p, n) }},
			feature{fmt.Sprintf("realtime update2: %d conditions, glued by Asterisk's driver (its own fault)", n), func(t *testing.T, p *pbx) { update2Conditions(t, p, n) }},
			feature{fmt.Sprintf("realtime destroy: %d conditions", n), func(t *testing.T, p *pbx) { destroyConditions(t, p, n) }},
		)
	}
	for _, h := range hard {
		all = append(all, feature{"realtime store, load, update, update2, destroy: " + h.name, func(t *testing.T, p *pbx) { everyWay(t, p, h.name, h.value) }})
	}
	return all
}()

// field is the value of a column, as Asterisk reads it.
func (p *pbx) field(t *testing.T, name, column string) string {
	t.Helper()
	return p.value(t, "REALTIME_FIELD(rt_test,name,"+name+","+column+")")
}

// fieldIs fails the test unless a column has a value.
func (p *pbx) fieldIs(t *testing.T, name, column, want string) {
	t.Helper()
	if got := p.field(t, name, column); got != want {
		t.Errorf("column %s of %s is %q, not %q", column, name, got, want)
	}
}

// What Asterisk says to writes.
const (
	stored       = "Stored RealTime record."
	storeFailed  = "Failed to store record."
	updateFailed = "Failed to update."
	noRows       = "No rows found"
)

func updated(n int) string { return fmt.Sprintf("Updated %d RealTime record", n) }
func removed(n int) string { return fmt.Sprintf("Removed %d RealTime record", n) }

// columns are printed with their names at the right edge.
func column(name, value string) string { return " " + name + "  " + value }

func loadRow(t *testing.T, p *pbx) {
	p.says(t, []string{column("id", "1"), column("a", "simple"), column("n", "0"), column("x_y", "u_v")}, "realtime load rt_test name", "row one")
}

func loadValues(t *testing.T, p *pbx) {
	p.says(t, []string{column("b", "x "), column("b", "y "), column("b", "z ")}, "realtime load rt_test name", "row one")
	p.says(t, []string{column("b", "lead"), column("b", "mid")}, "realtime load rt_test name", "row three")
}

func loadOddities(t *testing.T, p *pbx) {
	p.says(t, []string{column("a", `it's 100% "quoted" \ back`), column("b", "a&b=c+d"), column("c", "é ü 漢"), column("d", "tab\there")},
		"realtime load rt_test name", "row two")
}

func loadNewline(t *testing.T, p *pbx) { p.fieldIs(t, "row three", "a", "line1\nline2") }

func loadOperators(t *testing.T, p *pbx) {
	for _, c := range []struct{ column, value, want string }{
		{"name LIKE", "%thre%", "row three"},
		{"x_y LIKE", `u\_v`, "row one"},
		{"n >=", "7", "row three"},
		{"n <=", "-5", "row two"},
		{"name !=", "row one", "row "},
	} {
		p.says(t, []string{column("name", c.want)}, "realtime load rt_test", c.column, c.value)
	}
}

func loadNothing(t *testing.T, p *pbx) {
	p.says(t, []string{noRows}, "realtime load rt_test name nobody")
	p.says(t, []string{noRows}, "realtime load rt_test nosuchcolumn x")
	p.says(t, []string{noRows}, "realtime load rt_absent name x")
}

func updateCounts(t *testing.T, p *pbx) {
	p.says(t, []string{updated(1)}, "realtime update rt_test name", "row one", "d", "new")
	p.says(t, []string{updated(1)}, "realtime update rt_test name", "row one", "d", "new")
	p.says(t, []string{updated(0)}, "realtime update rt_test name nobody d x")
	p.fieldIs(t, "row one", "d", "new")
}

func updateSameColumn(t *testing.T, p *pbx) {
	p.says(t, []string{stored}, "realtime store rt_test name before")
	p.says(t, []string{updated(1)}, "realtime update rt_test name before name after")
	p.says(t, []string{noRows}, "realtime load rt_test name before")
	p.says(t, []string{removed(1)}, "realtime destroy rt_test name after")
}

func updateUnknown(t *testing.T, p *pbx) {
	p.says(t, []string{updateFailed}, "realtime update rt_test name", "row one", "nosuchcolumn", "x")
	p.says(t, []string{updateFailed}, "realtime update rt_absent name x a y")
	p.says(t, []string{updateFailed}, "realtime update2 rt_test nosuchcolumn x NULL a y")
}

func updateBracket(t *testing.T, p *pbx) {
	p.says(t, []string{stored}, "realtime store rt_test name", "(1")
	p.says(t, []string{updateFailed}, "realtime update rt_test name", "(1", "a", "x")
	p.says(t, []string{removed(1)}, "realtime destroy rt_test name", "(1")
}

func loadSlowly(t *testing.T, p *pbx) {
	begin := time.Now()
	p.says(t, []string{noRows}, "realtime load rt_silent name x")
	if d := time.Since(begin); d < 14*time.Second || d > 17*time.Second {
		t.Errorf("given up after %v", d)
	}
}

func storeTwice(t *testing.T, p *pbx) {
	p.says(t, []string{storeFailed}, "realtime store rt_test id 1 name double")
}

func storeLong(t *testing.T, p *pbx) {
	long := strings.Repeat("0123456789", 30)
	p.says(t, []string{stored}, "realtime store rt_test name long a", long)
	p.fieldIs(t, "long", "a", long[:255])
	p.says(t, []string{updated(1)}, "realtime update rt_test name long b", long)
	p.fieldIs(t, "long", "b", long[:255])
	p.says(t, []string{updated(1)}, "realtime update2 rt_test name long NULL c", long)
	p.fieldIs(t, "long", "c", long[:199])
	p.says(t, []string{removed(1)}, "realtime destroy rt_test name long")
}

func storeHalf(t *testing.T, p *pbx) {
	// Each é is six bytes on the wire; 255 bytes hold 42 of them and half of one.
	p.says(t, []string{stored}, "realtime store rt_test name half a", strings.Repeat("é", 60))
	p.fieldIs(t, "half", "a", strings.Repeat("é", 42))
	p.says(t, []string{removed(1)}, "realtime destroy rt_test name half")
}

// letters are the columns that the commands with several pairs use.
const letters = "abcd"

// pairs are n columns and their values, hard ones among them.
func pairs(name string, n int) []string {
	words := []string{"name", name}
	for i := range n - 1 {
		words = append(words, letters[i:i+1], fmt.Sprintf("%d=%c;&^3B+%%", n, letters[i]))
	}
	return words
}

func storeColumns(t *testing.T, p *pbx, n int) {
	name := fmt.Sprint("store", n)
	p.says(t, []string{stored}, "realtime store rt_test", pairs(name, n)...)
	p.holds(t, name, pairs(name, n))
	p.says(t, []string{removed(1)}, "realtime destroy rt_test name", name)
}

// holds fails the test unless a row has the values of pairs.
func (p *pbx) holds(t *testing.T, name string, pairs []string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		p.fieldIs(t, name, pairs[i], pairs[i+1])
	}
}

func update2Conditions(t *testing.T, p *pbx, n int) {
	name := fmt.Sprint("update", n)
	p.says(t, []string{stored}, "realtime store rt_test", pairs(name, n)...)
	p.says(t, []string{updated(1)}, "realtime update2 rt_test", append(pairs(name, n), "NULL", "e", "a=b&c;")...)
	p.fieldIs(t, name, "e", "a=b&c;")
	if n > 1 { // one wrong condition is enough
		wrong := pairs(name, n)
		wrong[len(wrong)-1] = "wrong"
		p.says(t, []string{updated(0)}, "realtime update2 rt_test", append(wrong, "NULL", "e", "never")...)
		p.fieldIs(t, name, "e", "a=b&c;")
	}
	p.says(t, []string{removed(1)}, "realtime destroy rt_test name", name)
}

func destroyConditions(t *testing.T, p *pbx, n int) {
	name := fmt.Sprint("destroy", n)
	p.says(t, []string{stored}, "realtime store rt_test", pairs(name, n)...)
	if n > 1 {
		wrong := pairs(name, n)
		wrong[len(wrong)-1] = "wrong"
		p.says(t, []string{removed(0)}, "realtime destroy rt_test", wrong...)
	}
	p.says(t, []string{removed(1)}, "realtime destroy rt_test", pairs(name, n)...)
	p.says(t, []string{noRows}, "realtime load rt_test name", name)
}

// everyWay writes, finds and deletes a row by a hard value in all the ways there
// are.
func everyWay(t *testing.T, p *pbx, name, value string) {
	p.says(t, []string{stored}, "realtime store rt_test", "name", name, "a", value, "n", "9")
	p.fieldIs(t, name, "a", value)
	p.says(t, []string{column("name", name)}, "realtime load rt_test a", value)
	p.says(t, []string{updated(1)}, "realtime update rt_test name", name, "b", value)
	p.fieldIs(t, name, "b", value)
	p.says(t, []string{updated(1)}, "realtime update rt_test a", value, "c", value)
	p.fieldIs(t, name, "c", value)
	p.says(t, []string{updated(1)}, "realtime update2 rt_test a", value, "b", value, "NULL", "d", value)
	p.fieldIs(t, name, "d", value)
	p.says(t, []string{removed(1)}, "realtime destroy rt_test a", value, "d", value)
	p.says(t, []string{noRows}, "realtime load rt_test a", value)
	p.says(t, []string{column("a", "simple")}, "realtime load rt_test id 1")
}
