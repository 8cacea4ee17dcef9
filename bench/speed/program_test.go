package speed

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// A program serves the database of a site.
type program struct {
	name string
	base string // URL of its tables
	pid  int    // of the ancestor of all its processes, but for server

	server int // pid of a server that it passes requests to; 0: none

	// own is the program that handles one request and ends, empty for one that stays.
	// Its processes are gone before they can be looked at.
	own     string
	environ []string // that it needs

	only string // load that it is measured with; empty: all

	// drive, if it is not nil, is how the program is measured instead of by HTTP
	// requests.
	drive func(t *testing.T, connections int, length time.Duration) (measurement, error)
}

// A measurement is what came of one run.
type measurement struct {
	rate      float64 // responses a second, or what a load counts
	p50, p99  time.Duration
	first     time.Duration // to the first byte, the longest of them; for long responses only
	cpu       time.Duration // of one response
	peakBytes int64         // of the process that had most
	processes int

	gateway, database time.Duration // processor time of one registration, where cpu is Asterisk's
	requests          float64       // of one registration
}

const (
	theBaseline = "the baseline"
	theServe    = "dbsep serve"
	theCeiling  = "the ceiling"
)

// buildBeside builds a program that dbsep is measured beside.
func buildBeside(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", path, "dbsep/bench/"+name).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// startBaseline starts the least program that can serve the requests.
func (s *site) startBaseline(t *testing.T, path string) *program {
	t.Helper()
	address := testenv.FreeAddress(t)
	p := testenv.Start(t, []string{"FLOOR_DSN=" + s.dsn}, path, "-kind", s.Kind, "-listen", address)
	testenv.WaitFor(t, "the baseline", p, testenv.Listening(address))
	return &program{name: theBaseline, base: "http://" + address, pid: p.Cmd.Process.Pid}
}

// startCeiling starts a program that has the rows of a gateway in memory.
func startCeiling(t *testing.T, gateway *program) *program {
	t.Helper()
	address := testenv.FreeAddress(t)
	p := testenv.Start(t, nil, buildBeside(t, "ceiling"), "-listen", address, "-from", gateway.base)
	testenv.WaitFor(t, theCeiling, p, testenv.Listening(address))
	return &program{name: theCeiling, base: "http://" + address, pid: p.Cmd.Process.Pid}
}

// contacts runs an operation on all contacts that the ceiling has.
func (p *program) contacts(t *testing.T, operation string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/ps_contacts/"+operation, strings.NewReader("id%20LIKE=%25"))
	check(t, err)
	response, err := http.DefaultClient.Do(r)
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	return string(text)
}

// startServe starts dbsep as a server.
func (s *site) startServe(t *testing.T) *program {
	t.Helper()
	address := testenv.FreeAddress(t)
	p := s.ServeAt(t, address)
	return &program{name: theServe, base: "http://" + address, pid: p.Cmd.Process.Pid}
}

// startServeWith starts it with more lines in its configuration, under a name that
// says so.
func (s *site) startServeWith(t *testing.T, what string, lines ...string) *program {
	t.Helper()
	other := *s.Site
	other.Conf = filepath.Join(t.TempDir(), "dbsep.conf")
	plain, err := os.ReadFile(s.Conf)
	check(t, err)
	check(t, os.WriteFile(other.Conf, plain, 0o600))
	other.Configure(t, lines...)
	address := testenv.FreeAddress(t)
	p := other.ServeAt(t, address)
	return &program{name: theServe + ", " + what, base: "http://" + address, pid: p.Cmd.Process.Pid}
}

// startServeCaching starts it with cached responses for the tables that a
// registration reads and does not write.
func (s *site) startServeCaching(t *testing.T) *program {
	t.Helper()
	p := s.startServeWith(t, "[cache]", "[cache]", "ps_endpoints=2s", "ps_auths=2s", "ps_aors=2s", "ps_domain_aliases=2s", "ps_endpoint_id_ips=2s")
	p.only = "register"
	return p
}
