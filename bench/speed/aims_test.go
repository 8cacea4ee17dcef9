//go:build bench

package speed

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// writeAims compares what was measured with what dbsep wants to be.
func (r *report) writeAims(w io.Writer) {
	var lines []string
	aim := func(o *result, met bool, text string, figures ...any) {
		word := "missed"
		if met {
			word = "met"
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s |", o.kind, o.load, o.connections, fmt.Sprintf(text, figures...), word))
	}
	times := func(o *result, program, other string, least float64) {
		if s, ok := compared(o.find(program), o.find(other)); ok {
			aim(o, s.median >= least, "%s is %s times %s, at least %g", program, s, other, least)
		}
	}
	for _, o := range r.results {
		serve, baseline := o.find(theServe), o.find(theBaseline)
		if len(serve) == 0 || len(baseline) == 0 || strings.Contains(o.connections, "slow") && o.load != all {
			continue
		}
		if strings.HasSuffix(o.load, "/s") {
			each := func(m measurement) time.Duration { return m.cpu }
			share := float64(median(serve, each)) / float64(median(baseline, each))
			aim(o, share <= 0.8, "a request takes %.2f times the baseline's processor time, at most 0.8", share)
		}
		switch o.load {
		case "single":
			times(o, theServe, theBaseline, 0.9)
			a, b := median(serve, p99), median(baseline, p99)
			aim(o, float64(a) <= 1.2*float64(b), "p99 is %s, at most 1.2 times the baseline's %s", short(a), short(b))
			times(o, "dbsep, CGI", "dbsep.cgi, CGI", 8)
			times(o, "dbsep-cgi, CGI", "dbsep.cgi, CGI", 12)
			if o.kind == "SQLite" {
				times(o, theServe, "dbsep.cgi, mod_perl", 10)
				times(o, theServe, "dbsep.cgi, CGI", 300)
			}
		case "update":
			times(o, theServe, theDriver, 0.9)
		case all:
			if !strings.Contains(o.connections, "slow") {
				times(o, theServe, theBaseline, 0.9)
			}
			if o.connections == "1" { // eight at once wait for each other's processor
				first := median(serve, func(m measurement) time.Duration { return m.first })
				aim(o, first <= 10*time.Millisecond, "the first byte comes after %s, at most 10 ms", short(first))
			}
			peak := median(serve, func(m measurement) int64 { return m.peakBytes })
			aim(o, peak < 40e6, "peak memory is %.1f MB, less than 40", float64(peak)/1e6)
		}
	}
	if len(lines) > 0 {
		fmt.Fprint(w, "\n#### Aims\n\n| database | load | connections | aim | |\n|---|---|--:|---|---|\n"+strings.Join(lines, "\n")+"\n")
	}
}
