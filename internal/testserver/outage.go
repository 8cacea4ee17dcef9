package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Pause stops the program as it is: it keeps its connections and says nothing. It
// returns when every thread has stopped, as far as the system shows.
func (p *Process) Pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause %s: %w", p.cmd.Path, err)
	}
	return p.Await(func(context.Context) error {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		for _, file := range threads {
			about, err := os.ReadFile(file)
			if _, state, ok := strings.Cut(string(about), ") "); err == nil && ok && state[0] != 'T' {
				return errors.New("a thread still runs")
			}
		}
		return nil
	})
}

// Resume lets a paused program continue.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Again starts a program that was halted.
func (p *Process) Again() error {
	cmd := exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	cmd.SysProcAttr, cmd.Dir, cmd.Env = p.cmd.SysProcAttr, p.cmd.Dir, p.cmd.Env
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() {
		cmd.Wait()
		close(exited)
	}()
	return nil
}
