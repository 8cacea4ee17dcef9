//go:build e2e

package webserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// everyOperation is one request of each kind.
var everyOperation = []struct{ operation, method, target, body string }{
	{"single", "POST", "/ps_aors/single", "id=alice"},
	{"multi", "POST", "/ps_aors/multi", "id%20LIKE=%25"},
	{"store", "POST", "/ps_aors/store", "id=new"},
	{"update", "POST", "/ps_aors/update?id=alice", "max_contacts=1"},
	{"destroy", "POST", "/ps_aors/destroy", "id=bob"},
	{"require", "POST", "/iaxfriends/require", "name=char:10"}, // no test has had this table described
	{"static", "GET", "/ast_config/static?file=queues.conf", ""},
	{"single in JSON", "GET", "/ps_aors/single.json?id=alice", ""},
}

// wantFailures sends one request of each kind at the same time and wants responses
// that Asterisk takes for failures, with a status for everyone else.
func (d *door) wantFailures(t *testing.T, statuses []int, header ...string) {
	t.Helper()
	var all sync.WaitGroup
	for _, o := range everyOperation {
		all.Go(func() {
			a, err := d.try(t.Context(), o.method, o.target, o.body, header...)
			if err != nil {
				t.Errorf("%s: %v", o.operation, err)
				return
			}
			if o.operation != "single in JSON" {
				a.wantSafe(t, o.operation)
			}
			byDbsep := a.header.Get("X-Dbsep-Error") != ""
			if !slices.Contains(statuses, a.status) && !(byDbsep && a.status == 200) {
				t.Errorf("%s: status %d, want one of %v", o.operation, a.status, statuses)
			}
		})
	}
	all.Wait()
}

// testDatabaseAway takes the database away and gives it back.
func (d *door) testDatabaseAway(t *testing.T) {
	testenv.Feature(t, d.system, "database away: safe answers, and all is well when it is back", func(t *testing.T) {
		d.site.outage.Begin(t)
		d.wantFailures(t, []int{503})
		d.site.outage.End(t, d.answers)
		d.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
	})
}

// answers sends as many requests at once as there may be processes behind the web
// server: each of them looks for the database by itself.
func (d *door) answers(ctx context.Context) error {
	errs := make([]error, 3*len(everyOperation))
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			a, err := d.try(ctx, http.MethodPost, "/ps_aors/single", "id=alice")
			if err == nil && a.status != http.StatusOK {
				err = fmt.Errorf("status %d", a.status)
			}
			errs[i] = err
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
