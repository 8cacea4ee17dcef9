//go:build e2e

package webserver

import (
	"os"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// testServerAway ends dbsep behind a web server and starts it again.
func (d *door) testServerAway(t *testing.T, dbsep *testenv.Process, serve func() *testenv.Process) {
	testenv.Feature(t, d.system, "dbsep away: safe answers, and none of them once it is back", func(t *testing.T) {
		dbsep.End()
		d.wantFailures(t, []int{502, 503, 504})
		serve()
		for range 20 {
			d.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
		}
	})
}

// testProgramBroken takes the CGI program away, and puts one in its place that
// says nothing.
func (d *door) testProgramBroken(t *testing.T, program string) {
	testenv.Feature(t, d.system, "dbsep.cgi missing or broken: safe answers", func(t *testing.T) {
		check(t, os.Rename(program, program+".away"))
		d.wantFailures(t, []int{404})
		check(t, os.WriteFile(program, []byte("#!/bin/false\n"), 0o755))
		d.wantFailures(t, []int{500})
		check(t, os.WriteFile(program+".broken", []byte("no program\n"), 0o644))
		check(t, os.Rename(program+".broken", program))
		d.wantFailures(t, []int{403, 500})
		check(t, os.Rename(program+".away", program))
		d.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
	})
}

// testTooLarge stores more than the limit of 4 MiB, which the web server or dbsep
// refuses.
func (d *door) testTooLarge(t *testing.T) {
	testenv.Feature(t, d.system, "store of 5 MiB: refused", func(t *testing.T) {
		d.post(t, "/long_text/store", "id=two&val="+strings.Repeat("x", 5<<20)).wantSafe(t, "store")
		d.post(t, "/long_text/single", "id=two").want(t, "\n")
	})
}
