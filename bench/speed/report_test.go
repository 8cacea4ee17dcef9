//go:build bench

package speed

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

const theDriver = "the bare driver"

// A report is all that was measured, in the order in which it was.
type report struct {
	conditions []string
	reference  string // the program that the rates of all others are divided by
	unit       string // what is counted in a second
	columns    []column
	results    []*result
	leftOut    []string // what has no figures, and why
}

// A column shows a figure of a program's runs, beside their rate.
type column struct {
	title string
	text  func(runs []measurement) string
}

// durations is a column of the median of a duration, which not every program has.
func durations(title string, of func(measurement) time.Duration) column {
	return column{title, func(runs []measurement) string {
		if d := median(runs, of); d > 0 {
			return short(d)
		}
		return "–"
	}}
}

// speedColumns are those of make compare-speed.
var speedColumns = []column{
	durations("p50", func(m measurement) time.Duration { return m.p50 }),
	durations("p99", p99),
	durations("first byte", func(m measurement) time.Duration { return m.first }),
	durations("CPU each", func(m measurement) time.Duration { return m.cpu }),
	{"peak memory", memory},
}

// A result is what came of a load on so many connections.
type result struct {
	report                  *report
	kind, load, connections string
	programs                []*program // in the order of their first run
	runs                    map[*program][]measurement
	failed                  map[*program]error
}

func (r *report) result(kind, load, connections string) *result {
	one := &result{r, kind, load, connections, nil, map[*program][]measurement{}, map[*program]error{}}
	r.results = append(r.results, one)
	return one
}

func (r *report) leaveOut(kind, load, program string, why error) {
	text := strings.Join(strings.Fields(why.Error()), " ")
	r.leftOut = append(r.leftOut, fmt.Sprintf("%s, %s: %s: %.150s", kind, load, program, text))
}

// add notes a run. One that failed makes all of the program's worthless.
func (o *result) add(p *program, m measurement, err error) {
	if !slices.Contains(o.programs, p) {
		o.programs = append(o.programs, p)
	}
	if err != nil {
		if o.failed[p] == nil {
			o.report.leaveOut(o.kind, o.load+" on "+o.connections, p.name, err)
		}
		o.failed[p] = err
		return
	}
	o.runs[p] = append(o.runs[p], m)
}

// find returns a program's runs by its name; none where one failed.
func (o *result) find(name string) []measurement {
	for p, runs := range o.runs {
		if p.name == name && o.failed[p] == nil {
			return runs
		}
	}
	return nil
}

// median is the middle of a value of several runs.
func median[T time.Duration | float64 | int64 | int](runs []measurement, value func(measurement) T) T {
	all := make([]T, len(runs))
	for i, m := range runs {
		all[i] = value(m)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func rate(m measurement) float64      { return m.rate }
func p99(m measurement) time.Duration { return m.p99 }

// A ratio is that of two programs' rates: the median of the rounds, the least
// and the most.
type ratio struct{ median, least, most float64 }

func compared(runs, others []measurement) (r ratio, ok bool) {
	n := min(len(runs), len(others))
	if n == 0 {
		return r, false
	}
	all := make([]float64, n)
	for i := range all {
		all[i] = runs[i].rate / others[i].rate
	}
	slices.Sort(all)
	return ratio{all[n/2], all[0], all[n-1]}, true
}

func (r ratio) String() string { return fmt.Sprintf("%.3g (%.3g–%.3g)", r.median, r.least, r.most) }

// write writes everything as Markdown.
func (r *report) write(w io.Writer) {
	fmt.Fprintf(w, "Conditions: %s.\n", strings.Join(r.conditions, "; "))
	last := ""
	for _, o := range r.results {
		if title := o.kind + ": " + o.load; title != last {
			fmt.Fprintf(w, "\n#### %s\n\n| connections | program | %s | of %s |", title, r.unit, r.reference)
			for _, c := range r.columns {
				fmt.Fprintf(w, " %s |", c.title)
			}
			fmt.Fprintln(w, "\n|--:|---|--:|--:|"+strings.Repeat("--:|", len(r.columns)))
			last = title
		}
		o.write(w)
	}
	r.writeAims(w)
	if len(r.leftOut) > 0 {
		fmt.Fprint(w, "\n#### Left out\n\n")
		for _, line := range r.leftOut {
			fmt.Fprintf(w, "- %s\n", line)
		}
	}
}

// write writes the lines of a result, the fastest program first.
func (o *result) write(w io.Writer) {
	order := slices.Clone(o.programs)
	slices.SortStableFunc(order, func(a, b *program) int {
		return int(median0(o.find(b.name)) - median0(o.find(a.name)))
	})
	for _, p := range order {
		runs := o.find(p.name)
		if len(runs) == 0 {
			continue
		}
		share := "–"
		if s, ok := compared(runs, o.find(o.report.reference)); ok && p.name != o.report.reference {
			share = s.String()
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |", o.connections, p.name, digits3(median(runs, rate)), share)
		for _, c := range o.report.columns {
			fmt.Fprintf(w, " %s |", c.text(runs))
		}
		fmt.Fprintln(w)
	}
}

// median0 is the median of the rate of runs, of which there may be none.
func median0(runs []measurement) float64 {
	if len(runs) == 0 {
		return 0
	}
	return median(runs, rate) * 1000
}

func digits3(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.3g", f)
}

// short is a duration in three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}

// memory is the most that a process had, and how many processes there were.
func memory(runs []measurement) string {
	most := slices.MaxFunc(runs, func(a, b measurement) int { return int(a.peakBytes - b.peakBytes) })
	if most.peakBytes == 0 {
		return "–"
	}
	text := fmt.Sprintf("%.1f MB", float64(most.peakBytes)/1e6)
	if n := median(runs, func(m measurement) int { return m.processes }); n > 1 {
		text = fmt.Sprintf("%s, %d processes", text, n)
	}
	return text
}

// publish writes the report to the standard output, and to the file that was asked for.
func (r *report) publish(t *testing.T) {
	t.Helper()
	var text strings.Builder
	r.write(&text)
	fmt.Print(text.String())
	if *into != "" {
		check(t, os.WriteFile(*into, []byte(text.String()), 0o644))
	}
}
