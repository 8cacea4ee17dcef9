package gateway

import (
	"slices"
	"strings"

	"dbsep/sqlgen"
)

// isGlued reports whether a query string or body is that of an update2 with more
// than one pair. Asterisk's driver puts its & before the first pair, where it
// belongs between the pairs: "&context=defaultmailbox=1234" (P6). Every = in it is a
// separator, since the driver encodes those of values.
func isGlued(text string) bool {
	return strings.HasPrefix(text, "&") && hasGluedPairs(text)
}

// hasGluedPairs reports whether an = separates more than a name and a value.
func hasGluedPairs(text string) bool {
	for pair := range strings.SplitSeq(text, "&") {
		if strings.Count(pair, "=") > 1 {
			return true
		}
	}
	return false
}

// separate inserts the missing & between the pairs of an update2, or of a require of
// Asterisk before 1.8.22 and 11.4. Between two =
// there are a value and the next column's name. The columns of the table show where
// one ends and the other begins. If they allow two readings or none, the request
// fails: a guess could change the wrong rows.
func separate(text string, t *sqlgen.Table) (string, error) {
	s := newSeparator(t)
	var pairs []string
	for segment := range strings.SplitSeq(text, "&") {
		if strings.Count(segment, "=") <= 1 {
			pairs = append(pairs, segment)
			continue
		}
		read, ok := s.reading(segment)
		if !ok {
			return "", &Error{Code: GluedFields}
		}
		pairs = append(pairs, read...)
	}
	return strings.Join(pairs, "&"), nil
}

// A separator separates glued segments in linear time.
type separator struct {
	table   *sqlgen.Table
	longest int // name of a column, in encoded bytes
	steps   int // bytes compared, for tests
}

func newSeparator(t *sqlgen.Table) *separator {
	s := &separator{table: t}
	for i := range t.Columns {
		s.longest = max(s.longest, len("%XX")*len(t.Columns[i].Name))
	}
	return s
}

// A candidate is a name that a part may end with.
type candidate struct {
	column *sqlgen.Column
	name   string // as it is encoded in the part
}

// reading returns the pairs of a glued segment if there is exactly one way to read it
// as pairs of different columns.
//
// A part that has one candidate ends in it, and no other part does. When each
// remaining part has two candidates or more, there are two readings or none: from any
// reading, one part can take another of its names, the part that had it another one,
// and so on, until a name is free or the first part is reached again.
func (s *separator) reading(segment string) (pairs []string, ok bool) {
	if strings.Count(segment, "=") > len(s.table.Columns) {
		return nil, false
	}
	parts := strings.Split(segment, "=")
	names := parts[:len(parts)-1]
	candidates := make([][]candidate, len(names))
	wanted := map[*sqlgen.Column][]int{} // the parts that may end in it
	for i, part := range names {
		candidates[i] = s.candidates(part, i == 0)
		for _, c := range candidates[i] {
			wanted[c.column] = append(wanted[c.column], i)
		}
	}
	chosen, ok := s.choose(candidates, wanted)
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

// candidates returns the names that a part may end with. The whole first part is a
// name.
func (s *separator) candidates(part string, first bool) (found []candidate) {
	if first {
		s.steps += len(part)
		if c := s.table.Assigned(sqlgen.Field{Name: unescape(part)}); c != nil {
			found = append(found, candidate{c, part})
		}
		return found
	}
	for i := len(part) - 1; i >= 0 && len(part)-i <= s.longest && part[i] != ' ' && part[i] != '+'; i-- {
		name := part[i:]
		s.steps += len(name)
		if insideEscape(part, i) {
			continue
		}
		if c := s.table.Column(unescape(name)); c != nil {
			found = append(found, candidate{c, name})
		}
	}
	return found
}

// insideEscape reports whether a position in a text is within a %XX.
func insideEscape(s string, i int) bool {
	for begin := max(0, i-2); begin < i; begin++ {
		if s[begin] == '%' && begin+2 < len(s) && isHex(s[begin+1]) && isHex(s[begin+2]) {
			return true
		}
	}
	return false
}

// choose returns the only possible name of each part.
func (s *separator) choose(candidates [][]candidate, wanted map[*sqlgen.Column][]int) (names []string, ok bool) {
	names = make([]string, len(candidates))
	left := make([]int, len(candidates)) // candidates that no other part has taken
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
		at := slices.IndexFunc(candidates[i], func(c candidate) bool { s.steps++; return !taken[c.column] })
		if at < 0 {
			return nil, false
		}
		c := candidates[i][at]
		names[i], taken[c.column] = c.name, true
		for _, other := range wanted[c.column] {
			s.steps++
			if left[other]--; left[other] == 1 {
				certain = append(certain, other)
			}
		}
	}
	return names, decided == len(candidates)
}
