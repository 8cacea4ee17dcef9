//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ask runs a command about a running server, which MAINPID names as it does under systemd.
func (r *running) ask(arguments ...string) (out string, status int) {
	r.t.Helper()
	cmd := exec.Command("dbsep", arguments...)
	cmd.Env = append(os.Environ(), "MAINPID="+strconv.Itoa(r.cmd.Process.Pid), "GORACE=atexit_sleep_ms=0")
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestReloadReportsItsOutcome(t *testing.T) {
	r := runSample(t, "")
	file := filepath.Join(r.dir, "dbsep.conf")
	failed := fmt.Sprintf("dbsep: process %d: reload refused, the old configuration goes on\n", r.cmd.Process.Pid)
	for _, test := range []struct {
		name, text string
		want       string
		status     int
	}{
		{"a change", "[log]\naccess=yes\n", "reloaded " + file + "\n", 0},
		{"a mistake", "[log]\nacces=yes\n", failed + file + ":3: acces: [log] has no such setting; did you mean access?\n", 1},
		{"two mistakes", "[log]\nacces=yes\nslow=x\n", failed + file + ":3: acces: ", 1},
		{"an address in use", "[server]\nlisten=unix:" + r.dir + "/nosuch/socket\n", failed + "listen on unix:" + r.dir + "/nosuch/socket: ", 1},
		{"a change that needs a restart", "[limits]\nidle_timeout=9s\n", "reloaded " + file + "\nsome settings change only with a restart: idle_timeout\n", 0},
		{"nothing", "", "reloaded " + file + "\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			configure(t, r.dir, test.text)
			if out, status := r.ask("reload"); !strings.HasPrefix(out, test.want) || status != test.status {
				t.Errorf("got %d and\n%s\nwant %d and\n%s", status, out, test.status, test.want)
			}
		})
	}
	r.stop()
	if out, status := r.ask("reload"); status != 1 || !strings.HasSuffix(out, ": it is no dbsep serve\n") {
		t.Errorf("without a server: %d, %s", status, out)
	}
}

func TestHealthIsThatOfTheDatabase(t *testing.T) {
	r := runSample(t, "[server]\nallow=192.0.2.1\n")
	await := func(want string, wantStatus int) {
		t.Helper()
		for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			out, status := r.ask("health")
			if strings.HasSuffix(out, want) && status == wantStatus {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("got %d, %s, want %d, %s", status, out, wantStatus, want)
			}
		}
	}
	await("ok\n", 0)
	database := filepath.Join(r.dir, "demo.db")
	if err := os.Rename(database, database+".away"); err != nil {
		t.Fatal(err)
	}
	await(fmt.Sprintf("dbsep: process %d: the database does not answer\n", r.cmd.Process.Pid), 1)
}

func TestServerIsChosenByItsProcess(t *testing.T) {
	one, other := runSample(t, ""), runSample(t, "")
	cmd := exec.Command("dbsep", "reload")
	out, err := cmd.CombinedOutput()
	for _, r := range []*running{one, other} {
		pid := strconv.Itoa(r.cmd.Process.Pid)
		if err == nil || !strings.Contains(string(out), "name one with --pid") || !strings.Contains(string(out), pid) {
			t.Errorf("got %v and %s, want %s in it", err, out, pid)
		}
		if out, status := one.ask("reload", "--pid", pid); status != 0 || out != "reloaded "+filepath.Join(r.dir, "dbsep.conf")+"\n" {
			t.Errorf("got %d and %s", status, out)
		}
	}
}
