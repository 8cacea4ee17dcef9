//go:build e2e

package webserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// TestRewrittenRequests shows that behind a rewrite rule, under CGI and FastCGI, the
// rewritten path names the table: /fasterisk/rt_test/... is a request for ps_aors.
func TestRewrittenRequests(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, s *site, address string){
		"apache cgid":                    rewriteApacheCGI,
		"apache fcgid":                   rewriteApacheFastCGI,
		"apache proxy_fcgi":              rewriteApacheProxyFastCGI,
		"nginx fastcgi_params":           rewriteNginx("include fastcgi_params;"),
		"nginx fastcgi_split_path_info":  rewriteNginx("fastcgi_split_path_info ^(/cgi-bin/dbsep.cgi)(/.*)$; include fastcgi_params; fastcgi_param SCRIPT_NAME $fastcgi_script_name; fastcgi_param PATH_INFO $fastcgi_path_info;"),
		"nginx with a fixed SCRIPT_NAME": rewriteNginx("include fastcgi_params; fastcgi_param PATH_INFO $uri; fastcgi_param SCRIPT_NAME /dbsep;"),
		"lighttpd cgi":                   rewriteLighttpd(`server.modules += ("mod_alias", "mod_cgi") alias.url = ("/cgi-bin/dbsep.cgi" => "DIR/dbsep.cgi") cgi.assign = ("dbsep.cgi" => "") setenv.add-environment = ("DBSEP_CONF" => "SITE")`),
		"lighttpd fastcgi":               rewriteLighttpd(`server.modules += ("mod_fastcgi") fastcgi.server = ("/cgi-bin/dbsep.cgi" => (("socket" => "SOCKET", "check-local" => "disable")))`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(name, testenv.FreeAddress(t), sqlite(t))
			open(t, d.site, d.address)
			testenv.Feature(t, name, "the rewritten path and query count", func(t *testing.T) {
				d := *d
				d.base = ""
				d.post(t, "/fasterisk/rt_test/update?id=alice", "max_contacts=7").want(t, "1\n")
				d.post(t, "/fasterisk/rt_test/single", "id=alice").wantColumn(t, "max_contacts=7")
				d.get(t, "/config/queuerules.conf").want(t, queueRules)
			})
			testenv.Feature(t, name, "so do those that are not rewritten", func(t *testing.T) {
				d.post(t, "/ps_aors/update?id=alice", "max_contacts=8").want(t, "1\n")
				d.post(t, "/ps_aors/single", "id=alice").wantColumn(t, "max_contacts=8")
				d.post(t, "/nosuch/update?id=alice", "max_contacts=8").want(t, "-1\n")
			})
			testenv.Feature(t, name, "no response may be kept", func(t *testing.T) {
				for _, o := range everyOperation {
					if a := d.ask(t, o.method, o.target, o.body); a.header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s: Cache-Control: %q", o.operation, a.header.Get("Cache-Control"))
					}
				}
			})
		})
	}
}

// wantColumn fails the test unless a row has a column of a value.
func (a answer) wantColumn(t *testing.T, column string) {
	t.Helper()
	if !strings.Contains("&"+strings.TrimSpace(a.body)+"&", "&"+column+"&") {
		t.Errorf("status %d: %q has no %s", a.status, a.body, column)
	}
}

// apacheRewrites are the rules, as a site has them to hide dbsep's own URLs.
const apacheRewrites = `RewriteEngine on
RewriteRule ^/fasterisk/rt_test/(.*)$ /cgi-bin/dbsep.cgi/ps_aors/$1 [PT]
RewriteRule ^/config/(.*)$ /cgi-bin/dbsep.cgi/ast_config/static?file=$1 [PT]
`

func rewriteApacheCGI(t *testing.T, s *site, address string) {
	page := testenv.ReadPage(t, "../../docs/apache.md")
	testenv.Apache(t, address, append(enabled(t, page, "enable-cgi"), "rewrite"), apacheRewrites+
		page.Block(t, "dbsep-cgi.conf", "/usr/lib/cgi-bin", install(t, s), "/etc/asterisk/dbsep.conf", s.Conf))
}

func rewriteApacheFastCGI(t *testing.T, s *site, address string) {
	page := testenv.ReadPage(t, "../../docs/apache.md")
	testenv.Apache(t, address, append(enabled(t, page, "enable-fcgid"), "rewrite"), apacheRewrites+
		page.Block(t, "dbsep-fcgid.conf", "/usr/lib/dbsep", install(t, s), "/etc/asterisk/dbsep.conf", s.Conf))
}

func rewriteApacheProxyFastCGI(t *testing.T, s *site, address string) {
	testenv.Apache(t, address, []string{"rewrite", "proxy", "proxy_fcgi"}, apacheRewrites+
		"ProxyPass /cgi-bin/dbsep.cgi unix:"+fastCGISocket(t, s)+"|fcgi://localhost/cgi-bin/dbsep.cgi\n")
}

func rewriteNginx(params string) func(t *testing.T, s *site, address string) {
	return func(t *testing.T, s *site, address string) {
		startNginx(t, address, fmt.Sprintf(`server {
	listen %s;
	rewrite ^/fasterisk/rt_test/(.*)$ /cgi-bin/dbsep.cgi/ps_aors/$1;
	rewrite ^/config/(.*)$ /cgi-bin/dbsep.cgi/ast_config/static?file=$1;
	location /cgi-bin/dbsep.cgi { %s fastcgi_pass unix:%s; }
}
`, address, params, fastCGISocket(t, s)))
	}
}

// fastCGISocket starts dbsep under FastCGI, as the manual does for nginx.
func fastCGISocket(t *testing.T, s *site) string {
	t.Helper()
	page := testenv.ReadPage(t, "../../docs/nginx.md")
	socket := filepath.Join(s.Folder, "fastcgi.sock")
	serveFastCGI(t, page, s, listenFastCGI(t, page, socket))
	return socket
}

func rewriteLighttpd(lines string) func(t *testing.T, s *site, address string) {
	return func(t *testing.T, s *site, address string) {
		dir := install(t, s)
		socket := ""
		if strings.Contains(lines, "SOCKET") {
			socket = fastCGISocket(t, s)
		}
		startLighttpd(t, s, dir, address, `server.modules += ("mod_rewrite", "mod_setenv")
url.rewrite-once = (
	"^/fasterisk/rt_test/(.*)$" => "/cgi-bin/dbsep.cgi/ps_aors/$1",
	"^/config/(.*)$" => "/cgi-bin/dbsep.cgi/ast_config/static?file=$1"
)
`+strings.NewReplacer("DIR", dir, "SITE", s.Conf, "SOCKET", socket, " server.", "\nserver.", " alias.", "\nalias.", " cgi.", "\ncgi.", " setenv.", "\nsetenv.", " fastcgi.", "\nfastcgi.").Replace(lines)+"\n")
	}
}

// startLighttpd starts a lighttpd at an address with further lines of configuration.
func startLighttpd(t *testing.T, s *site, root, address, lines string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	check(t, err)
	text := fmt.Sprintf(`server.modules = ()
server.document-root = %q
server.bind = %q
server.port = %s
server.upload-dirs = (%[1]q)
`, root, host, port) + lines
	if os.Getuid() == 0 {
		text += "server.username = \"www-data\"\nserver.groupname = \"www-data\"\n"
	}
	file := filepath.Join(s.Folder, "lighttpd.conf")
	check(t, os.WriteFile(file, []byte(text), 0o644))
	p := testenv.Start(t, nil, testenv.Installed(t, "lighttpd", "lighttpd"), "-D", "-f", file)
	testenv.WaitFor(t, "lighttpd at "+address, p, testenv.Listening(address))
}
