package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Root unpacks a Debian suite with packages into a folder, to be run with
// chroot, and returns the folder. Programs in it share the machine's network but
// not its files. It needs root and mmdebstrap.
//
// The tests of a package, and those that they run in others, share the roots of a
// suite with the same packages: a test that changes one makes a copy. A root that an
// earlier run left in the folder DBSEP_E2E_ROOTS is used again.
func Root(t testing.TB, suite string, packages ...string) string {
	t.Helper()
	dir, err := root(t, suite, packages)
	check(t, err)
	return dir
}

// AsteriskRoot is the Root of the release that has Asterisk 22, with what its tests need.
func AsteriskRoot(t testing.TB) string {
	t.Helper()
	return Root(t, "forky", "asterisk", "asterisk-dev", "baresip-core", "odbc-mariadb", "unixodbc")
}

// CopyRoot copies a Root to a folder, for a test that changes it. Packages that are
// installed there bring their manual, too, which the roots leave out.
func CopyRoot(t testing.TB, folder, suite string, packages ...string) {
	t.Helper()
	run(t, "/", "cp", "-a", "--reflink=auto", Root(t, suite, packages...), folder)
	check(t, os.WriteFile(filepath.Join(folder, "etc/dpkg/dpkg.cfg.d/99mmdebstrap"), []byte("force-unsafe-io\n"), 0o644))
}

// UnstableRoot is Root for Debian's unstable suite, which changes from day to day. On a
// day when it does not have the packages, the test is left out, but fails with
// DBSEP_E2E=full.
func UnstableRoot(t testing.TB, packages ...string) string {
	t.Helper()
	dir, err := root(t, "sid", packages)
	if err == nil {
		return dir
	}
	if Full() {
		t.Fatal(err)
	}
	leaveOut(t, fmt.Sprintf("Debian's unstable suite cannot be unpacked today with %s; make full fails for it: %v", strings.Join(packages, ", "), err))
	return ""
}

// Full reports whether everything is wanted, as by make full.
func Full() bool { return os.Getenv("DBSEP_E2E") == "full" }

// rootsVariable names the folder of the roots.
const rootsVariable = "DBSEP_E2E_ROOTS"

// shareRoots makes a folder for the roots, unless the variable names one that is to
// be kept, and returns what removes it.
func shareRoots() (remove func(), err error) {
	if os.Getenv(rootsVariable) != "" {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "dbsep-roots-")
	if err != nil {
		return nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	if err := errors.Join(os.Chmod(dir, 0o755), os.Setenv(rootsVariable, dir)); err != nil { // programs of other accounts enter it
		remove()
		return nil, err
	}
	return remove, nil
}

func root(t testing.TB, suite string, packages []string) (dir string, err error) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "only root can unpack and enter a Debian root")
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		skip(t, "mmdebstrap is missing; install it with: sudo apt-get install mmdebstrap")
	}
	roots := os.Getenv(rootsVariable)
	dir = filepath.Join(roots, suite+"_"+strings.Join(packages, "_"))
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir, nil
	}
	check(t, os.MkdirAll(roots, 0o755))
	check(t, os.RemoveAll(dir))
	out, err := exec.CommandContext(t.Context(), "mmdebstrap", "--variant=apt", "--mode=root",
		"--aptopt="+validity(), "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
		"--include="+strings.Join(packages, ","), suite, dir).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("unpack %s: %w\n%s", suite, err, out)
	}
	check(t, os.WriteFile(filepath.Join(dir, "complete"), nil, 0o644))
	return dir, nil
}

// validity is what this machine's apt thinks of package lists that are past
// their date: a mirror may keep the state of a day, and mmdebstrap reads none of
// the machine's settings by itself.
func validity() string {
	out, err := exec.Command("apt-config", "dump", "Acquire::Check-Valid-Until").Output()
	if err != nil || len(out) == 0 {
		return "Acquire::Check-Valid-Until \"true\";"
	}
	return strings.TrimSpace(string(out))
}

// skip leaves a test out where something is missing on a developer's machine.
// CI leaves nothing out.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	leaveOut(t, why)
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	pages.Lock()
	pages.leftOut = true
	pages.Unlock()
	t.Skip("LEFT OUT: " + why)
}
