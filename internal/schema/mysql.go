package schema

import (
	"fmt"

	"dbsep/internal/asterisk"
)

// movable is the width from which on InnoDB may store a text outside of the row, at 4 bytes
// for a character. Below, each column counts in full towards the 8126 bytes that a row may
// have, and ps_endpoints has too many.
const movable = 64

var mysql = &Database{
	Name: "mysql", Title: "MariaDB and MySQL", names: []string{"mariadb"}, quote: "`",
	counted:       " NOT NULL AUTO_INCREMENT",
	indexesInside: true,
	tableOptions:  " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 ROW_FORMAT=DYNAMIC",
	typeOf: func(t *asterisk.Type) string {
		switch t.Kind {
		case asterisk.Char:
			return fmt.Sprintf("VARCHAR(%d)", max(t.Size, movable))
		case asterisk.Choice:
			return fmt.Sprintf("VARCHAR(%d)", max(choiceSize, movable))
		case asterisk.LongText:
			return "TEXT"
		case asterisk.BigInteger:
			return "BIGINT"
		case asterisk.Float:
			return "FLOAT"
		case asterisk.Decimal:
			return fmt.Sprintf("DECIMAL(%d, %d)", t.Size, t.Scale)
		case asterisk.DateTime:
			if t.Size > 0 {
				return fmt.Sprintf("DATETIME(%d)", t.Size)
			}
			return "DATETIME"
		case asterisk.Boolean:
			return "BOOLEAN"
		case asterisk.Bytes:
			return "LONGBLOB"
		}
		return "INTEGER"
	},
}
