package speed

import (
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// contactsIndex is the index for contacts that the manual has for a database,
// empty where none is needed.
func contactsIndex(t *testing.T, kind string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/databases.md")
	check(t, err)
	statement := regexp.MustCompile(`(?m)^-- ` + kind + "\n(CREATE INDEX ps_contacts_id_like .*);$").FindSubmatch(page)
	if statement == nil {
		return ""
	}
	return string(statement[1])
}

// TestContactsAreFoundByAnIndex shows that a look-up of contacts with LIKE does not
// read the whole table.
func TestContactsAreFoundByAnIndex(t *testing.T) {
	for _, kind := range sites {
		t.Run(kind.kind, func(t *testing.T) {
			s := kind.open(t, some)
			if statement := contactsIndex(t, kind.kind); statement != "" {
				s.exec(t, "DROP INDEX ps_contacts_id_like") // that of dbsep schema
				s.exec(t, statement)
			}
			explain, index := "EXPLAIN", "ps_contacts_id_like"
			var args []any
			pattern := `'phone00017^3B@%'`
			switch kind.kind {
			case "SQLite":
				explain += " QUERY PLAN"
				pattern, args = `? ESCAPE '\'`, []any{"phone00017^3B@%"} // it is no literal that SQLite could look at
			case "MariaDB":
				index = "range"
			default:
				s.exec(t, "ANALYZE ps_contacts")
			}
			rows, err := s.DB.QueryContext(t.Context(), explain+" SELECT uri FROM ps_contacts WHERE id LIKE "+pattern, args...)
			check(t, err)
			defer rows.Close()
			plan := text(t, rows)
			if !strings.Contains(plan, index) {
				t.Errorf("the plan is %s", plan)
			}
		})
	}
}

// text reads all rows as one text.
func text(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	names, err := rows.Columns()
	check(t, err)
	var all strings.Builder
	row, places := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range row {
		places[i] = &row[i]
	}
	for rows.Next() {
		check(t, rows.Scan(places...))
		fmt.Fprintln(&all, row)
	}
	check(t, rows.Err())
	return all.String()
}
