package postgres

import (
	"strings"

	"dbsep/internal/database"
)

var plans = &database.Plans{
	SQL:    "EXPLAIN ",
	Writes: true,
	Line:   func(row []string) string { return row[0] },
	Scans:  func(row []string) bool { return strings.Contains(row[0], "Seq Scan") },
}
