//go:build bench

package speed

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

var registering = flag.Int("phones", 1000, "that register in one run of make compare-native, at most 1000")

const (
	theNative = "Asterisk's ODBC driver, MariaDB"
	atOnce    = 16
)

// nativeColumns are those of make compare-native.
var nativeColumns = []column{
	durations("CPU each: Asterisk", func(m measurement) time.Duration { return m.cpu }),
	durations("gateway", func(m measurement) time.Duration { return m.gateway }),
	durations("database", func(m measurement) time.Duration { return m.database }),
	{"requests each", func(runs []measurement) string {
		return fmt.Sprintf("%.1f", median(runs, func(m measurement) float64 { return m.requests }))
	}},
}

// TestCompareNative lets phones register with Asterisks that reach their database in all ways
// that are compared.
func TestCompareNative(t *testing.T) {
	if *quick {
		*registering, *rounds = 200, 3
	}
	root := testenv.AsteriskRoot(t)
	r := &report{
		conditions: append(conditions(t), fmt.Sprintf("rounds of %d phones, %d at once: %d", *registering, atOnce, *rounds)),
		reference:  theNative, unit: "registrations a second", columns: nativeColumns,
	}
	plain := r.result("Registrations", "every object from the database", strconv.Itoa(atOnce))
	cached := r.result("Registrations", "sorcery's memory_cache", strconv.Itoa(atOnce))
	var all []*pbx
	start := func(s *site, gateway *program) {
		for _, result := range []*result{plain, cached} {
			p := startPBX(t, root, s, gateway, result == cached)
			p.result = result
			all = append(all, p)
		}
	}
	for _, kind := range sites {
		if !among(*databases, kind.kind) {
			continue
		}
		s := kind.open(t, some)
		s.exec(t, "DELETE FROM ps_contacts") // Asterisk would ask each of them whether it is there
		r.conditions = append(r.conditions, s.Kind+" "+s.version(t))
		if s.Kind == "MariaDB" {
			start(s, nil)
		}
		serve := s.startServe(t)
		if s.Kind == "MariaDB" {
			start(s, startCeiling(t, serve))
		}
		start(s, serve)
		start(s, s.startServeCaching(t))
	}
	version, err := all[0].asterisk.Command(t.Context(), "core show version")
	check(t, err)
	r.conditions = append(r.conditions, strings.Join(strings.Fields(version)[:2], " "))
	for round := range *rounds {
		for _, p := range alternated(all, round) {
			m, err := p.register(t, *registering, atOnce)
			if err != nil {
				t.Errorf("%s, %s: %v", p.name, p.result.load, err)
			}
			t.Logf("%s, %s: %.1f registrations a second", p.name, p.result.load, m.rate)
			p.result.add(p.program, m, err)
		}
	}
	r.publish(t)
}
