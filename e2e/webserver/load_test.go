//go:build e2e

package webserver

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// testLoad sends many requests at once.
func (d *door) testLoad(t *testing.T) {
	testenv.Feature(t, d.system, "store of 1 MiB, and back", func(t *testing.T) {
		long := strings.Repeat("0123456789abcdef", 1<<16)
		d.post(t, "/long_text/store", "id=one&val="+long).want(t, "1\n")
		d.post(t, "/long_text/single", "id=one").want(t, "id=one&val="+long+"\n")
		if n := d.site.value(t, "SELECT LENGTH(val) FROM long_text WHERE id='one'"); n != strconv.Itoa(len(long)) {
			t.Errorf("%s bytes are stored", n)
		}
	})
	testenv.Feature(t, d.system, "many requests in parallel", func(t *testing.T) {
		const clients, each = 20, 3
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				for i := range each {
					name := fmt.Sprintf("p%d.%d", c, i)
					a, err := d.try(t.Context(), "POST", "/rt_bulk/store", "name="+name+"&val=%3B")
					if err != nil || a.body != "1\n" {
						t.Errorf("store %s: %q, %v", name, a.body, err)
					}
					a, err = d.try(t.Context(), "POST", "/rt_bulk/multi", "name="+name)
					if err != nil || !strings.HasSuffix(a.body, "&name="+name+"&val=%3B\n") || strings.Count(a.body, "\n") != 1 {
						t.Errorf("multi %s: %q, %v", name, a.body, err)
					}
				}
			})
		}
		all.Wait()
		if n := d.site.value(t, "SELECT COUNT(*) FROM rt_bulk WHERE name LIKE 'p%.%' AND val='^3B'"); n != strconv.Itoa(clients*each) {
			t.Errorf("%s rows are stored, want %d", n, clients*each)
		}
	})
}
