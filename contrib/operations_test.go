package contrib_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
	"dbsep/internal/compare"
)

// failures are the lines of the snippets that say what a web server responds in place
// of dbsep: the expression that finds an operation in a URL, and the body.
var failures = map[string]*regexp.Regexp{
	"apache/dbsep-errors.conf": regexp.MustCompile(`(?m)^ *SetEnvIfNoCase Request_URI "(\S+)" dbsep_failed=(\S+)$`),
	"nginx/dbsep-errors.conf":  regexp.MustCompile(`(?m)^ *"~\*(\S+)" "(\S+)\\n";$`),
}

// failedBody is what dbsep responds to an operation while its database is unavailable.
func failedBody(t *testing.T, o gateway.Operation) string {
	t.Helper()
	g := gateway.New(gateway.Unusable(errors.New("unavailable")), gateway.Options{Log: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/peers/"+o.Name+"?file=x", strings.NewReader("id=char:1")))
	return w.Body.String()
}

// A web server that responds in place of dbsep says what dbsep says, but for the name
// at the end of the file that static includes.
func TestSnippetsFailAsDbsepDoes(t *testing.T) {
	for file, line := range failures {
		rules := line.FindAllStringSubmatch(read(t, file), -1)
		if len(rules) == 0 {
			t.Fatalf("%s has no line like %s", file, line)
		}
		for _, o := range gateway.Operations() {
			got := ""
			for _, rule := range rules {
				if regexp.MustCompile("(?i)" + rule[1]).MatchString("/dbsep/peers/" + o.Name) {
					got = rule[2] + "\n"
				}
			}
			want, _, _ := strings.Cut(failedBody(t, o), "unavailable\n")
			server, _, _ := strings.Cut(file, "/")
			if got = strings.TrimSuffix(got, server+"\n"); got != want {
				t.Errorf("%s responds to %s with %q, dbsep with %q", file, o.Name, got, want)
			}
		}
	}
}

func TestOperationsAreTheSameEverywhere(t *testing.T) {
	var names []string
	for _, o := range gateway.Operations() {
		names = append(names, o.Name)
		r := compare.Request{Method: http.MethodPost, Path: "/peers/" + o.Name}
		if r.Reads() != o.ReadOnly {
			t.Errorf("compare says of %s that it reads: %v", o.Name, r.Reads())
		}
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (?:POST|GET) \\|").FindAllStringSubmatch(read(t, "../docs/protocol.md"), -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(names, documented); diff != "" {
		t.Errorf("docs/protocol.md (-gateway +page):\n%s", diff)
	}
	var log bytes.Buffer
	g := gateway.New(gateway.Unusable(errors.New("x")), gateway.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/peers/nosuch", nil))
	if all := strings.Join(names, ", "); !strings.Contains(log.String(), all) {
		t.Errorf("the hint for an unknown operation does not name %s: %s", all, log.String())
	}
}
