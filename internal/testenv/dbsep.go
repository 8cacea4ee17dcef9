package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/testserver"
)

// programs is where the program is built; Main removes it.
var programs string

// Main runs a package's end-to-end tests, ends what they share (the program's
// build, Debian roots, the database servers), and exits. A package's TestMain calls it.
func Main(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "dbsep-build-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	removeRoots, err := shareRoots()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := untried(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	mariadbtest.Stop()
	pgtest.Stop()
	os.RemoveAll(programs)
	removeRoots()
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	if err := os.Chmod(programs, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(programs, "dbsep")
	out, err := exec.Command("go", "build", "-trimpath", "-o", path, "dbsep/cmd/dbsep").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build dbsep: %w\n%s", err, out)
	}
	return path, nil
})

// Program builds dbsep, once, and returns its path.
func Program(t testing.TB) string {
	t.Helper()
	path, err := build()
	check(t, err)
	return path
}

// Serve starts `dbsep serve` for a site on a free port and returns its base URL.
func (s *Site) Serve(t testing.TB, arguments ...string) string {
	t.Helper()
	address := FreeAddress(t)
	s.ServeAt(t, address, arguments...)
	return "http://" + address
}

// ServeAt starts `dbsep serve` at an address. The returned process can be ended
// before its test ends.
func (s *Site) ServeAt(t testing.TB, address string, arguments ...string) *Process {
	t.Helper()
	p := Start(t, nil, Program(t), append([]string{"serve", "--config", s.Conf, "--listen", address}, arguments...)...)
	WaitFor(t, "dbsep serve at "+address, p, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
		}
		return err
	})
	return p
}

// ServeAsConfigured starts `dbsep serve` as the site's dbsep.conf has it.
func (s *Site) ServeAsConfigured(t testing.TB) *Process {
	t.Helper()
	p := Start(t, nil, Program(t), "serve", "--config", s.Conf)
	WaitFor(t, "dbsep serve", p, func(context.Context) error {
		if !strings.Contains(p.Log.String(), "msg=listening") {
			return errors.New("it does not say that it listens")
		}
		return nil
	})
	return p
}

// FreeAddress returns an address on 127.0.0.1 that nobody listens on now.
func FreeAddress(t testing.TB) string {
	t.Helper()
	port, err := testserver.FreePort()
	check(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// A Process is a program in the background.
type Process struct {
	*exec.Cmd
	Log    *Log          // what it writes to both of its outputs
	exited chan struct{} // closed when it has ended
	err    error
}

// Output runs a program to its end, which must be a good one, and returns what it writes.
func Output(t testing.TB, environ []string, program string, arguments ...string) string {
	t.Helper()
	p := Start(t, environ, program, arguments...)
	<-p.Exited()
	if err := p.Err(); err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return p.Log.String()
}

// Start starts a program with additional environment variables. It is ended,
// with all that it started, at the end of the test at the latest. The test fails if it
// wrote a line that only a bug in dbsep causes: see [Log].Bugs.
func Start(t testing.TB, environ []string, program string, arguments ...string) *Process {
	t.Helper()
	return StartOn(t, nil, environ, program, arguments...)
}

// StartOn starts a program with a file, which may be a socket, as its standard
// input.
func StartOn(t testing.TB, stdin *os.File, environ []string, program string, arguments ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(program, arguments...), Log: new(Log), exited: make(chan struct{})}
	p.Env = append(os.Environ(), environ...)
	p.Stdout, p.Stderr = p.Log, p.Log
	if stdin != nil {
		p.Stdin = stdin
	}
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	check(t, p.Cmd.Start())
	go func() {
		p.err = p.Cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.End()
		if bugs := p.Log.Bugs(); len(bugs) > 0 {
			t.Errorf("%s wrote what only a bug in dbsep causes:\n%s", filepath.Base(program), strings.Join(bugs, "\n"))
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(program), p.Log)
		}
	})
	return p
}

// End sends a program the signal to end, waits for it, and makes sure of its
// children.
func (p *Process) End() {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
	}
	p.Kill()
}

// Kill ends a program and all that it started at once.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.Cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// Exited is closed when the program has ended; Err then says how.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err is how a program that has ended ended.
func (p *Process) Err() error { return p.err }

// WaitFor tries until there is no error. It fails the test when the process
// ends before that, or after a minute.
func WaitFor(t testing.TB, what string, p *Process, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var ended <-chan struct{}
	if p != nil {
		ended = p.exited
	}
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s: the program ended: %v\n%s", what, p.err, p.Log)
		case <-ctx.Done():
			if p != nil {
				t.Fatalf("%s: %v\n%s", what, err, p.Log)
			}
			t.Fatalf("%s: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// WaitForLog waits until the program's output contains a text. A response may be
// there before the line about it.
func (p *Process) WaitForLog(t testing.TB, text string) {
	t.Helper()
	WaitFor(t, "the log", p, func(context.Context) error {
		if !strings.Contains(p.Log.String(), text) {
			return fmt.Errorf("it does not say %q", text)
		}
		return nil
	})
}
