package cache

import (
	"strings"

	"dbsep/sqlgen"
)

// mayChange reports whether a write may change the rows of a query with these
// conditions. It returns false only if the values certainly differ.
func mayChange(write sqlgen.Statement, conditions []sqlgen.Field) bool {
	lookup, sets := write.Equals(), write.Sets()
	inserts := len(lookup) == 0 && len(sets) > 0
	return !inserts && !disjoint(conditions, func(column string) (string, bool) { return value(lookup, column) }) ||
		len(sets) > 0 && !disjoint(conditions, func(column string) (string, bool) {
			if v, found := value(sets, column); found {
				return v, true
			}
			return value(lookup, column)
		})
}

// disjoint reports whether rows with certain values cannot meet the conditions of a
// query.
func disjoint(conditions []sqlgen.Field, of func(column string) (string, bool)) bool {
	for _, f := range conditions {
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

// differ reports whether two texts are different in every database. Databases ignore
// case, accents and spaces at the end, accept several forms of numbers and dates, and
// have words for true and false.
func differ(a, b string) bool {
	a, b = strings.TrimRight(a, " "), strings.TrimRight(b, " ")
	return (number(a) && number(b) || word(a) && word(b)) && !strings.EqualFold(a, b)
}

// number reports whether a text is a whole number in its only usual form.
func number(s string) bool {
	return s != "" && s[0] != '0' && len(s) <= 15 && strings.Trim(s, "0123456789") == ""
}

// word reports whether a text is ASCII and begins with a letter, so that it is neither
// a number nor a date, and is not a word for true or false.
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
