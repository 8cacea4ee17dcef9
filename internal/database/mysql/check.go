package mysql

import (
	"strings"

	"dbsep/sqlgen"
)

// checks are what dbsep check needs.
var checks = &sqlgen.CheckDialect{
	Doublings: doublings,
	Doubles:   mayBeDoubled,
	BeyondASCII: func(quoted string) string {
		return "MAX(LENGTH(CONVERT(" + quoted + " USING utf8mb4)) > CHAR_LENGTH(" + quoted + "))"
	},
	Decoded: func(quoted string) string {
		// A number is a backslash in every sql_mode. Without (?-i) the column's collation decides
		// whether lower case counts.
		return quoted + " REGEXP CONCAT('(?-i)', _utf8mb4 0x5C, '^([0-246-9A-F][0-9A-F]|3[0-9AC-F]|5[0-9A-DF])')"
	},
	Computed: func(t *sqlgen.Table) sqlgen.Statement {
		return sqlgen.Statement{SQL: `
			SELECT column_name FROM information_schema.columns
			WHERE table_schema = DATABASE() AND table_name = ? AND (extra LIKE '%VIRTUAL GENERATED%' OR extra LIKE '%STORED GENERATED%')`,
			Args: []any{t.Name}}
	},
	Cluster: &sqlgen.ClusterCheck{
		Settings: sqlgen.Statement{SQL: "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('wsrep_on', 'group_replication_group_name')"},
		Name:     clusterOf,
		Keyless:  sqlgen.Statement{SQL: keylessSQL},
	},
}

// clusterOf goes by what every account may read.
func clusterOf(settings map[string]string) string {
	switch {
	case isSet(settings["wsrep_on"]):
		return "Galera"
	case strings.TrimSpace(settings["group_replication_group_name"]) != "":
		return "group replication"
	}
	return ""
}

// keylessSQL leaves out tables with a unique key that is never NULL: it does as well as a
// primary key.
const keylessSQL = `
	SELECT t.table_name FROM information_schema.tables t
	WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' AND NOT EXISTS (
		SELECT 1 FROM information_schema.statistics s
		WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name AND s.non_unique = 0
		GROUP BY s.index_name
		HAVING SUM(s.nullable = 'YES' OR s.sub_part IS NOT NULL OR s.column_name IS NULL) = 0)
	ORDER BY t.table_name`
