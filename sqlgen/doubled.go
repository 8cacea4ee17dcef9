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

// A Suspect is a column whose texts may be double-encoded in one way.
type Suspect struct {
	Column string
	Fix    string // the statement that fixes them, for an administrator to read; dbsep never runs it
}

// Doubled returns a query that counts the rows with double-encoded texts. It returns
// one row with a number for each suspect, in their order. A text counts for the first
// suspect that it matches. Without suspects there is no query.
func Doubled(d *Dialect, t *Table) (s Statement, suspects []Suspect) {
	var counts, ways []string
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Class != Text || d.Check == nil || len(d.Check.Doublings) == 0 || !d.Check.Doubles(c) {
			continue
		}
		quoted := d.Quote(c.Name)
		way, cases := fmt.Sprintf("way%d", i), "CASE"
		for j, doubling := range d.Check.Doublings {
			cases += fmt.Sprintf(" WHEN %s THEN %d", doubling.Seen(quoted), j)
			counts = append(counts, fmt.Sprintf("COUNT(CASE WHEN %s = %d THEN 1 END)", way, j))
			suspects = append(suspects, Suspect{c.Name, doubling.Fix(d.table(t), quoted)})
		}
		ways = append(ways, cases+" END AS "+way)
	}
	if len(suspects) == 0 {
		return Statement{}, nil
	}
	return Statement{SQL: "SELECT " + strings.Join(counts, ", ") +
		" FROM (SELECT " + strings.Join(ways, ", ") + " FROM " + d.table(t) + ") AS ways"}, suspects
}
