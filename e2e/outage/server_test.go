//go:build e2e

package outage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// A server is a database server of its own, which can be killed and started
// again on the same folder.
type server struct {
	owner   testing.TB // the test that it ends with
	name    string
	dir     string
	program []string
	ready   func(context.Context) error
	polite  syscall.Signal // ends it, without waiting for clients

	process *testenv.Process
}

// start starts the server and waits until it accepts queries.
func (s *server) start(t *testing.T, options ...string) {
	t.Helper()
	s.launch(options...)
	s.await(t)
}

func (s *server) launch(options ...string) {
	command := append(slices.Clone(s.program), options...)
	s.process = testenv.Start(s.owner, nil, command[0], command[1:]...)
}

func (s *server) await(t *testing.T) {
	t.Helper()
	testenv.WaitFor(t, s.name, s.process, s.ready)
}

// revive starts the server if a test before has left it dead.
func (s *server) revive(t *testing.T) {
	t.Helper()
	select {
	case <-s.process.Exited():
		s.start(t)
	default:
		s.await(t)
	}
}

// end ends the server politely.
func (s *server) end(t *testing.T) {
	t.Helper()
	check(t, s.process.Process.Signal(s.polite))
	select {
	case <-s.process.Exited():
	case <-time.After(patience):
		t.Fatalf("%s does not end", s.name)
	}
}

// kill ends the server and its children as a power failure of their own would.
func (s *server) kill() {
	s.signal(syscall.SIGKILL)
	<-s.process.Exited()
}

// pause stops the server and its children: it takes connections, as long as the
// kernel has room for them, and says nothing.
func (s *server) pause(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { s.signal(syscall.SIGCONT) }) // or its children stay for ever
	s.signal(syscall.SIGSTOP)
}

func (s *server) resume(t *testing.T) {
	t.Helper()
	s.signal(syscall.SIGCONT)
	s.await(t)
}

// signal sends a signal to the server and then to its children, of which one that
// is killed or stopped has no more.
func (s *server) signal(signal syscall.Signal) {
	pid := s.process.Process.Pid
	children := childrenOf(pid)
	_ = s.process.Process.Signal(signal)
	for _, child := range append(children, childrenOf(pid)...) {
		_ = syscall.Kill(child, signal)
	}
}

// childrenOf lists the children of a program.
func childrenOf(pid int) (all []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// ordinary is how a program is started by an account that is not root, since some
// servers and their tools do not work for root. The folder becomes the account's.
func ordinary(t *testing.T, dir string) []string {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	check(t, err)
	out, err := command(t.Context(), "chown", "-R", "nobody", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups", "--pdeathsig=KILL", "--"}
}

// folder makes a folder for a server. A test's own has a path that is often longer
// than a socket's may be (107), and other accounts do not enter it.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outage")
	check(t, err)
	check(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func command(ctx context.Context, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, arguments[0], arguments[1:]...)
}

// runs runs a program to its end.
func runs(t *testing.T, arguments ...string) {
	t.Helper()
	if out, err := command(t.Context(), arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(arguments[0]), err, out)
	}
}
