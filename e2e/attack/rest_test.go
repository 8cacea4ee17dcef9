//go:build e2e

package attack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// atRest uses each of the server's connections to the database once and then
// reports what it holds when there are no requests.
func (x *target) atRest(t *testing.T) testenv.Series {
	t.Helper()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			p := testenv.NewPhone(x.url, fmt.Sprintf("early%d", i), "")
			defer p.Close()
			if _, err := p.Ask(t.Context(), "/bulk/multi", "id+%3E%3D=0"); err != nil {
				t.Error(err)
			}
			if err := p.Round(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	http.DefaultClient.CloseIdleConnections() // the rig's own, which waited for the server
	return x.await(t, "the clients to be gone", func(now testenv.Series) bool { return now["dbsep_http_connections"] == 0 })
}

// await waits until the server's series are as they should be.
func (x *target) await(t *testing.T, what string, reached func(now testenv.Series) bool) (now testenv.Series) {
	t.Helper()
	testenv.WaitFor(t, what, x.Process, func(ctx context.Context) (err error) {
		if now, err = testenv.ReadSeries(ctx, x.status); err == nil && !reached(now) {
			err = errors.New("not yet: " + x.holds(now))
		}
		return err
	})
	return now
}

// holds reports what a server holds.
func (x *target) holds(now testenv.Series) string {
	return fmt.Sprintf("%v clients, %v descriptors, %v goroutines, %.0f MiB", now["dbsep_http_connections"],
		now["process_open_fds"], now["go_goroutines"], now["process_resident_memory_bytes"]/(1<<20))
}

// backTo waits until the server holds no more than before the attack. A
// connection to the database or two may be another one meanwhile.
func (x *target) backTo(t *testing.T, before testenv.Series) {
	t.Helper()
	const play = 8
	now := x.await(t, "what the attack took to be given back", func(now testenv.Series) bool {
		return now["dbsep_http_connections"] == 0 && now["process_open_fds"] <= before["process_open_fds"]+play &&
			now["go_goroutines"] <= before["go_goroutines"]+play
	})
	t.Logf("before: %s; after: %s", x.holds(before), x.holds(now))
}
