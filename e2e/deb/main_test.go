//go:build e2e

package deb

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// build makes the package of a version and puts it into a machine. Its path there
// is returned.
func build(t *testing.T, m *machine, version string) string {
	t.Helper()
	make := exec.CommandContext(t.Context(), "make", "-C", "../..", "deb", "DEBVERSION="+version, "DEBFOLDER="+filepath.Join(m.root, "root"))
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make deb: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(m.root, "root", "dbsep_"+version+"_*.deb"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("make deb made %v", files)
	}
	return "/root/" + filepath.Base(files[0])
}

// write writes a file of a machine, readable for everybody.
func (m *machine) write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(m.root+path), 0o755))
	check(t, os.WriteFile(m.root+path, []byte(text), 0o644))
}
