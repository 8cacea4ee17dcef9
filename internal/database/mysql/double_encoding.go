package mysql

import (
	"fmt"
	"slices"
	"strings"

	"dbsep/sqlgen"
)

// doublings are the ways in which a text was encoded twice. The server's
// latin1 is Windows-1252, so it matters who took the bytes for characters: the
// server, where a connection was latin1 (€ became U+00E2 U+201A U+00AC), or
// DBD::MariaDB (U+00E2 U+0082 U+00AC).
//
// A column that has no room for every character comes first: it gets it, and
// the next check finds how to fix its texts.
var doublings = []sqlgen.Doubling{
	{
		Seen: func(c string) string {
			return "CHARSET(" + c + ") <> 'utf8mb4' AND (" + windowsText.seen(c) + " OR " + byteText.seen(c) + ")"
		},
		Fix: func(table, _ string) string { return "ALTER TABLE " + table + " CONVERT TO CHARACTER SET utf8mb4" },
	},
	{Seen: windowsText.seen, Fix: windowsText.fix},
	{Seen: byteText.seen, Fix: byteText.fix},
}

// A doubling is how characters are turned back into the bytes that they
// were taken from.
type doubling struct {
	exact func(column string) string // condition: every character is one byte's
	bytes func(column string) string // expression of these bytes
}

var windowsText = doubling{
	exact: func(c string) string {
		return asBytes("CONVERT(CONVERT("+c+" USING latin1) USING utf8mb4)") + " = " + asBytes("CONVERT("+c+" USING utf8mb4)")
	},
	bytes: func(c string) string { return asBytes("CONVERT(" + c + " USING latin1)") },
}

// byteText goes by the numbers of characters. In UTF-32 each of them is six
// zeros and the byte; where zeros of the bytes stand beside them it does not
// matter which six are taken out, as long as there is no NUL.
var byteText = doubling{
	exact: func(c string) string { return without(c, "[^\x01-ÿ]") },
	bytes: func(c string) string { return "UNHEX(REPLACE(HEX(CONVERT(" + c + " USING utf32)), '000000', ''))" },
}

// seen leaves out what MariaDB takes for UTF-8 and nobody else does: halves of a
// character of UTF-16.
func (m doubling) seen(c string) string {
	return "LENGTH(CONVERT(" + c + " USING utf8mb4)) > CHAR_LENGTH(" + c + ") AND " + m.exact(c) +
		" AND " + without(c, "í[\u00a0-¿]") + " AND " + asBytes(m.text(c)) + " = " + m.bytes(c)
}

// without spells the condition that a text does not match a regular expression,
// which is spelled as bytes: no setting gives it another meaning.
func without(c, expression string) string {
	return fmt.Sprintf("CONVERT(%s USING utf8mb4) COLLATE utf8mb4_bin NOT REGEXP _utf8mb4 0x%X", c, expression)
}

// fix says IGNORE because a strict server makes an error of a conversion that
// fails, even in a condition that does not hold for that reason. Nothing else is
// lost by it: a row whose fixed text is another row's key stays as it is.
func (m doubling) fix(table, c string) string {
	return "UPDATE IGNORE " + table + " SET " + c + " = " + m.text(c) + " WHERE " + m.seen(c)
}

func (m doubling) text(c string) string { return "CONVERT(" + m.bytes(c) + " USING utf8mb4)" }

func asBytes(text string) string { return "CAST(" + text + " AS BINARY)" }

// mayBeDoubled leaves out what is no free text: an enum, a set, an address.
func mayBeDoubled(c *sqlgen.Column) bool {
	name, _, _ := strings.Cut(c.Type, " ")
	name, _, _ = strings.Cut(name, "(")
	return slices.Contains([]string{"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}, name)
}
