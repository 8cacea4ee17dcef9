package cache

import (
	"strings"

	"dbsep/sqlgen"
)

// touches tells whether a write may change the answer to a question that asked
// for rows with these values. It goes by what surely differs; where it cannot
// know, it says yes.
func touches(write sqlgen.Statement, asked []sqlgen.Field) bool {
	lookup, sets := write.Equals(), write.Sets()
	inserts := len(lookup) == 0 && len(sets) > 0
	return !inserts && !apart(asked, func(column string) (string, bool) { return value(lookup, column) }) ||
		len(sets) > 0 && !apart(asked, func(column string) (string, bool) {
			if v, found := value(sets, column); found {
				return v, true
			}
			return value(lookup, column)
		})
}

// apart tells whether rows that have values of a kind surely are none that a
// question asked for.
func apart(asked []sqlgen.Field, of func(column string) (string, bool)) bool {
	for _, f := range asked {
		if v, found := of(f.Name); found && differ(v, f.Value) {
			return true
		}
	}
	return false
}

func value(fields []sqlgen.Field, column string) (string, bool) {
	for _, f := range fields {
		if f.Name == column {
			return f.Value, true
		}
	}
	return "", false
}

// differ tells whether no database takes two texts for equal. Databases disregard
// case, accents and blanks at the end, write numbers and dates in several ways,
// and have words for truth.
func differ(a, b string) bool {
	a, b = strings.TrimRight(a, " "), strings.TrimRight(b, " ")
	return (number(a) && number(b) || word(a) && word(b)) && !strings.EqualFold(a, b)
}

// number tells whether a text is a whole number in the one way in which nobody
// writes it otherwise.
func number(s string) bool {
	return s != "" && s[0] != '0' && len(s) <= 15 && strings.Trim(s, "0123456789") == ""
}

// word tells whether a text is ASCII and begins with a letter, so that it is
// neither a number nor a date, and says neither true nor false.
func word(s string) bool {
	if s == "" || !('a' <= s[0]|0x20 && s[0]|0x20 <= 'z') || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) {
		return false
	}
	switch strings.ToLower(s) {
	case "t", "true", "y", "yes", "on", "f", "false", "n", "no", "off", "inf", "infinity", "nan":
		return false
	}
	return true
}
