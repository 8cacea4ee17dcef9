package schema

import (
	"fmt"
	"strings"

	"dbsep/internal/asterisk"
	"dbsep/sqlgen"
)

// movable is the width from which on InnoDB may store a text outside of the row, at 4 bytes
// for a character. Below, each column counts in full towards the 8126 bytes that a row may
// have, and ps_endpoints has too many.
const movable = 64

var mysql = &Database{
	Name: "mysql", Title: "MariaDB and MySQL", names: []string{"mariadb"}, kind: "MariaDB/MySQL", quote: "`",
	counted:       " NOT NULL AUTO_INCREMENT",
	indexesInside: true,
	tableOptions:  " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 ROW_FORMAT=DYNAMIC",
	alter: alterer{
		setType: modifyColumn,
		setDefault: func(table, column string, _ *sqlgen.Column, _ *currentColumn, value string) string {
			return "ALTER TABLE " + table + " ALTER COLUMN " + column + " SET DEFAULT " + value
		},
		allowNull: func(table, column string, found *sqlgen.Column, more *currentColumn, typ string) string {
			nullable := *found
			nullable.Nullable = true
			return modifyColumn(table, column, &nullable, more, typ)
		},
		byHand: "change it by hand, since its definition has parts that dbsep would drop",
	},
	// MariaDB writes a default as SQL, MySQL as a text. What a backslash means depends on
	// sql_mode.
	catalog: catalog{
		views: "SELECT CONCAT('.', table_name) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type LIKE '%VIEW%'",
		columns: `
			SELECT column_name, column_default IS NOT NULL, extra LIKE '%auto_increment%',
			       CASE WHEN VERSION() LIKE '%MariaDB%' THEN column_default WHEN column_default IS NOT NULL THEN CONCAT('''', REPLACE(column_default, '''', ''''''), '''') END,
			       CONCAT(
			           CASE WHEN character_set_name IS NULL THEN '' ELSE CONCAT(' CHARACTER SET ', character_set_name, ' COLLATE ', collation_name) END,
			           CASE WHEN column_comment = '' THEN '' ELSE CONCAT(' COMMENT ''', REPLACE(column_comment, '''', ''''''), '''') END),
			       extra NOT IN ('', 'auto_increment') OR INSTR(CONCAT(column_comment, COALESCE(column_default, '')), CHAR(92)) > 0, NULL, NULL
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?`,
		indexes: `
			SELECT index_name, column_name, non_unique = 0, sub_part IS NULL, 1, index_name = 'PRIMARY'
			FROM information_schema.statistics
			WHERE table_schema = DATABASE() AND table_name = ? AND index_type = 'BTREE'
			ORDER BY index_name, seq_in_index`,
	},
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

// modifyColumn gives a column another type. The statement has all of the column's
// definition, since what it leaves out is dropped: without its character set a text would
// be converted to that of the table.
func modifyColumn(table, column string, found *sqlgen.Column, more *currentColumn, typ string) string {
	withoutDefault := typ == "TEXT" || typ == "LONGBLOB"
	hasDefault := more.defaultSQL != "" && more.defaultSQL != "NULL"
	if more.more || more.counted || withoutDefault && hasDefault {
		return ""
	}
	text := "ALTER TABLE " + table + " MODIFY COLUMN " + column + " " + typ + more.attributes
	if !found.Nullable {
		text += " NOT NULL"
	} else if strings.HasPrefix(strings.ToUpper(typ), "TIMESTAMP") {
		text += " NULL"
	}
	if hasDefault {
		text += " DEFAULT " + more.defaultSQL
	}
	return text
}
