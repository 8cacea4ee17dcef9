//go:build e2e

package webserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"dbsep/internal/testenv"
)

// A proxy is a web server in front of dbsep. It passes on the Host of its client, or
// one of its own, as the manual has it.
type proxy struct {
	name   string
	passes bool // the Host of its client
	open   func(t *testing.T, s *site, address, backend string)
}

var proxies = []proxy{
	{name: "nginx", open: hostNginx("")},
	{name: "nginx with proxy_set_header Host", passes: true, open: hostNginx("proxy_set_header Host $host;\n")},
	{name: "apache", open: hostApache("")},
	{name: "apache with ProxyPreserveHost", passes: true, open: hostApache("ProxyPreserveHost On\n")},
	{name: "lighttpd", passes: true, open: hostLighttpd},
	{name: "haproxy", passes: true, open: hostHAProxy},
}

// TestHostsBehindProxies shows which names dbsep gets, and that one which it does not
// know is refused with what to do about it.
func TestHostsBehindProxies(t *testing.T) {
	const pbx = "pbx.example.org"
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := sqlite(t)
			backend := testenv.FreeAddress(t)
			dbsep := s.ServeAt(t, backend)
			d := newDoor(p.name, testenv.FreeAddress(t), s)
			p.open(t, s, d.address, backend)
			write := func(header ...string) answer {
				return d.post(t, "/ps_aors/update?id=alice", "max_contacts=2", append(header, "Host", pbx)...)
			}
			testenv.Feature(t, p.name, "an address, and the name of the server", func(t *testing.T) {
				d.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
				if !p.passes {
					write().want(t, "1\n")
					return
				}
				a := write()
				a.want(t, "-1\n")
				if a.status != 403 || a.header.Get("X-Dbsep-Error") != "unknown-host" {
					t.Errorf("status %d, %v", a.status, a.header)
				}
				dbsep.WaitForLog(t, "add "+pbx+" to hosts= in the section [server]")
			})
			testenv.Feature(t, p.name, "a web page of another server", func(t *testing.T) {
				write("Origin", "https://elsewhere.example").want(t, "-1\n")
				write("Sec-Fetch-Site", "cross-site").want(t, "-1\n")
				if a := d.get(t, "/ps_aors/single?id=alice", "Sec-Fetch-Site", "cross-site"); a.body != "" || a.status != 403 {
					t.Errorf("read: %d, %q", a.status, a.body)
				}
			})
			s.Configure(t, "[server]", "hosts="+pbx)
			check(t, dbsep.Cmd.Process.Signal(syscall.SIGHUP))
			dbsep.WaitForLog(t, "msg=reloaded")
			testenv.Feature(t, p.name, "a name in [server] hosts, and a page of it", func(t *testing.T) {
				write().want(t, "1\n")
				write("Origin", "http://"+pbx).want(t, "1\n")
				write("Origin", "https://elsewhere.example").want(t, "-1\n")
			})
		})
	}
}

func hostNginx(lines string) func(*testing.T, *site, string, string) {
	return func(t *testing.T, _ *site, address, backend string) {
		page := testenv.ReadPage(t, "../../docs/nginx.md")
		const location = "location /cgi-bin/dbsep.cgi {\n"
		startNginx(t, address, page.Block(t, "dbsep-errors.conf"),
			page.Block(t, "dbsep-proxy.conf", "listen 80", "listen "+address, "127.0.0.1:8000", backend, location, location+lines))
	}
}

func hostApache(lines string) func(*testing.T, *site, string, string) {
	return func(t *testing.T, _ *site, address, backend string) {
		page := testenv.ReadPage(t, "../../docs/apache.md")
		testenv.Apache(t, address, enabled(t, page, "enable-proxy"),
			lines+page.Block(t, "dbsep-proxy.conf", "127.0.0.1:8000", backend)+page.Block(t, "dbsep-errors.conf"))
	}
}

func hostLighttpd(t *testing.T, s *site, address, backend string) {
	host, port, err := net.SplitHostPort(backend)
	check(t, err)
	startLighttpd(t, s, s.Folder, address, fmt.Sprintf(`server.modules += ("mod_proxy")
proxy.server = ("" => (("host" => %q, "port" => %s)))
`, host, port))
}

func hostHAProxy(t *testing.T, _ *site, address, backend string) {
	text := fmt.Sprintf(`defaults
    mode http
    timeout connect 2s
    timeout client 130s
    timeout server 60s
frontend realtime
    bind %s
    default_backend dbsep
backend dbsep
    server one %s
`, address, backend)
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	check(t, os.WriteFile(file, []byte(text), 0o600))
	p := testenv.Start(t, nil, testenv.Installed(t, "haproxy", "haproxy"), "-db", "-f", file)
	testenv.WaitFor(t, "HAProxy at "+address, p, testenv.Listening(address))
}
