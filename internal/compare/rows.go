package compare

import (
	"iter"
	"slices"
	"strings"
)

// A row is a line of a response as Asterisk reads it: for each column its values
// in their order. The order of the columns does not count, since the Perl script's
// is random.
type row map[string][]string

// rows reads a response to single, multi or static.
func rows(body string) []row {
	var read []row
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		r := row{}
		for name, value := range Variables(line) {
			r[name] = append(r[name], value)
		}
		read = append(read, r)
	}
	return read
}

// Variables are the names and values that Asterisk makes of a line of a response.
func Variables(line string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for pair := range strings.SplitSeq(line, "&") {
			if name, value, _ := strings.Cut(pair, "="); !yield(decode(name), decode(value)) {
				return
			}
		}
	}
}

// looksLikeRows distinguishes rows from an error text or a page of HTML: every
// line consists of pairs of encoded names and values.
func looksLikeRows(body string) bool {
	for line := range strings.Lines(body) {
		for pair := range strings.SplitSeq(strings.TrimRight(line, "\r\n"), "&") {
			name, value, found := strings.Cut(pair, "=")
			if pair != "" && (!found || name == "" || !encoded(name) || !encoded(value)) {
				return false
			}
		}
	}
	return true
}

// encoded reports whether a text has only characters that both gateways leave
// unencoded, and %.
func encoded(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '%')
	})
}

// decode decodes %XX and leaves everything else as it is, as Asterisk does.
func decode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const hex = "0123456789ABCDEF"

// key is a text that is equal for equal rows.
func (r row) key() string {
	var b strings.Builder
	for _, name := range r.names() {
		b.WriteString(name + "\x00" + strings.Join(r[name], "\x01") + "\x02")
	}
	return b.String()
}

func (r row) names() []string {
	var names []string
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// keys are the keys of rows, in their order.
func keys(rs []row) []string {
	all := make([]string, len(rs))
	for i, r := range rs {
		all[i] = r.key()
	}
	return all
}
