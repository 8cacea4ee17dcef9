package sqlgen

import (
	"fmt"
	"strings"
)

// A Doubling is one way in which texts came to be encoded as UTF-8 twice: their
// bytes were taken for characters, and these were encoded again, so that é
// shows as Ã©. The functions get quoted names.
type Doubling struct {
	// Seen spells the condition that a column's text shows it: each character
	// stands for a byte, and the bytes are UTF-8 with a character beyond ASCII in
	// it. It holds for no other text and fails on none.
	Seen func(column string) string

	// Mend spells the statement that mends the rows for which Seen holds, and
	// leaves all others as they are.
	Mend func(table, column string) string
}

// A Suspect is a column whose texts may have been doubled in one way.
type Suspect struct {
	Column string
	Mend   string // the statement that would mend them, for an administrator to read; dbsep never runs it
}

// Doubled counts, in one question that changes nothing, the rows with texts that
// were encoded twice. Its answer is one row with a number for each suspect, in
// their order; a text counts for the first that it fits. Without a suspect there
// is nothing to ask.
func Doubled(d *Dialect, t *Table) (s Statement, suspects []Suspect) {
	var counts, ways []string
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Class != Text || len(d.Doublings) == 0 || !d.Doubles(c) {
			continue
		}
		quoted := d.Quote(c.Name)
		way, cases := fmt.Sprintf("way%d", i), "CASE"
		for j, doubling := range d.Doublings {
			cases += fmt.Sprintf(" WHEN %s THEN %d", doubling.Seen(quoted), j)
			counts = append(counts, fmt.Sprintf("COUNT(CASE WHEN %s = %d THEN 1 END)", way, j))
			suspects = append(suspects, Suspect{c.Name, doubling.Mend(d.table(t), quoted)})
		}
		ways = append(ways, cases+" END AS "+way)
	}
	if len(suspects) == 0 {
		return Statement{}, nil
	}
	return Statement{SQL: "SELECT " + strings.Join(counts, ", ") +
		" FROM (SELECT " + strings.Join(ways, ", ") + " FROM " + d.table(t) + ") AS ways"}, suspects
}
