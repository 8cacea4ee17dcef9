package replay

import (
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
		if numeric {
			return numberText(v)
		}
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

// pairs reads the two columns of a query.
func pairs(t *testing.T, db *sql.DB, query string) map[string]string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		found[name] = value
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
