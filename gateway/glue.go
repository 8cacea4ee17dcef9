package gateway

import (
	"strings"

	"dbsep/sqlgen"
)

// glued tells whether a query string or body is that of an update2 with more
// than one pair. Asterisk's driver puts its & before the first pair instead of
// between the pairs: "&context=defaultmailbox=1234" (P6). Every = in it is a
// separator, since the driver encodes those of values.
func glued(text string) bool {
	if !strings.HasPrefix(text, "&") {
		return false
	}
	for pair := range strings.SplitSeq(text, "&") {
		if strings.Count(pair, "=") > 1 {
			return true
		}
	}
	return false
}

// unglue puts the missing & between the pairs of an update2. Between two = stand
// a value and the next column's name; the columns of the table tell where one
// ends and the other begins. Where they allow two readings, or none, the request
// fails: a guess would change the wrong rows.
func unglue(text string, t *sqlgen.Table) (string, error) {
	var pairs []string
	for segment := range strings.SplitSeq(text, "&") {
		if strings.Count(segment, "=") <= 1 {
			pairs = append(pairs, segment)
			continue
		}
		read := readings(strings.Split(segment, "="), t)
		if len(read) != 1 {
			return "", &Error{Code: GluedFields}
		}
		pairs = append(pairs, read[0]...)
	}
	return strings.Join(pairs, "&"), nil
}

// readings returns the ways to read parts, the text between the = of a glued
// segment, as pairs of different columns of the table. It stops at two, which
// is one too many.
func readings(parts []string, t *sqlgen.Table) [][]string {
	first := t.Assigned(sqlgen.Field{Name: unescape(parts[0])})
	if first == nil {
		return nil
	}
	var found [][]string
	used := map[*sqlgen.Column]bool{first: true}
	var extend func(name string, rest, pairs []string)
	extend = func(name string, rest, pairs []string) {
		if len(rest) == 1 {
			found = append(found, append(pairs[:len(pairs):len(pairs)], name+"="+rest[0]))
			return
		}
		for i := range rest[0] {
			if len(found) == 2 {
				return
			}
			value, next := rest[0][:i], rest[0][i:]
			c := t.Assigned(sqlgen.Field{Name: unescape(next)})
			if c == nil || used[c] || strings.ContainsAny(next, " +") {
				continue
			}
			used[c] = true
			extend(next, rest[1:], append(pairs[:len(pairs):len(pairs)], name+"="+value))
			delete(used, c)
		}
	}
	extend(parts[0], parts[1:], nil)
	return found
}
