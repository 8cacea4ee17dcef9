package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// A Request is what a client sent, without the address of the gateway.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"` // as on the wire; the last two segments are table and operation
	Query  string `json:"query,omitempty"`
	Body   string `json:"body,omitempty"`
}

// String is the request as a report names it: without values, which may be
// secrets, and without bytes that control a terminal.
func (r Request) String() string {
	var text strings.Builder
	text.WriteString(r.Method + " " + r.target())
	for _, f := range []string{r.Query, r.Body} {
		for pair := range strings.SplitSeq(f, "&") {
			if name, _, _ := strings.Cut(pair, "="); name != "" {
				text.WriteString(" " + name)
			}
		}
	}
	return visible(text.String())
}

// visible writes all bytes but spaces and visible ASCII as %XX.
func visible(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c <= '~' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// target is the path's table and operation.
func (r Request) target() string {
	segments := slices.DeleteFunc(strings.Split(r.Path, "/"), func(s string) bool { return s == "" })
	return "/" + strings.Join(segments[max(0, len(segments)-2):], "/")
}

// Operation is the last segment of the path, in lower case.
func (r Request) Operation() string {
	target := r.target()
	return strings.ToLower(target[strings.LastIndexByte(target, '/')+1:])
}

// Reads reports whether the request changes nothing, so that it can be sent
// twice.
func (r Request) Reads() bool {
	switch r.Operation() {
	case "single", "multi", "static":
		return r.Method == http.MethodGet || r.Method == http.MethodPost
	case "require":
		return r.Method == http.MethodPost
	}
	return false
}

// Complete reports whether the request has the fields that its operation needs;
// a web server's access log has no bodies.
func (r Request) Complete() bool { return r.Query != "" || r.Body != "" }

// losesCondition reports whether the Perl script would have ignored one of the
// conditions: it ignored every name with other characters than letters, digits,
// _ and spaces, operators such as >= included.
func (r Request) losesCondition() bool {
	for name := range r.conditions() {
		if strings.ContainsFunc(name, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == ' ')
		}) {
			return true
		}
	}
	return false
}

// anyConditionContains reports whether the value of a condition contains a text.
func (r Request) anyConditionContains(text string) bool {
	for _, value := range r.conditions() {
		if strings.Contains(value, text) {
			return true
		}
	}
	return false
}

// coercedInAll reports whether rows were found by another value than the request
// has: each has, in a column of an equality, a number that the value only begins
// with, or 0 where it begins with none. MariaDB makes such numbers of texts.
func (r Request) coercedInAll(found []row) bool {
	return len(found) > 0 && !slices.ContainsFunc(found, func(one row) bool { return !r.coercedIn(one) })
}

func (r Request) coercedIn(found row) bool {
	for name, value := range r.conditions() {
		stored := found[name]
		if len(stored) != 1 || stored[0] == value {
			continue
		}
		number := value[:len(value)-len(strings.TrimLeft(value, "+-.0123456789"))]
		if number != value && stored[0] == cmp.Or(number, "0") {
			return true
		}
	}
	return false
}

// conditions are the names and values of single and multi.
func (r Request) conditions() iter.Seq2[string, string] {
	text := r.Body
	if r.Method == http.MethodGet {
		text = r.Query
	}
	return Variables(strings.ReplaceAll(text, "+", " "))
}

// ParseRequest reads a line of a file of requests: an object with method, path,
// query and body, or a line of a web server's access log.
func ParseRequest(line string) (Request, error) {
	if strings.HasPrefix(line, "{") {
		var r Request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return Request{}, fmt.Errorf("read a recorded request: %w", err)
		}
		if r.Path == "" {
			return Request{}, fmt.Errorf(`read a recorded request: it has no "path"`)
		}
		if r.Method == "" {
			r.Method = http.MethodPost
		}
		return r, nil
	}
	return parseAccessLog(line)
}

// parseAccessLog finds the request in a line of the common or combined log
// format: "METHOD TARGET PROTOCOL", in quotes.
func parseAccessLog(line string) (Request, error) {
	_, rest, _ := strings.Cut(line, `"`)
	quoted, _, closed := strings.Cut(rest, `"`)
	parts := strings.Split(quoted, " ")
	if !closed || len(parts) != 3 || !strings.HasPrefix(parts[2], "HTTP/") {
		return Request{}, fmt.Errorf("the line is neither a recorded request nor one of an access log")
	}
	path, query, _ := strings.Cut(parts[1], "?")
	return Request{Method: parts[0], Path: path, Query: query}, nil
}
