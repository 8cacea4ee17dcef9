package postgres

import (
	"strings"

	"dbsep/sqlgen"
)

// doublings is how DBD::Pg stored text: it took the bytes of UTF-8 for
// characters.
var doublings = []sqlgen.Doubling{{
	Seen: isDoubled,
	Fix: func(table, c string) string {
		return "UPDATE " + table + " SET " + c + " = convert_from(convert_to(CAST(" + c + " AS text), 'LATIN1'), 'UTF8') WHERE " + isDoubled(c)
	},
}}

// isDoubled spells UTF-8 as a regular expression of the characters that stand
// for its bytes, since a conversion that fails is an error, and conditions are
// tried in any order. Between dollars a backslash is one under every setting, and
// the collation C has no opinion on what lies between two characters. Where a
// database has one byte for each character, the lengths never differ.
func isDoubled(c string) string {
	text := "CAST(" + c + " AS text)"
	return isLonger(text) + " AND " +
		text + ` COLLATE "C" ~ $utf8$` + utf8Expression + "$utf8$"
}

// isLonger spells the condition that a text has more bytes than characters.
func isLonger(text string) string { return "octet_length(" + text + ") > char_length(" + text + ")" }

func beyondASCII(c string) string {
	return "max(CASE WHEN " + isLonger("CAST("+c+" AS text)") + " THEN 1 ELSE 0 END)"
}

const utf8Expression = `^([\u0001-\u007F]|[\u00C2-\u00DF][\u0080-\u00BF]` +
	`|\u00E0[\u00A0-\u00BF][\u0080-\u00BF]|\u00ED[\u0080-\u009F][\u0080-\u00BF]|[\u00E1-\u00EC\u00EE\u00EF][\u0080-\u00BF]{2}` +
	`|\u00F0[\u0090-\u00BF][\u0080-\u00BF]{2}|[\u00F1-\u00F3][\u0080-\u00BF]{3}|\u00F4[\u0080-\u008F][\u0080-\u00BF]{2})*$`

// mayBeDoubled leaves out the server's own short types, which hold names.
func mayBeDoubled(c *sqlgen.Column) bool {
	return c.Type != "name" && !strings.HasPrefix(c.Type, `"`)
}
