//go:build bench

package speed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runs counts the runs of all programs.
var runs int

// write writes a load's requests to a file for wrk.
func (l *load) write(t *testing.T, file string, run int) {
	t.Helper()
	var b strings.Builder
	for _, r := range l.requests {
		b.WriteString(r.path + " " + strings.Replace(r.form, runMark, strconv.Itoa(run), 1) + "\n")
	}
	check(t, os.WriteFile(file, []byte(b.String()), 0o644))
}

// errNoAnswer is for a run that was too short for even one response.
var errNoAnswer = errors.New("no answer within the time of a run")

// run has wrk send the requests of a load. A wrong response, or none, makes the run
// worthless.
func (p *program) run(t *testing.T, s *site, l *load, file string, connections int, length time.Duration) (measurement, error) {
	t.Helper()
	arguments := []string{"-t", "1", "-c", strconv.Itoa(connections), "-d", length.String(), "--timeout", "60s", "-s", "requests.lua", p.base, "--", file}
	switch {
	case l.perSecond > 0:
		arguments = append(arguments, "", strconv.FormatInt(l.pause().Milliseconds(), 10))
	case l.writes:
		arguments = append(arguments, "1")
	}
	runs++
	l.write(t, file, runs)
	if l.prepare != nil {
		l.prepare(t, s, runs)
	}
	p.forget(t)
	before := p.usage(t)
	look := p.watch(t)
	out, err := exec.CommandContext(t.Context(), "wrk", arguments...).CombinedOutput()
	watched := look()
	after := p.usage(t)
	p.settle(t)
	if err != nil {
		return measurement{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	var answers, microseconds, broken, wrong, p50, p99 int64
	_, report, _ := strings.Cut(string(out), "answers=")
	if _, err := fmt.Sscanf("answers="+report, "answers=%d microseconds=%d broken=%d wrong=%d p50=%d p99=%d", &answers, &microseconds, &broken, &wrong, &p50, &p99); err != nil {
		return measurement{}, fmt.Errorf("wrk says %q: %w", out, err)
	}
	if answers == 0 && broken+wrong == 0 {
		return measurement{}, errNoAnswer
	}
	if answers == 0 || broken > 0 || wrong > 0 {
		return measurement{}, fmt.Errorf("of %d answers %d are wrong and %d broken off", answers, wrong, broken)
	}
	counted := float64(answers) / float64(max(1, l.each))
	m := measurement{
		rate: counted / (float64(microseconds) / 1e6), p50: time.Duration(p50) * time.Microsecond, p99: time.Duration(p99) * time.Microsecond,
		cpu: time.Duration(float64(after.cpu-before.cpu) / counted), peakBytes: after.peakBytes, processes: after.processes,
	}
	if p.own != "" {
		m.cpu += p.alone(t, l.requests[:10]) * time.Duration(max(1, l.each))
		m.peakBytes, m.processes = watched.peakBytes, watched.processes
	}
	return m, nil
}

// runLong requests a long response on several connections at once, once on each.
func (p *program) runLong(t *testing.T, l *load, connections int, read func(io.Reader) error) (measurement, error) {
	t.Helper()
	p.forget(t)
	before := p.usage(t)
	look := p.watch(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	var took, firsts []time.Duration
	var failed error
	begun := time.Now()
	for range connections {
		all.Go(func() {
			first, whole, err := p.askLong(t.Context(), l.questions[0].request, read)
			mu.Lock()
			defer mu.Unlock()
			took, firsts = append(took, whole), append(firsts, first)
			if err != nil {
				failed = err
			}
		})
	}
	all.Wait()
	elapsed := time.Since(begun)
	watched := look()
	after := p.usage(t)
	slices.Sort(took)
	m := measurement{
		rate: float64(connections) / elapsed.Seconds(), p50: took[len(took)/2], p99: took[len(took)-1], first: slices.Max(firsts),
		cpu: (after.cpu - before.cpu) / time.Duration(connections), peakBytes: after.peakBytes, processes: after.processes,
	}
	if p.own != "" {
		m.cpu += p.alone(t, []request{l.questions[0].request})
		m.peakBytes, m.processes = watched.peakBytes, watched.processes
	}
	return m, failed
}

// askLong requests a long response and returns when its first byte and its last
// came.
func (p *program) askLong(ctx context.Context, q request, read func(io.Reader) error) (first, whole time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+q.path, strings.NewReader(q.form))
	if err != nil {
		return 0, 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	begun := time.Now()
	response, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true, ReadBufferSize: 256 << 10}).RoundTrip(r)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("it answers %s, %s", response.Status, response.Header.Get("X-Dbsep-Error"))
	}
	if _, err = response.Body.Read(make([]byte, 1)); err != nil {
		return 0, 0, err
	}
	first = time.Since(begun)
	err = read(response.Body)
	return first, time.Since(begun), err
}

// readOn reads to the end as fast as it can.
func readOn(r io.Reader) error {
	_, err := io.CopyBuffer(writerOnly{io.Discard}, r, make([]byte, 256<<10))
	return err
}

// writerOnly hides that a writer could read for itself, in small pieces.
type writerOnly struct{ io.Writer }

// readSlowly reads a few MB a second, and so makes the program wait.
func readSlowly(r io.Reader) error {
	const pieceBytes, pause = 256 << 10, 50 * time.Millisecond
	pieces := time.NewTicker(pause)
	defer pieces.Stop()
	for range 100 {
		if _, err := io.CopyN(io.Discard, r, pieceBytes); err != nil {
			return err
		}
		<-pieces.C
	}
	return readOn(r)
}
