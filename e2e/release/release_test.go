//go:build e2e

package release

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// TestReleaseIsReproducible makes the RPM and an archive in two copies of the project, with
// different paths and with files that are older or newer.
func TestReleaseIsReproducible(t *testing.T) {
	testenv.Feature(t, "release", "built twice, the same bytes", func(t *testing.T) {
		first := sums(t, filepath.Join(t.TempDir(), "a"))
		second := sums(t, filepath.Join(t.TempDir(), "a folder of another name"))
		if first != second || strings.Count(first, "\n") != 2 {
			t.Errorf("got\n%s\nand\n%s", first, second)
		}
	})
}

// sums copies the project to a folder, makes the files there, and returns their checksums.
func sums(t *testing.T, folder string) string {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin")
	check(t, err)
	check(t, os.MkdirAll(bin, 0o755))
	check(t, os.MkdirAll(filepath.Join(folder, "build"), 0o755))
	check(t, os.Symlink(bin, filepath.Join(folder, "build/bin"))) // where nfpm is, or will be
	run(t, "../..", "bash", "-o", "pipefail", "-ec",
		`git ls-files --cached --others --exclude-standard -z | tar --create --null --files-from=- | tar --extract --touch --directory="$1"`, "bash", folder)
	run(t, folder, "make", "rpm", "DEBVERSION=0.1.0", "DEBFOLDER=build/release")
	run(t, folder, "sh", "-c", "contrib/release/archive 0.1.0 build/release build/static/*/dbsep any")
	files, err := filepath.Glob(filepath.Join(folder, "build/release/*"))
	check(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(t, err)
		fmt.Fprintf(&all, "%x  %s\n", sha256.Sum256(text), filepath.Base(file))
	}
	return all.String()
}

func run(t *testing.T, folder, program string, arguments ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, arguments...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1764547200")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, arguments, err, out)
	}
}
