package schema

import (
	"fmt"

	"dbsep/internal/asterisk"
)

var sqlite = &Database{
	Name: "sqlite", Title: "SQLite", names: []string{"sqlite3"}, kind: "SQLite", quote: "`",
	counted: " PRIMARY KEY AUTOINCREMENT", countedIsPrimary: true,
	prefixKey: "COLLATE NOCASE",
	undoes:    true, nullableKeys: true,
	alter: alterer{byHand: "SQLite cannot change a column: make a new table (dbsep schema print), and copy the rows"},
	catalog: catalog{
		views: "SELECT '.' || name FROM main.sqlite_master WHERE type = 'view'",
		columns: `
			SELECT name, dflt_value IS NOT NULL,
			       pk = 1 AND upper(type) = 'INTEGER' AND (SELECT count(*) FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0) = 1,
			       dflt_value, NULL, 0, NULL, NULL
			FROM pragma_table_xinfo(?1, 'main')`,
		indexes: `
			SELECT key, name, is_unique, 1, likes, key = '' FROM (
				SELECT '' AS key, name, 1 AS is_unique, 0 AS likes, 0 AS rank, pk AS position FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0
				UNION ALL
				SELECT l.name, x.name, l."unique", x.coll = 'NOCASE', 1 + l.seq, x.seqno
				FROM pragma_index_list(?1, 'main') l JOIN pragma_index_xinfo(l.name, 'main') x
				WHERE NOT l.partial AND x.key)
			ORDER BY rank, position`,
	},
	typeOf: func(t *asterisk.Type) string {
		switch t.Kind {
		case asterisk.Char:
			return fmt.Sprintf("VARCHAR(%d)", t.Size)
		case asterisk.Choice:
			return fmt.Sprintf("VARCHAR(%d)", choiceSize)
		case asterisk.LongText:
			return "TEXT"
		case asterisk.BigInteger:
			if !t.Counted { // SQLite counts only an INTEGER
				return "BIGINT"
			}
		case asterisk.Float:
			return "FLOAT"
		case asterisk.Decimal:
			return fmt.Sprintf("NUMERIC(%d, %d)", t.Size, t.Scale)
		case asterisk.DateTime:
			return "DATETIME"
		case asterisk.Boolean:
			return "BOOLEAN"
		case asterisk.Bytes:
			return "BLOB"
		}
		return "INTEGER"
	},
}
