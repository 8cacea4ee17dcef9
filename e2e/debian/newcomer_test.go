//go:build e2e

package debian

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// suites are the releases that are tried: the current one, and with DBSEP_E2E=full
// the one before, too.
func suites() []string {
	if testenv.Full() {
		return []string{"trixie", "bookworm"}
	}
	return []string{"trixie"}
}

func TestNewcomer(t *testing.T) {
	for _, suite := range suites() {
		t.Run(suite, func(t *testing.T) {
			f := fresh(t, suite)
			testenv.Feature(t, "debian/"+suite, "make demo compiles visibly and answers", func(t *testing.T) { demoAnswers(t, f) })
			testenv.Feature(t, "debian/"+suite, "make test installs what it needs and passes", func(t *testing.T) { testPasses(t, f) })
			testenv.Feature(t, "debian/"+suite, "no cluster and no service stays", func(t *testing.T) { nothingStays(t, f) })
		})
	}
}

// demoAnswers sends requests to make demo, which runs in the Debian, from outside.
func demoAnswers(t *testing.T, f *machine) {
	address := testenv.FreeAddress(t)
	out := f.run(t, fmt.Sprintf(`
		make demo LISTEN=%[1]s >/tmp/demo.log 2>&1 &
		until curl -s -d id=alice http://%[1]s/ps_endpoints/single >/tmp/answer; do
			kill -0 $! || { cat /tmp/demo.log; exit 1; }
			sleep 0.1
		done
		kill $!
		wait $! || true
		cat /tmp/demo.log
		echo "answer: $(cat /tmp/answer)"`, address))
	inOrder(t, out, `(?m)^Installing what is missing: gcc libc6-dev$`, `(?m)^Compiling dbsep`,
		`(?m)^    ps_contacts => curl,http://`+regexp.QuoteMeta(address)+`/ps_contacts$`, `(?m)^answer: id=alice&aors=alice&`)
}

// quick are packages whose tests take seconds: that of the statements, and explained
// requests, on this Debian's databases.
const quick = "./sqlgen ./internal/explain"

func testPasses(t *testing.T, f *machine) {
	command, packages := "make test", `\./\.\.\.`
	if !testenv.Full() {
		command, packages = "make test TESTED='"+quick+"'", regexp.QuoteMeta(quick)
	}
	out := f.run(t, command)
	if !strings.HasPrefix(out, "Installing what is missing: ") {
		t.Errorf("what is installed is not said first:\n%.2000s", out)
	}
	inOrder(t, out, `^Installing what is missing: .*\bmariadb-server-core\b.*\bpostgresql\b.*\n`, `(?m)^go test -race .*`+packages+`$`, `(?m)^ok  \tdbsep/internal/explain\t`)
	if strings.Contains(out, "(cached)") {
		t.Errorf("results of an earlier run:\n%s", out)
	}
}

func nothingStays(t *testing.T, f *machine) {
	for pattern, want := range map[string]int{
		"etc/postgresql/*/*":           0, // the configuration of a cluster
		"var/lib/postgresql/*/*":       0, // its tables
		"var/lib/mysql/*":              0,
		"usr/sbin/policy-rc.d":         0,
		"etc/postgresql-common/*dbsep": 0,
		"usr/lib/postgresql/*/bin":     1,
	} {
		found, err := filepath.Glob(filepath.Join(f.root, pattern))
		check(t, err)
		if len(found) != want {
			t.Errorf("%s: %q", pattern, found)
		}
	}
	text, err := os.ReadFile(filepath.Join(f.root, "etc/postgresql-common/createcluster.conf"))
	check(t, err)
	if regexp.MustCompile(`(?m)^create_main_cluster *= *false`).Match(text) || len(text) < 200 {
		t.Errorf("the configuration of new clusters is not the package's:\n%s", text)
	}
	if left := f.left; left != "" {
		t.Errorf("still running after make test:\n%s", left)
	}
}

// inOrder checks that a text has matches of expressions, one after the other.
func inOrder(t *testing.T, text string, expressions ...string) {
	t.Helper()
	rest := text
	for _, e := range expressions {
		at := regexp.MustCompile(e).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("no %s in what is left:\n%s\nof\n%s", e, rest, text)
		}
		rest = rest[at[1]:]
	}
}

// A machine is a fresh Debian with the project in /src, and Go, its modules and
// what it has compiled before from outside, so that it is not slow.
type machine struct {
	root string
	left string // programs that still ran when the last command had ended
}

func fresh(t *testing.T, suite string) *machine {
	t.Helper()
	f := &machine{root: filepath.Join(t.TempDir(), "root")}
	testenv.CopyRoot(t, f.root, suite, "make", "git", "ca-certificates", "curl")

	source := filepath.Join(f.root, "src")
	check(t, os.Mkdir(source, 0o755))
	command(t, "bash", "-o", "pipefail", "-ec",
		`cd ../.. && git ls-files --cached --others --exclude-standard -z | tar --create --null --files-from=- | tar --extract --directory="$1"`, "bash", source)
	return f
}

// run runs a shell script in /src. It fails the test where the script fails, and
// returns what the script wrote.
func (f *machine) run(t *testing.T, script string) string {
	t.Helper()
	const leftBehind = "still running:"
	script = "set -e\n" + script + "\n" + `for p in /proc/[0-9]*; do
		case $(cat $p/comm) in systemd|'(sd-'*|sh|cat) ;; *) echo "` + leftBehind + ` $(cat $p/comm)" ;; esac
	done`
	p := testenv.Start(t, nil, testenv.Installed(t, "systemd-nspawn", "systemd-container"), "--quiet", "--directory="+f.root,
		"--as-pid2", "--register=no", "--keep-unit", "--link-journal=no", "--timezone=off", "--settings=no", "--console=pipe",
		"--bind-ro="+goEnv(t, "GOROOT")+":/usr/local/go", "--bind="+goEnv(t, "GOMODCACHE")+":/root/go/pkg/mod", "--bind="+goEnv(t, "GOCACHE")+":/root/.cache/go-build",
		"--setenv=PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"--setenv=GOPROXY="+goEnv(t, "GOPROXY"), "--setenv=GOSUMDB="+goEnv(t, "GOSUMDB"),
		"--setenv=GOFLAGS=-count=1", // no results of an earlier run
		"--setenv=CI=true",          // nothing is left out
		"--chdir=/src", "sh", "-c", script)
	<-p.Exited()
	if err := p.Err(); err != nil {
		t.Fatalf("%v\n%s", err, p.Log)
	}
	var out strings.Builder
	f.left = ""
	for line := range strings.Lines(p.Log.String()) {
		if name, ok := strings.CutPrefix(line, leftBehind); ok {
			f.left += name
		} else {
			out.WriteString(line)
		}
	}
	return out.String()
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(command(t, "go", "env", name))
}

func command(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, arguments...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, arguments, err, &stderr)
	}
	return stdout.String()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
