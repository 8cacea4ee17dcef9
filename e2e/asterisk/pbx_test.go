//go:build e2e

package asterisk

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// A pbx is an Asterisk with folders, addresses and a database of its own.
type pbx struct {
	*testenv.Site
	*testenv.Asterisk
	whole   *testing.T       // the test of all features: what is started again outlives one of them
	url     string           // of its dbsep
	gateway *testenv.Process // dbsep
	sip     string           // address of its SIP side
	iax     string           // address of its IAX2 side
	silence string           // address of a server that accepts connections and never sends a response
	trunk   *phone           // the provider where Asterisk registers
}

// patience is how long a test waits for what Asterisk does.
const patience = 20 * time.Second

// newPBX starts an Asterisk on a site.
func newPBX(t *testing.T, root string, site *testenv.Site, manual []file) *pbx {
	t.Helper()
	p := &pbx{Site: site, Asterisk: testenv.NewAsterisk(t, root), whole: t, sip: freeAddress(t), iax: freeAddress(t)}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { silent.Close() })
	p.silence, p.trunk = silent.Addr().String(), newPhone(t, p, "trunk")
	p.seed(t)
	address := testenv.FreeAddress(t)
	p.url, p.gateway = "http://"+address, site.ServeAt(t, address)

	for _, f := range manual {
		switch {
		case filepath.Ext(f.name) == ".sql":
			p.exec(t, f.text)
		case f.name == "extensions.conf":
			p.storeFile(t, f.name, f.text+read(t, "testdata/extensions.conf"))
		default:
			p.Write(t, f.name, p.relocate(f.text)+p.additions()[f.name])
		}
	}
	p.Start(t)
	return p
}

// cli gives Asterisk one command, which may fail, and returns what it says.
func (p *pbx) cli(t *testing.T, command string, arguments ...string) string {
	t.Helper()
	for _, a := range arguments {
		command += " " + quote(a)
	}
	out, err := p.Command(t.Context(), command)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		t.Fatalf("%s: %v", command, err)
	}
	select {
	case <-p.Process.Exited():
		t.Fatalf("%s: Asterisk has ended: %v", command, p.Process.Err())
	default:
	}
	return out
}

// quote writes one argument of a command.
func quote(argument string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(argument) + `"`
}

// says runs a command whose output must have all the texts at once.
func (p *pbx) says(t *testing.T, want []string, command string, arguments ...string) {
	t.Helper()
	out := p.cli(t, command, arguments...)
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%s %q: no %q in\n%s", command, arguments, w, out)
		}
	}
}

// shows waits until the output of a command has all the texts, in their order.
func (p *pbx) shows(t *testing.T, command string, want ...string) {
	t.Helper()
	p.until(t, command, func(out string) error {
		for _, w := range want {
			_, rest, found := strings.Cut(out, w)
			if !found {
				return fmt.Errorf("no %q", w)
			}
			out = rest
		}
		return nil
	})
}

// hides waits until the output of a command has none of the texts.
func (p *pbx) hides(t *testing.T, command string, unwanted ...string) {
	t.Helper()
	p.until(t, command, func(out string) error {
		for _, u := range unwanted {
			if strings.Contains(out, u) {
				return fmt.Errorf("still %q", u)
			}
		}
		return nil
	})
}

// until runs a command again and again until its output is right.
func (p *pbx) until(t *testing.T, command string, right func(string) error) {
	t.Helper()
	var out string
	eventually(t, func() error {
		out = p.cli(t, command)
		if err := right(out); err != nil {
			return fmt.Errorf("%s: %w in\n%s", command, err, out)
		}
		return nil
	})
}

// value is what a dialplan function returns.
func (p *pbx) value(t *testing.T, function string) string {
	t.Helper()
	out := p.cli(t, "dialplan eval function", function)
	_, result, found := strings.Cut(out, "Result: ")
	if !found {
		t.Fatalf("%s: %s", function, out)
	}
	return strings.TrimSuffix(result, "\n")
}

// comes waits until a dialplan function returns a value.
func (p *pbx) comes(t *testing.T, function, want string) {
	t.Helper()
	eventually(t, func() error { return p.valueIs(t, function, want) })
}

func (p *pbx) valueIs(t *testing.T, function, want string) error {
	t.Helper()
	if got := p.value(t, function); got != want {
		return fmt.Errorf("%s is %q, not %q", function, got, want)
	}
	return nil
}

// runs sends a call of nobody to an extension of the tests' dialplan.
func (p *pbx) runs(t *testing.T, extension string) {
	t.Helper()
	p.cli(t, "channel originate Local/"+extension+" application Wait 60")
}

// heard is how much of Asterisk's log there is; hear continues from it.
func (p *pbx) heard(t *testing.T) int {
	t.Helper()
	return len(read(t, p.Path("astlogdir/full")))
}

// hear waits until Asterisk plays a prompt, and returns where its log continues. It
// is what a caller waits for before pressing a key.
func (p *pbx) hear(t *testing.T, from int, prompt string) int {
	t.Helper()
	return p.logs(t, from, "Playing '"+prompt+".")
}

// logs waits until Asterisk's log has a text, and returns where it continues.
func (p *pbx) logs(t *testing.T, from int, text string) int {
	t.Helper()
	eventually(t, func() error {
		log := read(t, p.Path("astlogdir/full"))[from:]
		at := strings.Index(log, text)
		if at < 0 {
			return fmt.Errorf("no %q in\n%s", text, log)
		}
		from += at + len(text)
		return nil
	})
	return from
}

// eventually tries until there is no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		switch {
		case err == nil:
			return
		case t.Failed():
			t.FailNow()
		case time.Now().After(deadline):
			t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// freeAddress returns an address for UDP on 127.0.0.1 that nobody has now.
func freeAddress(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	defer c.Close()
	return c.LocalAddr().String()
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	check(t, err)
	return string(text)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
