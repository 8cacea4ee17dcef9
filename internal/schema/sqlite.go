package schema

import (
	"fmt"

	"dbsep/internal/asterisk"
)

var sqlite = &Database{
	Name: "sqlite", Title: "SQLite", names: []string{"sqlite3"}, quote: "`",
	counted: " PRIMARY KEY AUTOINCREMENT", countedIsPrimary: true,
	prefixKey: "COLLATE NOCASE",
	undoes:    true,
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
