//go:build e2e

package kamailio

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

const scripts = "../../internal/replay/testdata/asterisk-"

// A proxy is a Kamailio with two gateways: the first behind an Apache that wants a
// password, the second without a web server.
type proxy struct {
	*phone
	system        string
	first, second *testenv.Site
	outage        *testenv.Outage // of the first one's database
	apache        *testenv.Relay  // in front of Apache
	direct        *testenv.Relay  // in front of the second gateway
	firstFault    *faultProxy     // between that relay and Apache
	secondFault   *faultProxy     // between that relay and the second gateway
	firstProcess  *testenv.Process
	backend       string // the first gateway's address
}

func TestKamailio(t *testing.T) {
	root := testenv.Root(t, "trixie", "kamailio", "kamailio-extra-modules", "kamailio-mysql-modules", "kamailio-utils-modules")
	page := testenv.OpenPage(t, "../../docs/kamailio.md")
	for _, kind := range []string{"SQLite", "MariaDB"} {
		t.Run(kind, func(t *testing.T) {
			p := &proxy{system: "kamailio/" + kind}
			if kind == "SQLite" {
				p.first, p.second = testenv.SQLite(t, scripts+"sqlite.sql"), testenv.SQLite(t, scripts+"sqlite.sql")
			} else {
				p.first, p.second = testenv.MariaDB(t, scripts+"mysql.sql"), testenv.MariaDB(t, scripts+"mysql.sql")
			}
			p.start(t, root, page)
			p.test(t)
		})
	}
}

// start starts both gateways, Apache and Kamailio.
func (p *proxy) start(t *testing.T, root string, page *testenv.Page) {
	t.Helper()
	p.outage = testenv.NewOutage(t, p.first)
	backend, second := testenv.FreeAddress(t), testenv.FreeAddress(t)
	p.backend = backend
	for _, s := range []*testenv.Site{p.first, p.second} {
		s.Configure(t, page.Block(t, "dbsep.conf"), page.Block(t, "tables.conf"))
	}
	dispatcher := p.makeDispatcher(t)
	p.firstProcess = p.first.ServeAt(t, backend)
	p.second.ServeAt(t, second)
	var address string
	p.firstFault, address = newFaultProxy(t, startApache(t, backend, p.first.Folder))
	p.apache = testenv.NewRelay(t, address)
	p.secondFault, address = newFaultProxy(t, second)
	p.direct = testenv.NewRelay(t, address)

	gateways := []string{"192.0.2.1", p.apache.Address, "192.0.2.2:8000", p.direct.Address}
	var blocks strings.Builder
	for _, b := range []struct {
		name    string
		replace []string
	}{
		{"connections.cfg", gateways},
		{"password.cfg", nil},
		{"register.cfg", nil},
		{"query.cfg", gateways[2:]},
		{"members.cfg", nil},
		{"contact.cfg", nil},
		{"async.cfg", gateways[:2]},
		{"text.cfg", nil},
	} {
		blocks.WriteString(page.Block(t, b.name, b.replace...))
	}
	p.phone = newPhone(t, startKamailio(t, root, dispatcher, blocks.String()))
}

// startApache starts an Apache that wants a password, as docs/apache.md has it.
func startApache(t *testing.T, backend, dir string) string {
	t.Helper()
	page := testenv.ReadPage(t, "../../docs/apache.md")
	passwords := filepath.Join(dir, "htpasswd")
	make := exec.Command("sh", "-e", "-c", page.Block(t, "password", "/etc/apache2/dbsep.htpasswd", passwords, "pbx", "kamailio"))
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := testenv.FreeAddress(t)
	testenv.Apache(t, address, []string{"proxy", "proxy_http"}, page.Block(t, "dbsep-proxy.conf", "127.0.0.1:8000", backend)+
		page.Block(t, "dbsep-password.conf", "/etc/apache2/dbsep.htpasswd", passwords)+page.Block(t, "dbsep-errors.conf"))
	return address
}

// startKamailio starts Kamailio with the blocks, and with the module dispatcher if there is
// the URL of a database for it, and returns its SIP address.
func startKamailio(t *testing.T, root, dispatcher, blocks string) string {
	t.Helper()
	frame, err := os.ReadFile("testdata/kamailio.cfg")
	check(t, err)
	address := freeUDP(t)
	dir, err := os.MkdirTemp(filepath.Join(root, "tmp"), "kamailio-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if dispatcher != "" {
		blocks = "#!define DISPATCHER\n" + blocks
	}
	text := strings.NewReplacer("# BLOCKS\n", blocks, "SIP_ADDRESS", address, "DISPATCHER_URL", dispatcher).Replace(string(frame))
	check(t, os.WriteFile(filepath.Join(dir, "kamailio.cfg"), []byte(text), 0o644))
	inside := strings.TrimPrefix(dir, root)
	k := testenv.Start(t, nil, "chroot", root, "kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-w", inside, "-Y", inside, "-f", inside+"/kamailio.cfg")
	ready := newPhone(t, address)
	testenv.WaitFor(t, "Kamailio at "+address, k, func(ctx context.Context) error {
		_, err := ready.send(ctx, "nothing", "nobody", "example.org")
		return err
	})
	return address
}

// freeUDP returns an address on 127.0.0.1 that no socket uses now.
func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	defer c.Close()
	return c.LocalAddr().String()
}
