//go:build bench

package speed

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

var (
	databases   = flag.String("databases", "SQLite,MariaDB,PostgreSQL", "`kinds` to measure on")
	cases       = flag.String("cases", "", "`names` of the loads to measure; all of them otherwise")
	programs    = flag.String("programs", "", "`names` of the programs to measure beside the baseline, with ; between them; all of them otherwise")
	connections = flag.String("connections", "1,16,64", "`numbers` of connections that ask at once")
	seconds     = flag.Int("seconds", 4, "that one run takes")
	rounds      = flag.Int("rounds", 5, "of all programs, of which the median counts")
	quick       = flag.Bool("quick", false, "two minutes: single and update, 16 connections, 3 rounds of a second, SQLite and MariaDB")
	into        = flag.String("into", "", "`file` to write the tables into")
)

// TestCompareSpeed measures. It fails where a program cannot be measured that
// should be, not where one is slow.
func TestCompareSpeed(t *testing.T) {
	if *quick {
		*databases, *cases, *connections, *seconds, *rounds = "SQLite,MariaDB", "single,update", "16", 1, 3
	}
	baseline := buildBeside(t, "baseline")
	r := &report{
		conditions: append(conditions(t), fmt.Sprintf("rounds of %[2]d s: %[1]d", *rounds, *seconds)),
		reference:  theBaseline, unit: "a second", columns: speedColumns,
	}
	for _, kind := range sites {
		if !among(*databases, kind.kind) {
			continue
		}
		t.Run(kind.kind, func(t *testing.T) {
			s := kind.open(t, everyone)
			r.conditions = append(r.conditions, s.Kind+" "+s.version(t))
			s.compare(t, s.start(t, baseline), r)
		})
	}
	r.publish(t)
}

// among reports whether a list has a name.
func among(list, name string) bool { return slices.Contains(strings.Split(list, ","), name) }

// start starts all programs.
func (s *site) start(t *testing.T, baseline string) []*program {
	t.Helper()
	scripts := s.InstallPerlScript(t)
	all := []*program{
		s.startBaseline(t, baseline), s.startServe(t), s.startServeCaching(t), s.startDbsepFastCGI(t), s.startDbsepCGI(t), s.startPassing(t),
		s.startModPerl(t, scripts), s.startPerl(t, scripts), s.bareDriver(baseline),
	}
	return slices.DeleteFunc(all, func(p *program) bool {
		return *programs != "" && p.name != theBaseline && !slices.Contains(strings.Split(*programs, ";"), p.name)
	})
}

// compare measures programs on a site, load by load.
func (s *site) compare(t *testing.T, programs []*program, r *report) {
	for _, l := range loads() {
		if *cases != "" && !among(*cases, l.name) {
			continue
		}
		able := s.able(t, programs, l, r)
		if l.name == all {
			s.compareLong(t, able, l, r)
			continue
		}
		file := filepath.Join(t.TempDir(), "requests")
		for _, p := range able {
			s.measure(t, p, l, file, 64, time.Second, nil) // to be warm, each of many processes
		}
		counts := numbers(*connections)
		if l.perSecond > 0 {
			counts = []int{pacedConnections}
		}
		for _, n := range counts {
			result := r.result(s.Kind, l.name, strconv.Itoa(n))
			for round := range *rounds {
				for _, p := range alternated(able, round) {
					s.measure(t, p, l, file, n, time.Duration(*seconds)*time.Second, result)
				}
			}
		}
	}
}

// able are the programs that send right responses to a load: a wrong response is no
// speed.
func (s *site) able(t *testing.T, programs []*program, l *load, r *report) (able []*program) {
	for _, p := range programs {
		if p.only != "" && p.only != l.name || l.perSecond > 0 && p.name != theBaseline && p.name != theServe {
			continue
		}
		if p.drive != nil {
			if l.name == "update" {
				able = append(able, p)
			}
			continue
		}
		wrong := error(nil)
		for _, q := range l.questions {
			if wrong = s.ask(t, p.base, q); wrong != nil {
				break
			}
		}
		if wrong == nil {
			able = append(able, p)
			continue
		}
		r.leaveOut(s.Kind, l.name, p.name, wrong)
		if p.name == theBaseline || p.name == theServe {
			t.Errorf("%s: %s: %v", p.name, l.name, wrong)
		}
	}
	return able
}

// alternated are the programs in another order each round, so that none always
// comes first or after the same one.
func alternated[T any](programs []T, round int) []T {
	n := len(programs)
	order := append(slices.Clone(programs[round%n:]), programs[:round%n]...)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// measure lets a program run once, and notes what came of it.
func (s *site) measure(t *testing.T, p *program, l *load, file string, n int, length time.Duration, result *result) {
	t.Helper()
	var m measurement
	var err error
	if p.drive != nil {
		m, err = p.drive(t, n, length)
	} else {
		m, err = p.run(t, s, l, file, n, length)
		if errors.Is(err, errNoAnswer) && result != nil {
			m, err = p.run(t, s, l, file, n, 5*length)
		}
	}
	if result == nil {
		return // a program that is not warm yet may be slow
	}
	if err != nil {
		if p.name == theBaseline || p.name == theServe {
			t.Errorf("%s: %s: %d connections: %v", p.name, l.name, n, err)
		}
	}
	result.add(p, m, err)
}

// compareLong measures a response of many rows: on few connections, each of which
// takes one of a program's to its database for long, and read slowly. A program
// that needs long gets no second request.
func (s *site) compareLong(t *testing.T, programs []*program, l *load, r *report) {
	const most, patience = 8, 5 * time.Second
	slow := map[*program]bool{}
	once := func(p *program, n int, into *result) {
		m, err := p.runLong(t, l, n, readOn)
		if err != nil && (p.name == theBaseline || p.name == theServe) {
			t.Errorf("%s: %s: %d connections: %v", p.name, l.name, n, err)
		}
		slow[p] = slow[p] || m.p99 > patience
		into.add(p, m, err)
	}
	var counts []int
	for _, n := range numbers(*connections) {
		counts = append(counts, min(n, most))
	}
	for _, n := range slices.Compact(counts) {
		result := r.result(s.Kind, l.name, strconv.Itoa(n))
		for round := range *rounds {
			for _, p := range alternated(programs, round) {
				if !slow[p] {
					once(p, n, result)
				}
			}
		}
	}
	result := r.result(s.Kind, l.name, fmt.Sprintf("%d, slow readers", most))
	for _, p := range programs {
		if !slow[p] {
			m, err := p.runLong(t, l, most, readSlowly)
			result.add(p, m, err)
		}
	}
}

func numbers(list string) (all []int) {
	for text := range strings.SplitSeq(list, ",") {
		if n, err := strconv.Atoi(text); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// version queries the database for its version.
func (s *site) version(t *testing.T) (version string) {
	t.Helper()
	query := "SELECT VERSION()"
	if s.Kind == "SQLite" {
		query = "SELECT sqlite_version()"
	}
	check(t, s.DB.QueryRowContext(t.Context(), query).Scan(&version))
	version, _, _ = strings.Cut(version, " (") // what PostgreSQL says of its build
	return strings.TrimPrefix(version, s.Kind+" ")
}

// conditions are what the figures depend on.
func conditions(t *testing.T) []string {
	t.Helper()
	model := "processor unknown"
	cores := 0
	text, err := os.ReadFile("/proc/cpuinfo")
	check(t, err)
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			cores++
		}
	}
	system, err := os.ReadFile("/proc/version")
	check(t, err)
	return []string{
		time.Now().Format("2006-01-02 15:04"),
		fmt.Sprintf("%d × %s", cores, model),
		strings.Join(strings.Fields(string(system))[:3], " "),
		"dbsep " + strings.TrimSpace(testenv.Output(t, nil, "git", "describe", "--tags", "--always", "--dirty")),
	}
}

// bareDriver runs updates without any HTTP in the way.
func (s *site) bareDriver(baseline string) *program {
	return &program{name: theDriver, drive: func(t *testing.T, n int, length time.Duration) (m measurement, err error) {
		p := testenv.Start(t, []string{"FLOOR_DSN=" + s.dsn}, baseline, "-kind", s.Kind, "-updates", strconv.Itoa(n), "-for", length.String())
		<-p.Exited()
		var updates, took float64
		if _, err := fmt.Sscan(p.Log.String(), &updates, &took); err != nil {
			return m, fmt.Errorf("it says %q: %w", p.Log, err)
		}
		state := p.Cmd.ProcessState
		m.rate, m.processes = updates/took, 1
		m.cpu = time.Duration(float64(state.UserTime()+state.SystemTime()) / updates)
		return m, nil
	}}
}
