package gateway

import (
	"slices"
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
	u := newUngluer(t)
	var pairs []string
	for segment := range strings.SplitSeq(text, "&") {
		if strings.Count(segment, "=") <= 1 {
			pairs = append(pairs, segment)
			continue
		}
		read, ok := u.reading(segment)
		if !ok {
			return "", &Error{Code: GluedFields}
		}
		pairs = append(pairs, read...)
	}
	return strings.Join(pairs, "&"), nil
}

// An ungluer reads glued segments, in time that grows with their length and no
// faster.
type ungluer struct {
	table   *sqlgen.Table
	longest int // name of a column, encoded
	steps   int // how much was looked at, for tests
}

func newUngluer(t *sqlgen.Table) *ungluer {
	u := &ungluer{table: t}
	for i := range t.Columns {
		u.longest = max(u.longest, len("%XX")*len(t.Columns[i].Name))
	}
	return u
}

// A candidate is a name that a part may end with.
type candidate struct {
	column *sqlgen.Column
	name   string // as it is in the part
}

// reading returns the pairs of a glued segment if they can be read in exactly
// one way, as pairs of different columns.
//
// A part that can end in one name only ends in it, and no other part does. When
// each part that is left can end in two names or more, there are two readings or
// none: starting with any reading, one part takes another of its names, the part
// that had it takes another one, and so on, until a name is free or the first
// one is reached again.
func (u *ungluer) reading(segment string) (pairs []string, ok bool) {
	if strings.Count(segment, "=") > len(u.table.Columns) {
		return nil, false
	}
	parts := strings.Split(segment, "=")
	names := parts[:len(parts)-1]
	candidates := make([][]candidate, len(names))
	wanted := map[*sqlgen.Column][]int{} // the parts that may end in it
	for i, part := range names {
		candidates[i] = u.candidates(part, i == 0)
		for _, c := range candidates[i] {
			wanted[c.column] = append(wanted[c.column], i)
		}
	}
	chosen, ok := u.choose(candidates, wanted)
	if !ok {
		return nil, false
	}
	for i, name := range chosen {
		value := parts[i+1]
		if i+1 < len(chosen) {
			value = value[:len(value)-len(chosen[i+1])]
		}
		pairs = append(pairs, name+"="+value)
	}
	return pairs, true
}

// candidates are the names that a part may end with. The first part is a name as
// a whole.
func (u *ungluer) candidates(part string, first bool) (found []candidate) {
	if first {
		u.steps += len(part)
		if c := u.table.Assigned(sqlgen.Field{Name: unescape(part)}); c != nil {
			found = append(found, candidate{c, part})
		}
		return found
	}
	for i := len(part) - 1; i >= 0 && len(part)-i <= u.longest && part[i] != ' ' && part[i] != '+'; i-- {
		name := part[i:]
		u.steps += len(name)
		if insideEscape(part, i) {
			continue
		}
		if c := u.table.Column(unescape(name)); c != nil {
			found = append(found, candidate{c, name})
		}
	}
	return found
}

// insideEscape tells whether a place in a text is within a %XX.
func insideEscape(s string, i int) bool {
	for begin := max(0, i-2); begin < i; begin++ {
		if s[begin] == '%' && begin+2 < len(s) && isHex(s[begin+1]) && isHex(s[begin+2]) {
			return true
		}
	}
	return false
}

// choose finds the one name for each part.
func (u *ungluer) choose(candidates [][]candidate, wanted map[*sqlgen.Column][]int) (names []string, ok bool) {
	names = make([]string, len(candidates))
	left := make([]int, len(candidates)) // names that are still free
	var certain []int
	for i := range candidates {
		if left[i] = len(candidates[i]); left[i] == 1 {
			certain = append(certain, i)
		}
	}
	taken := map[*sqlgen.Column]bool{}
	decided := 0
	for ; decided < len(certain); decided++ {
		i := certain[decided]
		at := slices.IndexFunc(candidates[i], func(c candidate) bool { u.steps++; return !taken[c.column] })
		if at < 0 {
			return nil, false
		}
		c := candidates[i][at]
		names[i], taken[c.column] = c.name, true
		for _, other := range wanted[c.column] {
			u.steps++
			if left[other]--; left[other] == 1 {
				certain = append(certain, other)
			}
		}
	}
	return names, decided == len(candidates)
}
