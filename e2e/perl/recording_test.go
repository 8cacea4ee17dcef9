//go:build e2e

package perl

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/compare"
)

// A recording is a request that the Perl script once had.
type recording struct {
	ID, DB, Verdict string
	Method          string
	PathInfo        string `json:"path_info"`
	Query, Body     string
	ContentType     *string         `json:"content_type"`
	ContentLength   any             `json:"content_length"`
	BodyAppend      json.RawMessage `json:"body_append"`
	Setup           json.RawMessage
	RowsAfter       json.RawMessage `json:"rows_after"`
}

// request is a recording's as a file of requests has it.
func (r *recording) request() compare.Request {
	target := url.URL{Path: r.PathInfo}
	return compare.Request{Method: r.Method, Path: path + target.EscapedPath(), Query: r.Query, Body: r.Body}
}

// repeatable reports whether a recording can be sent again by a client that does
// nothing odd, as often as one wants to. What is dangerous is left to
// internal/replay: the script does it.
func (r *recording) repeatable() bool {
	form := r.ContentType != nil && *r.ContentType == "application/x-www-form-urlencoded"
	return r.Verdict != "danger" && string(r.RowsAfter) == `"unchanged"` && r.Setup == nil &&
		r.BodyAppend == nil && r.ContentLength == nil && (form || r.Method == http.MethodGet)
}

// recordings are those of a database, with a verdict, that only read.
func recordings(t *testing.T, db, verdict string) []recording {
	t.Helper()
	f, err := os.Open(recorded + "golden.jsonl")
	check(t, err)
	defer f.Close()
	var all []recording
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recording
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.DB != db || r.Verdict != verdict || !r.repeatable() {
			continue // those that no HTTP client can send have other types
		}
		if q := r.request(); q.Reads() && q.Complete() {
			all = append(all, r)
		}
	}
	check(t, lines.Err())
	return all
}

// writeRequests writes a file of requests.
func writeRequests(t *testing.T, all []recording) (file string) {
	t.Helper()
	var text strings.Builder
	for i := range all {
		check(t, json.NewEncoder(&text).Encode(all[i].request()))
	}
	file = filepath.Join(t.TempDir(), "requests.jsonl")
	check(t, os.WriteFile(file, []byte(text.String()), 0o644))
	return file
}
