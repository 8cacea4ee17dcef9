package mysql

import (
	"slices"
	"strings"

	"dbsep/internal/database"
)

// plans read the table that EXPLAIN returns. In a transaction that is read-only the server
// refuses it for a write.
var plans = &database.Plans{
	SQL: "EXPLAIN FORMAT=TRADITIONAL ",
	Line: func(row []string) string {
		names := planColumns(row)
		var parts []string
		for i, value := range row {
			if i < len(names) && value != "" && !slices.Contains([]string{"id", "select_type"}, names[i]) {
				parts = append(parts, names[i]+"="+value)
			}
		}
		return strings.Join(parts, " ")
	},
	Scans: func(row []string) bool {
		at := slices.Index(planColumns(row), "type")
		return at < len(row) && (row[at] == "ALL" || row[at] == "index")
	},
}

// planColumns are those of a row: MySQL has two more than MariaDB.
func planColumns(row []string) []string {
	if len(row) == 12 {
		return []string{"id", "select_type", "table", "partitions", "type", "possible_keys", "key", "key_len", "ref", "rows", "filtered", "extra"}
	}
	return []string{"id", "select_type", "table", "type", "possible_keys", "key", "key_len", "ref", "rows", "extra"}
}
