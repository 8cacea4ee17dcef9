package replay

import (
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A row is one row of a table as text that is the same on every database:
//
//	mwi ("Dazed", 5, NULL)
type row string

// A rowSet counts the rows of tables; tables without a key may hold a row twice.
type rowSet map[row]int

// diff lists how rows came to be others: those that went, then those that came,
// each in order.
func (before rowSet) diff(after rowSet) []string {
	var gone, come []string
	for r, n := range before {
		for range n - after[r] {
			gone = append(gone, "- "+string(r))
		}
	}
	for r, n := range after {
		for range n - before[r] {
			come = append(come, "+ "+string(r))
		}
	}
	slices.Sort(gone)
	slices.Sort(come)
	return slices.Concat(gone, come)
}

// A table is a table's name and how its rows are read. The values come from the
// driver; numeric says which of them are numbers though they come as text.
type table struct {
	name    string
	query   string
	numeric func(*sql.ColumnType) bool
}

// read adds the rows of a table to a set.
func (tb table) read(t *testing.T, db *sql.DB, set rowSet) {
	t.Helper()
	rows, err := db.Query(tb.query)
	if err != nil {
		t.Fatalf("read the rows of %s: %v", tb.name, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(types))
	into := make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("read the rows of %s: %v", tb.name, err)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = valueText(v, tb.numeric(types[i]))
		}
		set[newRow(tb.name, texts)]++
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read the rows of %s: %v", tb.name, err)
	}
}

func newRow(table string, values []string) row {
	return row(table + " (" + strings.Join(values, ", ") + ")")
}

func valueText(value any, numeric bool) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case []byte:
		if numeric {
			return numberText(string(v))
		}
		return shown(string(v))
	case string:
		return shown(v)
	case float32:
		return numberText(strconv.FormatFloat(float64(v), 'g', -1, 32))
	default:
		return numberText(fmt.Sprint(v))
	}
}

// numberText makes one text of all texts of a number: 1.50, 1.5 and 15e-1.
func numberText(text string) string {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// shown is a text in quotes. Of a long one the beginning and the length.
func shown(text string) string {
	const most = 1000
	if len(text) > most {
		return strconv.Quote(text[:40]) + fmt.Sprintf("... (%d bytes)", len(text))
	}
	return strconv.Quote(text)
}

// recordedChanges brings the lines of a recording into the form of diff. Lines
// about counters of generated keys are left out.
func recordedChanges(t *testing.T, lines []string) []string {
	t.Helper()
	var changes []string
	for _, line := range lines {
		sign, rest := line[:2], line[2:]
		if !strings.HasPrefix(rest, "INSERT INTO ") || strings.HasPrefix(rest, "INSERT INTO sqlite_sequence ") {
			continue
		}
		r, err := parseInsert(rest)
		if err != nil {
			t.Fatalf("%v in the recorded line %.200s", err, line)
		}
		changes = append(changes, sign+string(r))
	}
	slices.SortFunc(changes, func(a, b string) int {
		return cmp.Or(-cmp.Compare(a[0], b[0]), cmp.Compare(a, b)) // '-' stands behind '+'
	})
	return changes
}

// parseInsert reads an INSERT as sqlite3's .dump and mysqldump write it.
func parseInsert(line string) (row, error) {
	head, list, found := strings.Cut(strings.TrimPrefix(line, "INSERT INTO "), "VALUES")
	if !found {
		return "", fmt.Errorf("no VALUES")
	}
	name := strings.Trim(head, " \"`")
	list = strings.TrimPrefix(list, " ")
	escapes := strings.Contains(head, "`") // of mysqldump
	var values []string
	for list != "" && list != ";" {
		list = list[1:] // ( or ,
		var value string
		if strings.HasPrefix(list, "'") {
			value, list = cutText(list[1:], escapes)
			value = shown(value)
		} else {
			n := strings.IndexAny(list, ",)")
			if n < 0 {
				return "", fmt.Errorf("a value without an end")
			}
			value, list = numberText(list[:n]), list[n:]
		}
		values = append(values, value)
		list = strings.TrimPrefix(list, ")")
	}
	return newRow(name, values), nil
}

// cutText reads a text up to its closing quote.
func cutText(s string, escapes bool) (text, rest string) {
	var b bytes.Buffer
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'', escapes && s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '\'':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
