package testenv_test

import (
	"fmt"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// A recorder is a test that another test looks at.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Failed() bool        { return len(r.errors) > 0 }
func (r *recorder) Helper()             {}

// What dbsep writes of a bug of its own fails the test that started it, or the web server
// that started it.
func TestABugFailsTheTest(t *testing.T) {
	const (
		line = `time=2026-11-27T20:11:40Z level=ERROR msg="an error inside dbsep or the database" code=internal operation=single table=peers`
		long = `head -c 3000000 /dev/zero | tr '\0' x`
	)
	for name, test := range map[string]struct {
		script string
		bug    string // empty: there is none
	}{
		"a line of the log":             {"echo '" + line + "'; echo other", line},
		"a line of an error log":        {"echo '[Fri Nov 27] [cgid:error] AH01215: dbsep: " + line + "' >&2", line},
		"a line in JSON":                {`echo '{"level":"ERROR","code":"internal","table":"x"}'`, `"code":"internal"`},
		"a panic":                       {"echo 'panic: runtime error: index out of range'; echo; echo 'goroutine 1 [running]:'", "panic: runtime error"},
		"a panic in a handler":          {"echo 'level=ERROR msg=\"http: panic serving 127.0.0.1:1: x\"'", "panic serving"},
		"an error of the runtime":       {"echo 'fatal error: concurrent map writes'", "concurrent map writes"},
		"a data race":                   {"echo '=================='; echo 'WARNING: DATA RACE'", "DATA RACE"},
		"a line in two parts":           {"printf 'level=ERROR code=inter'; sync; printf 'nal table=x\\n'", "code=internal"},
		"a line without an end":         {"printf 'level=ERROR code=internal'", "code=internal"},
		"before much else":              {"echo '" + line + "'; for i in 1 2 3; do " + long + "; echo; done", line},
		"after a long line":             {long + "; echo; echo '" + line + "'", line},
		"another code":                  {"echo 'level=ERROR code=unavailable'; echo 'level=WARN code=internally'", ""},
		"a request that names the word": {"echo 'level=INFO msg=request table=internal'", ""},
		"nothing":                       {"true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			p := testenv.Start(r, nil, "sh", "-c", test.script)
			<-p.Exited()
			for _, f := range r.cleanups {
				f()
			}
			if failed := len(r.errors) > 0; failed != (test.bug != "") || failed && !strings.Contains(r.errors[0], test.bug) {
				t.Errorf("%d errors, %.300q, want %q", len(r.errors), r.errors, test.bug)
			}
		})
	}
}
