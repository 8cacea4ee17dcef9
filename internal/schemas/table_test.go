package schemas

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dbsep/sqlgen"
)

// A table is tried: read in full, found by each column, written, cleared, destroyed and
// stored.
type table struct {
	*site
	*sqlgen.Table
}

func (s *site) newTable(t *testing.T, name string) *table {
	t.Helper()
	described, err := s.db.Describe(t.Context(), name)
	check(t, err)
	return &table{s, described}
}

// A row has the database's own texts of its columns; those that are NULL it has not.
type row map[string]string

// ownRows are all rows as the database writes them.
func (tab *table) ownRows(t *testing.T) (rows []row) {
	t.Helper()
	d := tab.db.Dialect()
	var texts []string
	var isHex []bool
	for i := range tab.Columns {
		c := &tab.Columns[i]
		expression, encoded := tab.text(c, d.Quote(c.Name))
		texts, isHex = append(texts, expression), append(isHex, encoded)
	}
	found, err := tab.beside.QueryContext(t.Context(), "SELECT "+strings.Join(texts, ", ")+" FROM "+d.Quote(tab.Name))
	check(t, err)
	defer found.Close()
	for found.Next() {
		values, targets := make([]*string, len(texts)), make([]any, len(texts))
		for i := range values {
			targets[i] = &values[i]
		}
		check(t, found.Scan(targets...))
		r := row{}
		for i, value := range values {
			if value == nil {
				continue
			}
			if isHex[i] {
				bytes, err := hex.DecodeString(*value)
				check(t, err)
				*value = string(bytes)
			}
			r[tab.Columns[i].Name] = tab.plain(&tab.Columns[i], *value)
		}
		rows = append(rows, r)
	}
	check(t, found.Err())
	return rows
}

// plain is a text as dbsep writes it: 15 digits of a Float, and no spaces that only
// fill up.
func (tab *table) plain(c *sqlgen.Column, text string) string {
	if n, err := strconv.ParseFloat(text, 64); err == nil && c.Class == sqlgen.Float {
		return strconv.FormatFloat(n, 'g', 15, 64)
	}
	if strings.HasPrefix(c.Type, "character(") {
		return strings.TrimRight(text, " ")
	}
	return text
}

// sent is what a client gets of a row: the values that are not empty, as lists of items.
func (tab *table) sent(r row) string {
	var pairs []string
	for _, c := range tab.Visible() {
		items := []string{r[c.Name]}
		if strings.Contains(r[c.Name], ";") {
			items = strings.Split(r[c.Name], ";")
		}
		for _, item := range items {
			if len(items) > 1 {
				item = strings.Trim(item, " \t\r\n")
			}
			if item != "" {
				pairs = append(pairs, c.Name+"="+decodeCarets(item))
			}
		}
	}
	return strings.Join(pairs, "&")
}

// received reads the rows of a response to multi.
func (tab *table) received(t *testing.T, body string) (rows []string) {
	t.Helper()
	for line := range strings.Lines(body) {
		var pairs []string
		for pair := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, err := url.PathUnescape(name)
			check(t, err)
			value, err = url.PathUnescape(value)
			check(t, err)
			if c := tab.Column(name); c != nil {
				value = tab.plain(c, value)
			}
			if value != "" {
				pairs = append(pairs, name+"="+value)
			}
		}
		rows = append(rows, strings.Join(pairs, "&"))
	}
	return rows
}

func decodeCarets(text string) string {
	return strings.NewReplacer("^3B", ";", "^5E", "^").Replace(text)
}

// expect returns the code that a comment in the script expects of an operation on the
// table, or on one of its columns.
func (tab *table) expect(words ...string) string {
	for _, of := range [][]string{words, words[:1]} {
		if code := tab.expected[strings.Join(of, " ")]; code != "" {
			return code
		}
	}
	return ""
}

func (tab *table) column(c *sqlgen.Column, operation string) string {
	return tab.expect(tab.Name+"."+c.Name, operation)
}

// isVolatile reports whether the database writes a column with every change of its row.
func (tab *table) isVolatile(column string) bool {
	return tab.expect(tab.Name+"."+column) == "volatile"
}

func (tab *table) try(t *testing.T) {
	rows := tab.ownRows(t)
	if len(rows) == 0 {
		t.Fatal("there are no rows")
	}
	tab.readAll(t, rows)
	for i, r := range rows {
		tab.find(t, rows, i)
		tab.update(t, r)
		tab.clear(t, rows, i)
		tab.destroyAndStore(t, rows, i)
	}
}

// readAll reads the table in full.
func (tab *table) readAll(t *testing.T, rows []row) {
	t.Helper()
	for _, c := range tab.Visible() {
		if slices.ContainsFunc(rows, func(r row) bool { _, known := r[c.Name]; return !known }) {
			continue
		}
		body, code := tab.send(tab.Name, "multi", fields(c.Name+" LIKE", "%"), nil)
		var want []string
		for _, r := range rows {
			want = append(want, tab.sent(r))
		}
		tab.compare(t, "read in full by "+c.Name+" "+code, tab.received(t, body), want)
	}
}

// compare compares rows in any order.
func (tab *table) compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%.1000q\nthe database has\n%.1000q", what, got, want)
	}
}

// isSent reports whether a client can send a value: no list of several items, no ^ that
// another program stored, and no NUL.
func isSent(value string) bool {
	decoded := decodeCarets(value)
	return !strings.Contains(value, "\x00") && strings.NewReplacer(";", "^3B", "^", "^5E").Replace(decoded) == value
}

// lookup are conditions that find a row: all that it has, but for one column and those
// that depend on it, and for those that cannot be found.
func (tab *table) lookup(r row, but string) (found []sqlgen.Field) {
	for i := range tab.Columns {
		c := &tab.Columns[i]
		value, known := r[c.Name]
		if known && value != "" && c.Name != but && !tab.isVolatile(c.Name) && !(but != "" && tab.column(c, "update") == "not-writable") && isSent(value) && tab.expect(tab.Name+"."+c.Name+" find") == "" && c.Class != sqlgen.Float && len(value) < 1000 {
			found = append(found, sqlgen.Field{Name: c.Name, Value: decodeCarets(value)})
		}
	}
	return found
}

// find finds a row by each of its columns.
func (tab *table) find(t *testing.T, rows []row, at int) {
	t.Helper()
	for i := range tab.Columns {
		c := &tab.Columns[i]
		value, known := rows[at][c.Name]
		if !known || value == "" || !isSent(value) {
			continue
		}
		var want []string
		wantCode := tab.expect(tab.Name + "." + c.Name + " find")
		if wantCode == "" {
			for _, r := range rows {
				if r[c.Name] == value {
					want = append(want, tab.sent(r))
				}
			}
		}
		body, code := tab.send(tab.Name, "multi", fields(c.Name, decodeCarets(value)), nil)
		if code != strings.TrimPrefix(wantCode, "no-row") {
			t.Errorf("found by %s %.100q: %q, want %q", c.Name, value, code, wantCode)
		}
		tab.compare(t, fmt.Sprintf("found by %s %.100q %s", c.Name, value, code), tab.received(t, body), want)
	}
}

// wantCount checks a response to a write. There may be several codes, with a bar between
// them.
func wantCount(t *testing.T, what, body, code, want, wantCode string) bool {
	t.Helper()
	if wantCode != "" {
		want = "-1\n"
	}
	if body != want || !slices.Contains(strings.Split(wantCode, "|"), code) {
		t.Errorf("%s: %q %s, want %q %s", what, body, code, want, wantCode)
	}
	return code == ""
}

// count is how many rows are equal to one.
func count(rows []row, r row) (n int) {
	for _, other := range rows {
		if fmt.Sprint(other) == fmt.Sprint(r) {
			n++
		}
	}
	return n
}

// affected is the response to a write of n rows.
func (tab *table) affected(n int) string {
	if tab.expect(tab.Name, "count") == "0" {
		n = 0
	}
	return fmt.Sprintln(n)
}

// update writes each value of a row where it is.
func (tab *table) update(t *testing.T, r row) {
	t.Helper()
	rows := tab.ownRows(t)
	for i := range tab.Columns {
		c := &tab.Columns[i]
		value, known := r[c.Name]
		if !known || !isSent(value) {
			continue
		}
		code := tab.expect(tab.Name, "update")
		if code == "" {
			code = tab.column(c, "update")
		}
		if code == "volatile" {
			code = ""
		}
		body, got := tab.send(tab.Name, "update", tab.lookup(r, ""), fields(c.Name, decodeCarets(value)))
		wantCount(t, fmt.Sprintf("update of %s to %.100q", c.Name, value), body, got, tab.affected(count(rows, r)), code)
	}
	tab.unchanged(t, "the same values were written", rows)
}

// unchanged checks that the database has these rows. An empty text may have become NULL,
// or NULL an empty text.
func (tab *table) unchanged(t *testing.T, what string, rows []row) {
	t.Helper()
	tab.compare(t, what, tab.texts(tab.ownRows(t)), tab.texts(rows))
}

// texts are rows without the columns that the database changes by itself.
func (tab *table) texts(rows []row) (all []string) {
	for _, r := range rows {
		var pairs []string
		for name, value := range r {
			if value != "" && !tab.isVolatile(name) {
				pairs = append(pairs, name+"="+value)
			}
		}
		slices.Sort(pairs)
		all = append(all, strings.Join(pairs, "&"))
	}
	return all
}

// clear clears each column of a row and writes the value again.
func (tab *table) clear(t *testing.T, rows []row, at int) {
	t.Helper()
	r := rows[at]
	if tab.expect(tab.Name, "update") != "" {
		return
	}
	for i := range tab.Columns {
		c := &tab.Columns[i]
		value := r[c.Name]
		lookup := tab.lookup(r, c.Name)
		code := tab.column(c, "clear")
		if value == "" || !isSent(value) || !tab.isOne(rows, r, lookup) || code == "not-writable" || code == "not-tried" {
			continue
		}
		if code == "volatile" {
			code = ""
		}
		what := fmt.Sprintf("%s of row %d is cleared", c.Name, at)
		body, got := tab.send(tab.Name, "update", lookup, fields(c.Name, ""))
		switch {
		case code != "":
			wantCount(t, what, body, got, "", code)
		case !c.Nullable && c.Class != sqlgen.Text && c.Class != sqlgen.Binary && got != "":
			// '' is no value of the column, and NULL is not allowed
			if got != "bad-value" && got != "constraint" || body != "-1\n" {
				t.Errorf("%s: %q %s", what, body, got)
			}
		default:
			if !wantCount(t, what, body, got, tab.affected(count(rows, r)), "") {
				break
			}
			for _, other := range tab.ownRows(t) {
				if other[c.Name] == value && tab.isAmong(lookup, other) {
					t.Errorf("%s: it still has %.100q", what, other[c.Name])
				}
			}
			body, got := tab.send(tab.Name, "update", append(lookup, sqlgen.Field{Name: c.Name + " ="}), fields(c.Name, decodeCarets(value)))
			if body == "0\n" {
				body, got = tab.send(tab.Name, "update", lookup, fields(c.Name, decodeCarets(value)))
			}
			wantCount(t, what+" and written again", body, got, tab.affected(count(rows, r)), "")
		}
		tab.unchanged(t, what+" and written again", rows)
	}
}

// isAmong reports whether a row meets equalities.
func (tab *table) isAmong(lookup []sqlgen.Field, r row) bool {
	return !slices.ContainsFunc(lookup, func(f sqlgen.Field) bool { return decodeCarets(r[f.Name]) != f.Value })
}

// isOne reports whether equalities find a row and those equal to it, and no others.
func (tab *table) isOne(rows []row, r row, lookup []sqlgen.Field) bool {
	return !slices.ContainsFunc(rows, func(other row) bool { return tab.isAmong(lookup, other) && fmt.Sprint(other) != fmt.Sprint(r) })
}

// destroyAndStore destroys a row and stores it again.
func (tab *table) destroyAndStore(t *testing.T, rows []row, at int) {
	t.Helper()
	r := rows[at]
	var values []sqlgen.Field
	isWhole := true
	for i := range tab.Columns {
		c := &tab.Columns[i]
		value, known := r[c.Name]
		isNull := !known && c.Nullable && c.Class != sqlgen.Text && c.Class != sqlgen.Binary // which '' makes it
		if !known && !isNull || tab.column(c, "store") == "not-writable" {
			continue
		}
		if !isSent(value) {
			isWhole = false
			continue
		}
		values = append(values, sqlgen.Field{Name: c.Name, Value: decodeCarets(value)})
	}
	if code := tab.expect(tab.Name, "destroy"); code != "" {
		body, got := tab.send(tab.Name, "destroy", tab.lookup(r, ""), nil)
		wantCount(t, "destroy", body, got, "", code)
		body, got = tab.send(tab.Name, "store", nil, values)
		wantCount(t, "store", body, got, "", tab.expect(tab.Name, "store"))
		tab.unchanged(t, "destroy and store were refused", rows)
		return
	}
	if !isWhole || tab.expect(tab.Name, "store") == "another-key" {
		return
	}
	n := count(rows, r)
	body, code := tab.send(tab.Name, "destroy", tab.lookup(r, ""), nil)
	wantCount(t, "destroy", body, code, tab.affected(n), "")
	if left := tab.texts(tab.ownRows(t)); slices.Contains(left, tab.texts([]row{r})[0]) || len(left) != len(rows)-n {
		t.Errorf("destroy of row %d leaves %.1000q", at, left)
	}
	for range n {
		body, code = tab.send(tab.Name, "store", nil, values)
		wantCount(t, fmt.Sprintf("store of row %d", at), body, code, tab.affected(1), "")
	}
	tab.unchanged(t, "destroyed and stored again", rows)
}

func fields(name, value string) []sqlgen.Field { return []sqlgen.Field{{Name: name, Value: value}} }
