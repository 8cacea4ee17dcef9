package gateway

import "strings"

// Fits reports whether a table's name matches a pattern in lower case, in which *
// matches any text. Case is ignored.
func Fits(table, pattern string) bool {
	name := strings.ToLower(table)
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return name == pattern
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return true
}

// Weight returns the precedence of a pattern, if a name matches several: the highest
// wins. A pattern without * has the highest, then the longest.
func Weight(pattern string) int {
	n := 2 * len(strings.ReplaceAll(pattern, "*", ""))
	if !strings.Contains(pattern, "*") {
		n++
	}
	return n
}
