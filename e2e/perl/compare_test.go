//go:build e2e

package perl

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/testenv"
)

// refused are requests that dbsep refuses, or reads differently, for a reason that
// is no row of docs/differences.md: no client of a PBX sends them, and compare
// reports a DIFFERENT. They are named as recordings are.
var refused = []struct {
	why        string
	recordings []string
}{
	{"an operator that only one database knows", []string{"op-regexp@sqlite", "op-glob@sqlite", "op-regexp@mariadb", "op-rlike@mariadb", "op-ilike@pg"}},
	{"a name that no column can have: the script left the condition out", []string{"name-dot-and", "name-newline", "name-tab", "name-nul"}},
	{"a column that is none of the table's: SQLite's number of a row", []string{"name-rowid@sqlite"}},
	{"a file's name that MariaDB took for a number, since the script did not quote it", []string{"static-hex@mariadb"}},
}

func TestCompare(t *testing.T) {
	for db := range sites {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			s := openSite(t, db, "")
			system := "compare/" + s.Kind
			new := s.Serve(t)
			testenv.Feature(t, system, "an access log, which grows by the comparison", func(t *testing.T) { s.testAccessLog(t, new) })
			testenv.Feature(t, system, "what the script answered well", func(t *testing.T) {
				all := recordings(t, db, "keep")
				out, status := dbsep(t, "compare", "--old", s.script, "--new", new, writeRequests(t, all))
				wantCounted(t, out, len(all))
				if status != 0 || strings.Contains(out, "an error's text") || strings.Contains(out, "that the script could not use") {
					t.Errorf("status %d:\n%s", status, out)
				}
			})
			testenv.Feature(t, system, "what the script got wrong", func(t *testing.T) {
				all := recordings(t, db, "fix")
				out, status := dbsep(t, "compare", "--old", s.script, "--new", new, writeRequests(t, all))
				wantCounted(t, out, len(all))
				if diff := cmp.Diff(refusedOf(all), told(out, "DIFFERENT")); diff != "" || status != 1 {
					t.Errorf("status %d, not as named here (-named +told):\n%s\n%s", status, diff, out)
				}
			})
			testenv.Feature(t, system, "a row that is another one in dbsep's database", func(t *testing.T) { s.testOtherRow(t, db) })
		})
	}
}

// refusedOf are the requests of the refused among recordings, as compare names
// them: each once.
func refusedOf(all []recording) (requests []string) {
	for i := range all {
		name, _, _ := strings.Cut(all[i].ID, "@")
		for _, r := range refused {
			request := all[i].request().String()
			if (slices.Contains(r.recordings, name) || slices.Contains(r.recordings, all[i].ID)) && !slices.Contains(requests, request) {
				requests = append(requests, request)
			}
		}
	}
	return requests
}

// told are the requests that compare reports with a word in front.
func told(out, word string) (requests []string) {
	for line := range strings.Lines(out) {
		if request, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), word+"  "); ok {
			requests = append(requests, request)
		}
	}
	return requests
}

// summary is the line of counts that compare ends with.
func summary(t *testing.T, out string) (same, explained, different, failed int) {
	t.Helper()
	for line := range strings.Lines(out) {
		if n, _ := fmt.Sscanf(line, "%d the same, %d explained, %d different, %d failed", &same, &explained, &different, &failed); n == 4 {
			return same, explained, different, failed
		}
	}
	t.Fatalf("compare counts nothing:\n%s", out)
	return 0, 0, 0, 0
}

// wantCounted fails the test unless all requests were compared.
func wantCounted(t *testing.T, out string, requests int) {
	t.Helper()
	same, explained, different, failed := summary(t, out)
	if got := same + explained + different; got != requests || failed != 0 || same == 0 || strings.Contains(out, "left out") {
		t.Errorf("%d of %d requests were compared, %d failed:\n%s", got, requests, failed, out)
	}
}

// testAccessLog has the script write Apache's log and compares what it holds.
// Each question to the script is one more line at its end.
func (s *site) testAccessLog(t *testing.T, new string) {
	ask(t, "GET", s.script+"/mwi/single?id=Dazed", "")
	ask(t, "GET", s.script+"/mwi/multi?id%20LIKE=D%25", "")
	ask(t, "GET", s.script+"/ast_config/static?file=pjsip.conf", "")
	ask(t, "POST", s.script+"/voicemail/single", "mailbox=101")
	ask(t, "POST", s.script+"/mwi/update?id=Dazed", "msgs_new=5")
	testenv.WaitFor(t, "five lines of the log", nil, s.logged(5))
	out, status := dbsep(t, "compare", "--old", s.script, "--new", new, s.log)
	const want = `explained  GET /ast_config/static file
    files from the database

2 the same, 1 explained, 0 different, 0 failed
        1  files from the database
        1  left out: they write
        1  left out: an access log has no bodies; record requests, or use --record
`
	if diff := cmp.Diff(want, out); diff != "" || status != 0 {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
}

// testOtherRow compares the script with a dbsep that uses a second database, in
// which a password is another one.
func (s *site) testOtherRow(t *testing.T, db string) {
	other := newSite(t, db)
	other.exec(t, "UPDATE voicemail SET password = 'hunter2' WHERE mailbox = '101'")
	file := filepath.Join(t.TempDir(), "requests.jsonl")
	check(t, os.WriteFile(file, []byte(`{"path":"/voicemail/single","body":"mailbox=100&context=default"}
{"path":"/voicemail/single","body":"mailbox=101&context=default"}
`), 0o644))
	out, status := dbsep(t, "compare", "--old", s.script, "--new", other.Serve(t), file)
	const want = `DIFFERENT  POST /voicemail/single mailbox context
    row 1, column password: old has 4 bytes, new 7 bytes

1 the same, 0 explained, 1 different, 0 failed
dbsep: the two gateways differ
`
	if diff := cmp.Diff(want, out); diff != "" || status != 1 {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
}
