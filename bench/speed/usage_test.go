//go:build bench

package speed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// A usage is what a program's processes have used.
type usage struct {
	cpu       time.Duration // of all of them so far, those that have ended included
	peakBytes int64         // the most that one of them has had since forget
	processes int
}

// tick is the unit of times in /proc: USER_HZ is 100 on every machine.
const tick = 10 * time.Millisecond

// usage looks at a program's processes.
func (p *program) usage(t *testing.T) (u usage) {
	t.Helper()
	for _, pid := range p.processes(t) {
		u.processes++
		fields := stat(pid)
		for i := 11; i < 15 && i < len(fields); i++ { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(fields[i], 10, 64)
			u.cpu += time.Duration(n) * tick
		}
		u.peakBytes = max(u.peakBytes, peak(pid))
	}
	return u
}

// forget makes the processes' peak what they have now.
func (p *program) forget(t *testing.T) {
	t.Helper()
	for _, pid := range p.processes(t) {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) // one that has ended has no peak
	}
}

// processes are those of a program: its own and their children.
func (p *program) processes(t *testing.T) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*")
	check(t, err)
	children := map[int][]int{}
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(file))
		if fields := stat(pid); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{p.pid}
	if p.server != 0 {
		all = append(all, p.server)
	}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// stat is what the kernel says of a process, from its state on: what stands
// before may hold spaces. Of one that has ended it says nothing.
func stat(pid int) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// peak is the most memory that a process has had.
func peak(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return kilobytes << 10
}

// watch looks at the processes of a CGI program again and again, because they are
// soon gone, until the returned function is called. That gives the most that
// one of them and how many of them were seen. Of other programs it sees nothing.
func (p *program) watch(t *testing.T) (look func() usage) {
	t.Helper()
	if p.own == "" {
		return func() usage { return usage{} }
	}
	var most usage
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		again := time.NewTicker(200 * time.Millisecond) // to look costs time, too
		defer again.Stop()
		for {
			now := p.usage(t)
			most.peakBytes, most.processes = max(most.peakBytes, now.peakBytes), max(most.processes, now.processes)
			select {
			case <-done:
				return
			case <-again.C:
			}
		}
	}()
	return func() usage {
		close(done)
		<-ended
		return most
	}
}

// settle waits until a CGI program is done with its last request, whose client has
// gone: it would cost the next program time.
func (p *program) settle(t *testing.T) {
	t.Helper()
	if p.own == "" {
		return
	}
	testenv.WaitFor(t, p.name, nil, func(context.Context) error {
		for _, pid := range p.processes(t) {
			if pid == p.server {
				continue
			}
			if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && filepath.Base(program) != "apache2" {
				return fmt.Errorf("%s still runs", program)
			}
		}
		return nil
	})
}

// alone is the processor time that one process of a CGI program takes for one
// request, the mean of those given. Apache's daemon for them leaves no account of its
// children, so they are run without it.
func (p *program) alone(t *testing.T, requests []request) (cpu time.Duration) {
	t.Helper()
	for _, r := range requests {
		path, query, _ := strings.Cut(r.path, "?")
		c := exec.CommandContext(t.Context(), p.own)
		c.Env = append(append(os.Environ(), p.environ...), "GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "REQUEST_METHOD=POST",
			"PATH_INFO="+path, "QUERY_STRING="+query, "CONTENT_TYPE=application/x-www-form-urlencoded", "CONTENT_LENGTH="+strconv.Itoa(len(r.form)))
		c.Stdin = strings.NewReader(r.form)
		check(t, c.Run())
		cpu += (c.ProcessState.UserTime() + c.ProcessState.SystemTime()) / time.Duration(len(requests))
	}
	return cpu
}
