//go:build e2e

package webserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"dbsep/internal/testenv"
)

// A result is a response that another goroutine waits for.
type result struct {
	answer
	error
}

// testGracefulEnd ends a FastCGI process, by TERM as mod_fcgid does, while it
// handles a request. It must be the first test of a site: a process that has
// handled one before looks as if it still did.
func (d *door) testGracefulEnd(t *testing.T, apache *testenv.Process, program string) {
	testenv.Feature(t, d.system, "a process that is ended answers first", func(t *testing.T) {
		release := d.site.holdStores(t)
		answered := make(chan result, 1)
		go func() {
			a, err := d.try(t.Context(), "POST", "/rt_bulk/store", "name=held")
			answered <- result{a, err}
		}()
		testenv.WaitFor(t, "a process with the request in hand", apache, func(context.Context) error {
			return d.site.held(running(t, program))
		})
		held := running(t, program)
		for _, pid := range held {
			check(t, syscall.Kill(pid, syscall.SIGTERM))
		}
		release()
		r := <-answered
		check(t, r.error)
		r.want(t, "1\n")
		testenv.WaitFor(t, "the end of the process", apache, func(context.Context) error {
			if left := running(t, program); len(left) > 0 {
				return fmt.Errorf("%v still run", left)
			}
			return nil
		})
		d.post(t, "/rt_bulk/single", "name=held").want(t, "id=1&name=held\n")
	})
}

// testReload has Apache take its configuration again, and so end and start its
// FastCGI processes, while clients write.
func (d *door) testReload(t *testing.T, apache *testenv.Process) {
	testenv.Feature(t, d.system, "Apache reloads while clients write: no answer is untrue", func(t *testing.T) {
		const clients, each = 8, 25
		var all sync.WaitGroup
		var mu sync.Mutex
		stored := 0
		for c := range clients {
			all.Go(func() {
				for i := range each {
					a, err := d.try(t.Context(), "POST", "/rt_bulk/store", fmt.Sprintf("name=r%d.%d", c, i))
					if c == 0 && i == each/2 {
						if err := apache.Cmd.Process.Signal(syscall.SIGUSR1); err != nil {
							t.Error(err)
						}
					}
					if err != nil {
						t.Errorf("store: %v", err)
						continue
					}
					if a.body == "1\n" {
						mu.Lock()
						stored++
						mu.Unlock()
						continue
					}
					a.wantSafe(t, "store")
				}
			})
		}
		all.Wait()
		t.Logf("%d of %d stored", stored, clients*each)
		if n := d.site.value(t, "SELECT COUNT(*) FROM rt_bulk WHERE name LIKE 'r%.%'"); n != strconv.Itoa(stored) {
			t.Errorf("%s rows are stored, %d were answered so", n, stored)
		}
	})
}

// running are the processes of a program.
func running(t *testing.T, program string) []int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	check(t, err)
	var pids []int
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == program {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			pids = append(pids, pid)
		}
	}
	return pids
}
