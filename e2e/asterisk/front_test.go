//go:build e2e

package asterisk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
	"dbsep/internal/testserver"
)

// frontFeatures are about what stands between Asterisk and dbsep. What net/http
// responds by itself would be a row to Asterisk, or "Updated 400 RealTime records".
var frontFeatures = []feature{
	{"HAProxy with send-proxy, dbsep without proxy_protocol: nothing succeeds, and nothing becomes a row", func(t *testing.T, p *pbx) {
		p.behindHAProxy(t, "send-proxy-v2", "")
		p.refused(t)
	}},
	{"HAProxy with send-proxy of version 1, dbsep without proxy_protocol: likewise", func(t *testing.T, p *pbx) {
		p.behindHAProxy(t, "send-proxy", "")
		p.refused(t)
	}},
	{"HAProxy with send-proxy, dbsep with proxy_protocol: everything works", func(t *testing.T, p *pbx) { p.worksBehindHAProxy(t, "send-proxy-v2") }},
	{"HAProxy with send-proxy of version 1, dbsep with proxy_protocol: likewise", func(t *testing.T, p *pbx) { p.worksBehindHAProxy(t, "send-proxy") }},
	{"HAProxy with send-proxy, the client's address is not allowed: nothing succeeds", func(t *testing.T, p *pbx) {
		p.behindHAProxy(t, "send-proxy-v2", "[server]\nproxy_protocol=127.0.0.1\nallow=192.0.2.0/24\n")
		p.refused(t)
	}},
	{"TLS is switched on while Asterisk says http://: nothing succeeds, and nothing becomes a row", func(t *testing.T, p *pbx) {
		dir := t.TempDir()
		_, err := testserver.Certify(dir)
		check(t, err)
		p.fronted(t, "[server]\ntls_cert="+filepath.Join(dir, testserver.CertFile)+"\ntls_key="+filepath.Join(dir, testserver.KeyFile)+"\n",
			strings.TrimPrefix(p.url, "http://"))
		p.refused(t)
	}},
}

// worksBehindHAProxy has the manual's dbsep.conf name HAProxy.
func (p *pbx) worksBehindHAProxy(t *testing.T, send string) {
	t.Helper()
	f := p.registered(t, "alice")
	p.behindHAProxy(t, send, testenv.OpenPage(t, security).Block(t, "proxy.conf", "listen=10.1.0.5:8000\n", "", "=10.1.0.4\n", "=127.0.0.1\n", "10.1.0.0/24", "127.0.0.0/8"))
	p.says(t, []string{updated(1)}, "realtime update rt_test name", "row one", "b", send)
	p.everything(t, f)
}

// refused fails the test unless Asterisk takes every request for a failure.
func (p *pbx) refused(t *testing.T) {
	t.Helper()
	for range 2 { // what an earlier one has left in Asterisk's buffer counts for nothing
		p.says(t, []string{storeFailed}, "realtime store rt_test name refused")
		p.says(t, []string{updateFailed}, "realtime update rt_test name", "row one", "b", "refused")
		p.says(t, []string{updateFailed}, "realtime update2 rt_test name", "row one", "NULL", "b", "refused")
		p.says(t, []string{"Failed to remove record."}, "realtime destroy rt_test name", "row one")
		p.says(t, []string{noRows}, "realtime load rt_test name", "row one")
		p.comes(t, "REALTIME(rt_test,name,row one)", "")
		p.shows(t, "pjsip show endpoint bob", "Unable to find object bob")
	}
	for _, f := range staticFiles {
		p.reload(t, f.file)
		p.shows(t, f.command, f.want[0])
	}
}

// fronted puts a dbsep with further lines in the place of the one that runs, at another
// address if need be, until the test ends.
func (p *pbx) fronted(t *testing.T, lines, address string) {
	t.Helper()
	site := *p.Site
	site.Conf = filepath.Join(p.Folder, "fronted.conf")
	check(t, os.WriteFile(site.Conf, []byte(read(t, p.Conf)+"\n"+lines), 0o644))
	p.gateway.End()
	p.gateway = site.ServeAt(p.whole, address)
	t.Cleanup(func() { p.serve(t, p.Site) })
}

// behindHAProxy puts HAProxy in front of dbsep, with the manual's configuration.
func (p *pbx) behindHAProxy(t *testing.T, send, lines string) {
	t.Helper()
	backend, front := testenv.FreeAddress(t), strings.TrimPrefix(p.url, "http://")
	p.fronted(t, lines, backend)
	conf := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := testenv.OpenPage(t, security).Block(t, "proxy.cfg", "10.1.0.4:8000", front, "10.1.0.5:8000", backend, "send-proxy-v2", send)
	check(t, os.WriteFile(conf, []byte(text), 0o600))
	proxy := testenv.Start(t, nil, testenv.Installed(t, "haproxy", "haproxy"), "-db", "-f", conf)
	testenv.WaitFor(t, "HAProxy at "+front, proxy, testenv.Listening(front))
}
