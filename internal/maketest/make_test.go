package maketest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const project = "../.."

// A desk is a folder of programs that stand in for those of the system. Each
// writes its name and arguments down.
type desk struct{ dir string }

// newDesk makes a desk on which nobody is root.
func newDesk(t *testing.T) desk {
	t.Helper()
	d := desk{t.TempDir()}
	d.put(t, "id", "echo 1000")
	d.put(t, "apt-get", "exit 1")
	return d
}

func (d desk) put(t *testing.T, name, script string) {
	t.Helper()
	text := "#!/bin/sh\necho \"" + name + " $*\" >>" + d.calls() + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (d desk) calls() string { return filepath.Join(d.dir, "calls") }

// called are the programs that were called, id left out.
func (d desk) called(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(d.calls())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" || strings.HasPrefix(l, "id ") })
}

// run runs a program of the project with the desk in front of the system.
func (d desk) run(t *testing.T, ci string, program string, arguments ...string) (out string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, arguments...)
	cmd.Dir = project
	cmd.Env = []string{"PATH=" + d.dir + ":/usr/bin:/bin", "HOME=" + d.dir, "CI=" + ci}
	text, err := cmd.CombinedOutput()
	return string(text), err == nil
}

// compiling are the targets that compile something: all that use $(GO), or another
// one that does.
func compiling(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(project, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	uses := regexp.MustCompile(`\$\((GO|MAKE|LINT|STATIC|NFPM)\)`)
	targets := []string{"dbsep"}
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):(.*) ## .*\n((?:\t.*\n)*)`).FindAllStringSubmatch(string(text), -1) {
		if uses.MatchString(m[2]+m[3]) || strings.Contains(m[2], "dbsep") {
			targets = append(targets, m[1])
		}
	}
	for _, known := range []string{"build", "demo", "test", "test-static", "test-odbc", "e2e", "lint", "deb", "release", "full"} {
		if !slices.Contains(targets, known) {
			t.Errorf("%s is not among %q", known, targets)
		}
	}
	return slices.DeleteFunc(targets, func(name string) bool { return name == "install" }) // of what was built before
}

func TestMakeSaysWhichGoItNeedsBeforeItDoesAnything(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("there is no make")
	}
	for name, c := range map[string]struct{ script, want string }{
		"too old":       {`echo go version go1.19.8 linux/amd64`, `^dbsep needs Go 1\.\d+\.\d+ or later, and \S+/go is Go 1\.19\.8\. Get it from https://go\.dev/dl/.* Nothing was installed\.\n`},
		"refuses":       {`echo "go: go.mod requires go >= 9.9 (running go 1.24.4; GOTOOLCHAIN=local)" >&2; exit 1`, `^dbsep needs Go .* and go is older or cannot be used\. Get it from .*\ngo: go\.mod requires go >= 9\.9 `},
		"not installed": {"", `^dbsep needs Go .* and there is no program '/nosuch/go'\. Get it from`},
	} {
		for _, target := range compiling(t) {
			t.Run(name+"/"+target, func(t *testing.T) {
				t.Parallel()
				d := newDesk(t)
				arguments := []string{"--no-print-directory", "-j2", target}
				if c.script == "" {
					arguments = append(arguments, "GO=/nosuch/go")
				}
				d.put(t, "go", c.script)
				out, ok := d.run(t, "", "make", arguments...)
				if ok || !regexp.MustCompile(c.want).MatchString(out) {
					t.Errorf("done: %v\n%s", ok, out)
				}
				for _, call := range d.called(t) {
					if call != "go version" {
						t.Errorf("called %s", call)
					}
				}
			})
		}
	}
}

func TestGoThatIsNewEnough(t *testing.T) {
	for said, want := range map[string]bool{
		"go version go1.26.0 linux/amd64":                               true,
		"go version go1.26.11 linux/arm64":                              true,
		"go version go1.100.1 linux/amd64":                              true,
		"go version go2.0 linux/amd64":                                  true,
		"go version devel go1.99-abcdef Thu Nov 27 2026 linux/amd64":    true,
		"go version devel +abcdef Thu Nov 27 2026 linux/amd64":          true, // it will say itself what it lacks
		"go version go1.25.99 linux/amd64":                              false,
		"go version go1.3 linux/amd64":                                  false,
		"go version go1.25rc1 linux/amd64":                              false,
		"go version go1.25.9 (Red Hat 1.25.9-1.el9) linux/amd64":        false,
		"go: downloading go1.99.0 (linux/amd64)\ngo version go1.99.0 x": true,
	} {
		d := newDesk(t)
		d.put(t, "go", "cat <<'end'\n"+said+"\nend")
		if out, ok := d.run(t, "", ".ci/need-go", "go"); ok != want {
			t.Errorf("%s: %v, want %v\n%s", said, ok, want, out)
		}
	}
}

func TestNeedNamesAllThatIsMissingAtOnce(t *testing.T) {
	args := func(text string) []string { return strings.Fields(text) }
	for name, c := range map[string]struct {
		ci        string
		arguments []string
		ok        bool
		want      string
	}{
		"nothing":        {"", args("sh dash -- /bin/sh dash -- --optional File::Spec perl"), true, ""},
		"optional":       {"", args("sh dash -- --optional nosuch-a pkg-a -- --optional /nosuch/b pkg-b pkg-c -- --optional No::Such pkg-d"), true, "LEFT OUT: missing are nosuch-a /nosuch/b No::Such, so all tests that need them are skipped; to run them: sudo apt-get install pkg-a pkg-b pkg-c pkg-d\n"},
		"optional in CI": {"true", args("--optional nosuch-a pkg-a"), false, "missing are nosuch-a; install them with: sudo apt-get install pkg-a\n"},
		"both":           {"", args("nosuch-a pkg-a -- --optional nosuch-b pkg-b -- nosuch-c pkg-c"), false, "LEFT OUT: missing are nosuch-b, so all tests that need them are skipped; to run them: sudo apt-get install pkg-b\nmissing are nosuch-a nosuch-c; install them with: sudo apt-get install pkg-a pkg-c\n"},
		"one, as it was": {"", args("nosuch-a pkg-a pkg-b"), false, "missing are nosuch-a; install them with: sudo apt-get install pkg-a pkg-b\n"},
	} {
		d := newDesk(t)
		out, ok := d.run(t, c.ci, ".ci/need", c.arguments...)
		if out != c.want || ok != c.ok {
			t.Errorf("%s: %v, %s", name, ok, out)
		}
		if calls := d.called(t); len(calls) > 0 {
			t.Errorf("%s: called %q", name, calls)
		}
	}
}

// TestNeedWithoutApt runs where there is no apt-get, as root and as another account.
func TestNeedWithoutApt(t *testing.T) {
	for _, account := range []string{"0", "1000"} {
		d := newDesk(t)
		if err := os.Remove(filepath.Join(d.dir, "apt-get")); err != nil {
			t.Fatal(err)
		}
		d.put(t, "id", "echo "+account)
		cmd := exec.CommandContext(t.Context(), "/bin/sh", strings.Fields(".ci/need nosuch-a pkg-a pkg-b -- --optional nosuch-c pkg-c -- id coreutils")...)
		cmd.Dir = project
		cmd.Env = []string{"PATH=" + d.dir, "CI="}
		out, err := cmd.CombinedOutput()
		const want = "LEFT OUT: missing are nosuch-c, so all tests that need them are skipped; to run them: this system's own package manager (Debian has them in the packages pkg-c)\n" +
			"missing are nosuch-a; install them with: this system's own package manager (Debian has them in the packages pkg-a pkg-b)\n"
		if string(out) != want || err == nil {
			t.Errorf("as %s: %v, %s", account, err, out)
		}
	}
}

// code is what has no links in a page, and link finds those to other files.
var code = regexp.MustCompile("(?sm)^```.*?^```|`[^`\n]*`|^    [^\n]*$")
var link = regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)

// TestInstalledDocumentationHasNoDeadLink installs the project into a folder, and follows the
// links of its pages.
func TestInstalledDocumentationHasNoDeadLink(t *testing.T) {
	root, programs := t.TempDir(), newDesk(t)
	programs.put(t, "dbsep", "")
	programs.put(t, "dbsep-cgi", "")
	install := exec.CommandContext(t.Context(), "make", "install", "PROGRAM="+filepath.Join(programs.dir, "dbsep"), "DESTDIR="+root)
	install.Dir = project
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	links := 0
	err := filepath.WalkDir(filepath.Join(root, "usr/local/share/doc"), func(page string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(page) != ".md" {
			return err
		}
		text, err := os.ReadFile(page)
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", filepath.Base(page), err)
			}
		}
		return err
	})
	if err != nil || links < 100 {
		t.Errorf("%d links, %v", links, err)
	}
}

// TestReadmeNamesTheGoOfGoMod keeps the README's version that of go.mod.
func TestReadmeNamesTheGoOfGoMod(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(project, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(project, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^go ([0-9.]+)$`).FindSubmatch(mod)
	if m == nil || !strings.Contains(string(readme), "**Go "+string(m[1])+" or later**") {
		t.Errorf("go.mod has %q, and the README does not name it", m)
	}
}
