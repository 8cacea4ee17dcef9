//go:build e2e

package outage

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCounting has the tally find what must never be: there is none of it in the
// outages, so that they do not show that it would be found.
func TestCounting(t *testing.T) {
	s, _ := sqliteScene(t, nil)
	for _, text := range []string{
		"UPDATE counters SET val = 1 WHERE id = 'c0'", "UPDATE counters SET val = 2 WHERE id = 'c0'", "UPDATE counters SET val = 1 WHERE id = 'c0'",
		"UPDATE counters SET val = 4 WHERE id = 'c1'",
		"INSERT INTO visits (name) VALUES ('twice'), ('twice'), ('once'), ('unclear'), ('gone')",
		"DELETE FROM visits WHERE name IN ('gone')",
		"DELETE FROM history WHERE what = 'store once'", "DELETE FROM visits WHERE name = 'unclear'",
	} {
		_, err := s.DB.ExecContext(t.Context(), text)
		check(t, err)
	}
	now := time.Now()
	write := func(operation, key string, value int, body string) answer {
		return answer{begun: now, took: time.Millisecond, operation: operation, key: key, value: value, body: body, status: 200}
	}
	l := &load{answers: []answer{
		write("update", "c0", 1, "1\n"),
		write("update", "c0", 2, "1\n"),
		write("update", "c1", 3, "1\n"),
		write("update", "c1", 4, "-1\n"),
		write("update", "c2", 5, "0\n"),
		write("store", "twice", 0, "-1\n"),
		write("store", "once", 0, "1\n"),
		write("store", "unclear", 0, "-1\n"),
		write("store", "nowhere", 0, "-1\n"),
		write("store", "gone", 0, "1\n"),
		write("destroy", "gone", 0, "1\n"),
		{begun: now, took: time.Second, operation: "look", key: "c0", value: 2, body: "id=c0&val=1\n", status: 200},
		{begun: now, operation: "look", key: "c0", value: 2, body: "id=c0&val=2\n", status: 200},
		{begun: now, operation: "read", code: "unavailable", status: 503},
		{begun: now, operation: "read", stale: true, status: 200},
	}}
	c := l.tally(t, s)
	slices.Sort(c.wrong)
	if diff := cmp.Diff([]string{
		"store once was answered 1 and is not there",
		"store twice was done 2 times, and answered \"-1\\n\"",
		"the counter c0 is 1, but 2 was confirmed last",
		"the counter c0 was shown as \"id=c0&val=1\\n\", stale false, but 2 was confirmed before",
		"there are 0 rows unclear, want 1",
		"there are 1 rows once, want 0",
		"update c0 1 was done 2 times, and answered \"1\\n\"",
		"update c1 3 was answered 1 and is not there",
		"update c2 5 was answered \"0\\n\", 200, error ",
	}, c.wrong); diff != "" {
		t.Error(diff)
	}
	if c.lost != 2 || c.twice != 2 || c.missed != 1 || c.stale != 1 || c.confirmed != 6 || c.refused != 4 || c.longest != time.Second {
		t.Errorf("%+v", c)
	}
}
