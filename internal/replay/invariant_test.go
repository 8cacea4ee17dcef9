package replay

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// What every response has to keep to, for every request (protocol rules P1 to P5):
// a wrong one is a success, a row or an empty configuration to Asterisk.

var (
	countBody = regexp.MustCompile(`^(-1|[0-9]+)\n$`)
	ownSQL    = regexp.MustCompile(`\b(SELECT|INSERT)\b|UPDATE |DELETE FROM`)
	named     = regexp.MustCompile(` (table|column)=("(?:[^"\\]|\\.)*"|\S+)`)
	plainWord = regexp.MustCompile(`^[a-z]+$`) // may be one of our own
	fixing    = regexp.MustCompile(` (reason|hint)=("(?:[^"\\]|\\.)*"|\S+)`)
)

// checkAnswer checks that a response is one that Asterisk cannot take for something
// else, and that neither it nor the log shows what nobody should know.
func checkAnswer(t *testing.T, r *request, a answer) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%v\nanswered %d %s %.300q, log %.1000q: "+format, append([]any{r, a.status, a.code, a.body, a.log}, args...)...)
	}
	if a.kind != "text/plain" {
		fail("the content type is %q", a.kind)
	}
	switch r.operation() {
	case "store", "update", "destroy", "require":
		if a.status != 200 || !countBody.MatchString(a.body) || (a.code != "") != (a.body == "-1\n") {
			fail("this is no count, or no failure")
		}
	case "":
		if want := map[bool]string{true: "-1\n"}[r.Method == "POST"]; a.code == "" || a.body != want {
			fail("this may be a success of a write")
		}
	case "static":
		failed := "cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2F" + strings.ReplaceAll(a.code, "-", "%2D") + "\n"
		if a.status != 200 || a.code != "" && a.body != failed || a.code == "" && strings.Contains(a.body, "%2Fdbsep%2Ferror") {
			fail("Asterisk would lose its configuration")
		}
	default:
		if a.code != "" && (a.body != "" || a.status < 400) {
			fail("this error is a row")
		}
		if a.code == "" && a.status != 200 {
			fail("this is no error")
		}
	}
	checkSecrecy(t, r, a, fail)
}

func checkSecrecy(t *testing.T, r *request, a answer, fail func(string, ...any)) {
	t.Helper()
	if ownSQL.MatchString(a.body) {
		fail("the answer holds SQL")
	}
	own := strings.HasPrefix(deref(r.PathInfo), "/secrets/") // requested by its name, which GRANT decides on
	if strings.Contains(a.log, "TOPSECRET") || strings.Contains(a.body, "TOPSECRET") && !own {
		fail("the secret of another table is out")
	}
	// Names may be logged, and so may the SQL that gives a table what is required.
	log := named.ReplaceAllLiteralString(a.log, "")
	if r.operation() == "require" {
		log = fixing.ReplaceAllLiteralString(log, "")
	}
	if ownSQL.MatchString(log) {
		fail("the log holds SQL")
	}
	for _, text := range []string{deref(r.Query), r.bytes()} {
		for pair := range strings.SplitSeq(text, "&") {
			_, value, _ := strings.Cut(pair, "=")
			if plain, err := url.QueryUnescape(value); err == nil {
				value = plain
			}
			if len(value) >= 4 && !plainWord.MatchString(value) && strings.Contains(log, value) {
				fail("the log holds the value %q", value)
			}
		}
	}
}
