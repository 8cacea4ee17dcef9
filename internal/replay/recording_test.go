package replay

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A recording is a request to the Perl script and what came of it.
type recording struct {
	request
	ID      string    // of the case and, after an @, the kind of database
	DB      string    // the kind of database
	Verdict string    // keep, fix or danger
	Setup   []request // sent before, on the same rows
	Reply   struct {
		Status int
		Body   string
	}
	RowsAfter rowChanges `json:"rows_after"` // lines of a diff of two dumps
}

// A request is one as a web server hands it to a CGI program. What the web
// server left out is nil.
type request struct {
	Method        string
	PathInfo      *string `json:"path_info"`
	Query         *string
	ContentType   *string `json:"content_type"`
	ContentLength any     `json:"content_length"` // where it is not the body's: a number, or text that is none
	Body          string
	BodyAppend    struct {
		Repeat string
		Count  int
	} `json:"body_append"` // the end of a body that is too long for a recording
	ReplyBody string `json:"reply_body"` // of a request of a setup
}

// rowChanges are how the rows differed afterwards: lines of SQL, each with a minus
// or a plus in front. In a recording, "unchanged" means none.
type rowChanges []string

func (c *rowChanges) UnmarshalJSON(text []byte) error {
	if string(text) == `"unchanged"` {
		return nil
	}
	return json.Unmarshal(text, (*[]string)(c))
}

// name is a recording's case without its database.
func (r *recording) name() string {
	name, _, _ := strings.Cut(r.ID, "@")
	return name
}

// operation is the operation that a request names, empty if it names none.
func (r *request) operation() string {
	path := strings.TrimRight(deref(r.PathInfo), "/")
	switch name := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:]); name {
	case "single", "multi", "store", "update", "destroy", "require", "static":
		return name
	}
	return ""
}

// bytes is the body as it is sent, without what lies behind the length that
// the request claims.
func (r *request) bytes() string {
	body := r.Body + strings.Repeat(r.BodyAppend.Repeat, r.BodyAppend.Count)
	switch n := r.ContentLength.(type) {
	case float64:
		return body[:int(n)]
	case string:
		return ""
	}
	return body
}

// String shows a request on one line.
func (r *request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Method, shown(deref(r.PathInfo)))
	if q := deref(r.Query); q != "" {
		fmt.Fprintf(&b, " query %s", shown(q))
	}
	if r.Body != "" {
		fmt.Fprintf(&b, " body %s", shown(r.Body))
	}
	if r.BodyAppend.Count > 0 {
		fmt.Fprintf(&b, " and %d times %s", r.BodyAppend.Count, r.BodyAppend.Repeat)
	}
	if r.ContentLength != nil {
		fmt.Fprintf(&b, " of length %v", r.ContentLength)
	}
	if t := deref(r.ContentType); t != "" && t != formType {
		fmt.Fprintf(&b, " as %s", t)
	}
	return b.String()
}

const formType = "application/x-www-form-urlencoded"

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// readRecordings returns the recordings of testdata/golden.jsonl.
func readRecordings(t *testing.T) []recording {
	t.Helper()
	var all []recording
	readLines(t, "testdata/golden.jsonl", func(line []byte) error {
		var r recording
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		for i := range r.Setup {
			typ := formType
			r.Setup[i].ContentType = &typ
		}
		r.restore()
		all = append(all, r)
		return nil
	})
	return all
}

// shortened is what a long line of a dump was shortened to.
var shortened = regexp.MustCompile(`A+\.\.\.\[\d+ chars\]\.\.\.A+`)

// restore puts what was taken out of long rows back.
func (r *recording) restore() {
	for i, line := range r.RowsAfter {
		r.RowsAfter[i] = shortened.ReplaceAllLiteralString(line, strings.Repeat(r.BodyAppend.Repeat, r.BodyAppend.Count))
	}
}

func readLines(t *testing.T, file string, read func(line []byte) error) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if err := read(lines.Bytes()); err != nil {
			t.Fatalf("%s:%d: %v", file, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
