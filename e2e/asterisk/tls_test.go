//go:build e2e

package asterisk

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

const security = "../../docs/security.md"

// TestAsteriskIsAdmitted shows that Asterisk reaches dbsep with a certificate, or
// with a password, and gets the rights that dbsep.conf gives it; the page of the
// manual says how.
func TestAsteriskIsAdmitted(t *testing.T) {
	page := testenv.OpenPage(t, security)
	root := debianRoot(t)
	certificates := t.TempDir()
	runShell(t, certificates, strings.Replace(page.Block(t, "certificates"), "IP:10.1.0.5", "IP:127.0.0.1", 1))
	runShell(t, certificates, strings.ReplaceAll(page.Block(t, "htpasswd"), "/etc/dbsep/", ""))
	for name, c := range map[string]struct{ server, client, row string }{
		"by a certificate": {
			page.Block(t, "tls.conf") + page.Block(t, "tables.conf"), page.Block(t, "res_curl.conf"),
			"0", // the table may not be written
		},
		"by a password": {page.Block(t, "password.conf"), page.Block(t, "password-res_curl.conf"), "1"},
	} {
		testenv.Feature(t, "asterisk/TLS", name, func(t *testing.T) {
			p := newGuestPBX(t, root, certificates, c.server, c.client)
			p.comes(t, "REALTIME_FIELD(rt_test,name,row one,a)", "simple")
			p.cli(t, "realtime update rt_test name", "row one", "a", "changed")
			var changed string
			check(t, p.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM rt_test WHERE a = 'changed'").Scan(&changed))
			if changed != c.row {
				t.Errorf("%s rows were changed, want %s", changed, c.row)
			}
		})
	}
	testenv.Feature(t, "asterisk/TLS", "not without either", func(t *testing.T) {
		p := newGuestPBX(t, root, certificates, page.Block(t, "tls.conf"), page.Block(t, "password-res_curl.conf"))
		if out := p.cli(t, "dialplan eval function", "REALTIME_FIELD(rt_test,name,row one,a)"); strings.Contains(out, "simple") {
			t.Errorf("it was answered: %s", out)
		}
	})
}

func runShell(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// newGuestPBX starts an Asterisk with nothing but the realtime driver, which sends
// its requests to a dbsep that has the lines server in its dbsep.conf.
func newGuestPBX(t *testing.T, root, certificates, server, client string) *pbx {
	t.Helper()
	site := testenv.SQLite(t, data+"asterisk-sqlite.sql")
	p := &pbx{Site: site, Asterisk: testenv.NewAsterisk(t, root), whole: t}

	address := testenv.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	check(t, err)
	for _, file := range []string{"ca.pem", "pbx1.pem", "pbx1.key"} {
		p.Write(t, file, read(t, filepath.Join(certificates, file)))
	}
	conf, err := os.OpenFile(site.Conf, os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = conf.WriteString("\n" + strings.NewReplacer("10.1.0.5:8443", address, "/etc/dbsep/", certificates+"/").Replace(server))
	check(t, err)
	check(t, conf.Close())
	site.ServeAsConfigured(t)

	p.Write(t, "res_curl.conf", strings.ReplaceAll(client, "/etc/asterisk/dbsep/", p.Dir+"/astetcdir/"))
	p.Write(t, "extconfig.conf", "[settings]\nrt_test => curl,https://127.0.0.1:"+port+"/rt_test\n")
	p.Write(t, "modules.conf", "[modules]\nautoload = no\nload = res_curl.so\nload = func_curl.so\nload = res_config_curl.so\nload = func_realtime.so\nload = res_realtime.so\n")
	p.Start(t)
	return p
}
