//go:build soak

package soak

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// A measure is what must not grow, and by how much its last fifth may be above
// its second; the first is for warming up.
type measure struct {
	name, series string
	unit         float64
	ratio, more  float64
}

var measures = []measure{
	{"memory, MiB", "process_resident_memory_bytes", 1 << 20, 1.25, 16},
	{"descriptors", "process_open_fds", 1, 1, 12},
	{"goroutines", "go_goroutines", 1, 1, 24},
}

// fifths are the medians of a measure.
func (m measure) fifths(samples []testenv.Series) (medians [5]float64) {
	for i := range medians {
		part := samples[i*len(samples)/5 : (i+1)*len(samples)/5]
		var values []float64
		for _, s := range part {
			values = append(values, s[m.series]/m.unit)
		}
		slices.Sort(values)
		if len(values) > 0 {
			medians[i] = values[len(values)/2]
		}
	}
	return medians
}

// grown reports a measure that grows.
func (m measure) grown(samples []testenv.Series) error {
	f := m.fifths(samples)
	if bound := f[1]*m.ratio + m.more; f[4] > bound {
		return fmt.Errorf("%s: %.0f in the second fifth of the time and %.0f in the last, more than %.0f", m.name, f[1], f[4], bound)
	}
	return nil
}

// table shows the medians of all measures.
func table(samples []testenv.Series) string {
	var all strings.Builder
	fmt.Fprintf(&all, "%-14s%8s%8s%8s%8s%8s\n", "median of", "1st", "2nd", "3rd", "4th", "5th")
	for _, m := range measures {
		fmt.Fprintf(&all, "%-14s", m.name)
		for _, median := range m.fifths(samples) {
			fmt.Fprintf(&all, "%8.0f", median)
		}
		all.WriteString("\n")
	}
	return all.String()
}

func TestTrend(t *testing.T) {
	samples := func(value func(i int) float64) (all []testenv.Series) {
		for i := range 100 {
			all = append(all, testenv.Series{"go_goroutines": value(i)})
		}
		return all
	}
	goroutines := measures[2]
	for _, test := range []struct {
		name  string
		value func(i int) float64
		grown bool
	}{
		{"steady", func(int) float64 { return 50 }, false},
		{"up and down", func(i int) float64 { return float64(50 + i%20) }, false},
		{"one peak at the end", func(i int) float64 { return float64(50 + i/99*1000) }, false},
		{"grows while it warms up", func(i int) float64 { return float64(min(i, 20) * 10) }, false},
		{"grows by one each time", func(i int) float64 { return float64(50 + i) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := goroutines.grown(samples(test.value)); (err != nil) != test.grown {
				t.Error(err)
			}
		})
	}
}
