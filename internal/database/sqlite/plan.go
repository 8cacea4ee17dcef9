package sqlite

import (
	"strings"

	"dbsep/internal/database"
)

// plans read the words of EXPLAIN QUERY PLAN, which are behind three numbers.
var plans = &database.Plans{
	SQL:    "EXPLAIN QUERY PLAN ",
	Writes: true,
	Line:   func(row []string) string { return row[3] },
	Scans:  func(row []string) bool { return strings.HasPrefix(row[3], "SCAN ") },
}
