package metrics_test

import (
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
	"dbsep/internal/metrics"
)

// A documented series is a row of the manual's table.
type documented struct {
	Kind   string
	Labels string // comma-separated, in alphabetical order
}

// TestManualListsEverySeries compares the table in docs/monitoring.md with the
// metrics.
func TestManualListsEverySeries(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := map[string]documented{}
	row := regexp.MustCompile("(?m)^\\| `(dbsep_[a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\| .+ \\|$")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		manual[m[1]] = documented{m[2], sorted(regexp.MustCompile(`[a-z]+`).FindAllString(m[3], -1))}
	}
	if diff := cmp.Diff(series(t), manual); diff != "" {
		t.Errorf("the series (-) are not those of docs/monitoring.md (+):\n%s", diff)
	}
	for n := range gateway.Adjustments {
		if !strings.Contains(string(text), "`"+string(n)+"`") {
			t.Errorf("docs/monitoring.md does not name the adjustment %s", n)
		}
	}
}

// series returns the metrics of a process that has a value for each.
func series(t *testing.T) map[string]documented {
	t.Helper()
	m := metrics.New("1.2", metrics.Sources{Pools: func() []metrics.Pool { return []metrics.Pool{{Name: "all"}} }, Budgets: budgets, Clients: func() int { return 0 }, Cache: func() (int64, int64) { return 4, 6 },
		Stale: func() (metrics.StaleCache, bool) { return metrics.StaleCache{}, true }, Batches: func() (sent, reads, again int64) { return 1, 2, 3 }})
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Took: time.Millisecond, Stale: true, Shared: true})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	kinds := map[string]documented{}
	for _, k := range regexp.MustCompile(`(?m)^# TYPE (dbsep_\S+) (\S+)$`).FindAllStringSubmatch(w.Body.String(), -1) {
		sample := regexp.MustCompile(`(?m)^` + k[1] + `(?:_count)?(?:\{(.*)\})? `).FindStringSubmatch(w.Body.String())
		if sample == nil {
			t.Fatalf("%s has no value", k[1])
		}
		labels := map[string]bool{}
		for _, l := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(sample[1], -1) {
			labels[l[1]] = true
		}
		kinds[k[1]] = documented{k[2], sorted(slices.Collect(maps.Keys(labels)))}
	}
	if len(kinds) == 0 {
		t.Fatalf("no series:\n%s", w.Body)
	}
	return kinds
}

func sorted(words []string) string {
	slices.Sort(words)
	return strings.Join(words, ",")
}
