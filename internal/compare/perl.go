package compare

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// byNumber writes the characters beyond ASCII of dbsep's rows as the script does
// on PostgreSQL, each by its number, and reads them as Asterisk does: é is the
// byte E9, and € a space and the letters AC.
func byNumber(was, is []row) ([]row, []row) {
	return was, each(func(values []string) []string {
		changed := make([]string, len(values))
		for i, v := range values {
			changed[i] = numbered(v)
		}
		return changed
	})(is)
}

func numbered(value string) string {
	var b strings.Builder
	for len(value) > 0 {
		c, size := utf8.DecodeRuneInString(value)
		if c < utf8.RuneSelf || c == utf8.RuneError && size == 1 { // a byte of a bytea
			b.WriteString(value[:size])
		} else {
			b.WriteString(decode(fmt.Sprintf("%%%02X", c)))
		}
		value = value[size:]
	}
	return b.String()
}

func beyondASCII(value string) bool {
	return strings.ContainsFunc(value, func(c rune) bool { return c >= utf8.RuneSelf })
}

// perlAddress is what Perl prints for an array.
var perlAddress = regexp.MustCompile(`^ARRAY\(0x[0-9a-f]+\)$`)

// withoutArrays hides the arrays in all columns in which the script has an
// address and dbsep an array.
func withoutArrays(was, is []row) ([]row, []row) {
	addressed := map[string]bool{}
	for _, r := range was {
		for name, values := range r {
			if slices.ContainsFunc(values, perlAddress.MatchString) {
				addressed[name] = true
			}
		}
	}
	hide := func(rs []row, isArray func(values []string) bool) []row {
		changed := make([]row, len(rs))
		for i, r := range rs {
			changed[i] = row{}
			for name, values := range r {
				if addressed[name] && isArray(values) {
					values = []string{"an array"}
				}
				changed[i][name] = values
			}
		}
		return changed
	}
	return hide(was, func(values []string) bool { return len(values) == 1 && perlAddress.MatchString(values[0]) }),
		hide(is, func(values []string) bool {
			text := strings.Join(values, ";") // a ; of an array's text separates items, too
			return strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}")
		})
}

// anyValue reports whether a row has a value that matches.
func anyValue(rs []row, match func(value string) bool) bool {
	return slices.ContainsFunc(rs, func(r row) bool {
		for _, values := range r {
			if slices.ContainsFunc(values, match) {
				return true
			}
		}
		return false
	})
}
