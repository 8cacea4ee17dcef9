//go:build e2e

package deb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// packages are what the package's users have, and what looks the package over.
var packages = []string{"systemd-sysv", "dbus", "adduser", "ucf", "bash-completion", "man-db", "mandoc", "lintian", "curl", "sqlite3", "mariadb-server", "postgresql", "libodbc2", "libsqliteodbc", "rpm", "rpmlint"}

// A machine is a Debian that systemd runs once it is booted, with a network of its own
// in which there is nothing but 127.0.0.1.
type machine struct {
	root   string
	leader string // systemd's process, as this machine counts
}

// suite is the Debian that this machine is, whose C library the package is built
// with; where it is none, one that is old enough for most.
func suite(t *testing.T) string {
	t.Helper()
	release, err := os.ReadFile("/etc/os-release")
	check(t, err)
	m := regexp.MustCompile(`(?m)^VERSION_CODENAME=([a-z]+)$`).FindSubmatch(release)
	if m == nil || !regexp.MustCompile(`(?m)^ID=debian$`).Match(release) {
		return "bookworm"
	}
	return string(m[1])
}

// unpack makes a machine of a suite and its packages.
func unpack(t *testing.T, suite string, packages ...string) *machine {
	t.Helper()
	m := &machine{root: filepath.Join(t.TempDir(), "root")}
	testenv.CopyRoot(t, m.root, suite, packages...)
	return m
}

// enter starts a program in the root, which is the only one there, or systemd.
func (m *machine) enter(t *testing.T, arguments ...string) *testenv.Process {
	t.Helper()
	return testenv.Start(t, nil, testenv.Installed(t, "systemd-nspawn", "systemd-container"), append([]string{"--quiet", "--directory=" + m.root,
		"--register=no", "--keep-unit", "--link-journal=no", "--timezone=off", "--settings=no", "--console=pipe"}, arguments...)...)
}

// prepare runs a shell script in the root before it is booted, with the network of this
// machine, and returns what the script wrote.
func (m *machine) prepare(t *testing.T, script string) string {
	t.Helper()
	p := m.enter(t, "--as-pid2", "--setenv=DEBIAN_FRONTEND=noninteractive", "sh", "-ec", script)
	<-p.Exited()
	if err := p.Err(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, p.Log)
	}
	return p.Log.String()
}

// boot starts a machine. It ends with its test.
func (m *machine) boot(t *testing.T) {
	t.Helper()
	p := m.enter(t, "--boot", "--private-network", "--resolv-conf=off")
	testenv.WaitFor(t, "systemd in the machine", p, func(context.Context) error {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.Cmd.Process.Pid))
		if err != nil {
			return err
		}
		m.leader = strings.TrimSpace(string(children))
		if state, err := m.try("systemctl is-system-running --wait"); err != nil && state != "degraded\n" {
			return fmt.Errorf("%w: %s", err, state)
		}
		return nil
	})
	t.Cleanup(func() { m.wantNoBug(t) })
}

// wantNoBug fails the test if a line of the journal is one that only a bug in dbsep causes.
func (m *machine) wantNoBug(t *testing.T) {
	t.Helper()
	var log testenv.Log
	journal, err := m.try("journalctl --no-pager --identifier=dbsep")
	_, _ = log.Write([]byte(journal))
	if bugs := log.Bugs(); err != nil || len(bugs) > 0 {
		t.Errorf("the journal, %v, has what only a bug in dbsep causes: %q", err, bugs)
	}
}

// try runs a shell script in the machine, as root.
func (m *machine) try(script string) (string, error) {
	cmd := exec.Command("nsenter", "--target", m.leader, "--all", "/bin/sh", "-ec", script)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "PAGER=cat"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a script that must end well.
func (m *machine) run(t *testing.T, script string) string {
	t.Helper()
	out, err := m.try(script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// expect runs a script that must end well and write something.
func (m *machine) expect(t *testing.T, script string, parts ...string) {
	t.Helper()
	out := m.run(t, script)
	for _, part := range parts {
		if !strings.Contains(out, part) {
			t.Errorf("%s: got\n%s\nwant %q in it", script, out, part)
		}
	}
}

// is runs a script that must end well and write nothing else.
func (m *machine) is(t *testing.T, script, want string) {
	t.Helper()
	if got := m.run(t, script); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", script, got, want)
	}
}

// become waits until a script ends well and writes something.
func (m *machine) become(t *testing.T, script, part string) {
	t.Helper()
	testenv.WaitFor(t, script, nil, func(context.Context) error {
		out, err := m.try(script)
		if err == nil && !strings.Contains(out, part) {
			err = fmt.Errorf("want %q", part)
		}
		if err != nil {
			state, _ := m.try("systemctl status --no-pager --lines 20 dbsep.service dbsep.socket")
			err = fmt.Errorf("%w; got\n%s\n%s", err, out, state)
		}
		return err
	})
}
