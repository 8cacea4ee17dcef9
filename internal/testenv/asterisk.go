package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An Asterisk is an Asterisk in a Debian root, with folders of its own.
type Asterisk struct {
	Root    string   // the Debian root that it runs in
	Dir     string   // its folder, as seen from inside the root
	Process *Process // nil until it is started
}

// asteriskFolders are Asterisk's own, by their names in asterisk.conf.
var asteriskFolders = strings.Fields("astcachedir astetcdir astvarlibdir astdbdir astkeydir astagidir astspooldir astrundir astlogdir")

// NewAsterisk makes the folders of an Asterisk, which end with the test, its
// asterisk.conf and its logger.conf.
func NewAsterisk(t testing.TB, root string) *Asterisk {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Join(root, "srv"), "dbsep-")
	check(t, err)
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(dir, "astlogdir/full")); t.Failed() && err == nil {
			t.Logf("Asterisk's log:\n%s", log)
		}
		os.RemoveAll(dir)
	})
	check(t, os.Chmod(dir, 0o755))
	a := &Asterisk{Root: root, Dir: "/srv/" + filepath.Base(dir)}

	var conf strings.Builder
	conf.WriteString("[directories]\n")
	for _, name := range asteriskFolders {
		check(t, os.MkdirAll(a.Path(name), 0o755))
		fmt.Fprintf(&conf, "%s => %s\n", name, filepath.Join(a.Dir, name))
	}
	modules, _ := filepath.Glob(filepath.Join(root, "usr/lib/*/asterisk/modules"))
	for _, m := range modules {
		fmt.Fprintf(&conf, "astmoddir => %s\n", strings.TrimPrefix(m, root))
	}
	conf.WriteString("astdatadir => /usr/share/asterisk\n[options]\nverbose = 3\n")
	a.Write(t, "asterisk.conf", conf.String())
	a.Write(t, "logger.conf", "[general]\ndateformat = %F %T.%3q\n[logfiles]\nfull => notice,warning,error,verbose(3)\n")
	return a
}

// Path is where a file of Asterisk's is for the tests.
func (a *Asterisk) Path(name ...string) string {
	return filepath.Join(append([]string{a.Root, a.Dir}, name...)...)
}

// Write writes a configuration file.
func (a *Asterisk) Write(t testing.TB, name, text string) {
	t.Helper()
	check(t, os.WriteFile(a.Path("astetcdir", name), []byte(text), 0o644))
}

// Start starts Asterisk and waits until it has loaded everything.
func (a *Asterisk) Start(t testing.TB, environ ...string) {
	t.Helper()
	a.Process = Start(t, append(environ, "TERM=dumb", "ODBCINI="+filepath.Join(a.Dir, "astetcdir", odbcFile)), "chroot", a.Root, "asterisk", "-f", "-n", "-C", a.conf())
	WaitFor(t, "Asterisk", a.Process, func(ctx context.Context) error {
		out, err := a.Command(ctx, "core waitfullybooted")
		if err == nil && !strings.Contains(out, "fully booted") {
			err = fmt.Errorf("it says %q", out)
		}
		return err
	})
}

func (a *Asterisk) conf() string { return filepath.Join(a.Dir, "astetcdir/asterisk.conf") }

// commandTimeout is how long Asterisk may take for a command.
const commandTimeout = 20 * time.Second

// Command sends Asterisk a command and returns its output.
func (a *Asterisk) Command(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "chroot", a.Root, "asterisk", "-C", a.conf(), "-rx", command).CombinedOutput()
	return string(out), err
}
