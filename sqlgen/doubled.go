package sqlgen

import (
	"fmt"
	"strings"
)

// A Doubling is one way in which texts become double-encoded (mojibake): the bytes of
// their UTF-8 were taken for characters and encoded again, so that é shows as Ã©. The
// functions get quoted names.
type Doubling struct {
	// Seen writes the condition that a column's text is double-encoded: each character
	// is a byte, and the bytes are UTF-8 with a character beyond ASCII. It is false
	// for every other text and an error for none.
	Seen func(column string) string

	// Fix writes the statement that fixes the rows for which Seen is true, and
	// changes no others.
	Fix func(table, column string) string
}

// BeyondASCII returns a query whose one row has 1 for each column with a text that is more
// than ASCII: only such a column can have double-encoded texts. Without columns there is no
// query.
func BeyondASCII(d *Dialect, t *Table) (s Statement, columns []*Column) {
	if d.Check == nil || len(d.Check.Doublings) == 0 {
		return Statement{}, nil
	}
	var found []string
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Class == Text && d.Check.Doubles(c) {
			columns = append(columns, c)
			found = append(found, d.Check.BeyondASCII(d.Quote(c.Name)))
		}
	}
	if columns == nil {
		return Statement{}, nil
	}
	return Statement{SQL: "SELECT " + strings.Join(found, ", ") + " FROM " + d.table(t)}, columns
}

// Doubled returns a query that counts the texts of a column by the way in which they are
// double-encoded. A row has the index of the way, and how many texts there are; one of them
// has NULL, for the texts that are not. fixes are the statements that fix the texts, by the
// same index, for an administrator to read; dbsep never runs them. A text counts for the
// first way that it fits.
func Doubled(d *Dialect, t *Table, c *Column) (s Statement, fixes []string) {
	quoted, cases := d.Quote(c.Name), "CASE"
	for i, doubling := range d.Check.Doublings {
		cases += fmt.Sprintf(" WHEN %s THEN %d", doubling.Seen(quoted), i)
		fixes = append(fixes, doubling.Fix(d.table(t), quoted))
	}
	return Statement{SQL: "SELECT " + cases + " END AS way, COUNT(*) FROM " + d.table(t) + " GROUP BY way ORDER BY way"}, fixes
}
