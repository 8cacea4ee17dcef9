//go:build e2e

package webserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dbsep/internal/testenv"
)

// TestCGIServer has web servers use a running dbsep: through dbsep-cgi, or by its socket.
func TestCGIServer(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/apache.md")
	for kind, makeSite := range sites {
		for way, test := range map[string]func(*testing.T, *testenv.Page, *cgiServer){
			"apache cgid":   testApacheCGIServer,
			"lighttpd cgi":  testLighttpdCGIServer,
			"nginx fastcgi": testNginxCGIServer,
		} {
			t.Run(way+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s := makeSite(t)
				c := &cgiServer{newDoor(way+" and a server/"+kind, testenv.FreeAddress(t), s), testenv.FreeAddress(t), filepath.Join(s.Folder, "cgi.sock"), nil}
				lines := []string{"[database]", "busy_timeout=2s", "[server]", "cgi_listen=unix:" + c.socket}
				if os.Getuid() == 0 {
					lines = append(lines, "cgi_socket_group=www-data")
				}
				s.Configure(t, lines...)
				c.dbsep = s.ServeAt(t, c.backend)
				test(t, page, c)
			})
		}
	}
}

// A cgiServer is a web server's way to a server of dbsep.
type cgiServer struct {
	*door
	backend string // address of the server for other clients
	socket  string
	dbsep   *testenv.Process
}

// install puts dbsep-cgi and dbsep into a folder, and returns it.
func (c *cgiServer) install(t *testing.T) string {
	t.Helper()
	dir := install(t, c.site)
	check(t, os.Rename(filepath.Join(dir, "dbsep.cgi"), filepath.Join(dir, "dbsep")))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(dir, "dbsep-cgi"), "dbsep/cmd/dbsep-cgi").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// requests is how many requests the server has responded to.
func (c *cgiServer) requests(t *testing.T) int {
	t.Helper()
	return int(testenv.Metrics(t, "http://"+c.backend).Sum("dbsep_http_requests_total"))
}

// testAll sends all that others get, and ends the server in between. Then dbsep takes its place
// if the web server started a program.
func (c *cgiServer) testAll(t *testing.T, program bool) {
	c.testOperations(t)
	c.testLoad(t)
	c.testDatabaseAway(t)
	c.testTooLarge(t)
	testenv.Feature(t, c.system, "the server has the requests", func(t *testing.T) {
		before := c.requests(t)
		c.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
		if after := c.requests(t); after != before+1 {
			t.Errorf("%d requests, then %d", before, after)
		}
	})
	serve := func() *testenv.Process { return c.site.ServeAt(t, c.backend) }
	if !program {
		c.testServerAway(t, c.dbsep, serve)
		return
	}
	testenv.Feature(t, c.system, "without the server dbsep responds", func(t *testing.T) {
		c.dbsep.End()
		c.post(t, "/ps_aors/update?id=alice", "max_contacts=3").want(t, "1\n")
		c.get(t, "/ast_config/static?file=queuerules.conf").want(t, queueRules)
		serve()
		before := c.requests(t)
		c.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
		if after := c.requests(t); after != before+1 {
			t.Errorf("%d requests, then %d: the server is not used again", before, after)
		}
	})
}

func testApacheCGIServer(t *testing.T, page *testenv.Page, c *cgiServer) {
	dir := c.install(t)
	testenv.Apache(t, c.address, enabled(t, page, "enable-cgi"), "SetEnv DBSEP_CGI_SOCKET "+c.socket+"\n"+
		page.Block(t, "dbsep-cgi-server.conf", "/usr/bin", dir, "/etc/asterisk/dbsep.conf", c.site.Conf)+page.Block(t, "dbsep-errors.conf"))
	c.testAll(t, true)
	c.testProgramBroken(t, filepath.Join(dir, "dbsep-cgi"))
}

func testLighttpdCGIServer(t *testing.T, _ *testenv.Page, c *cgiServer) {
	dir := c.install(t)
	startLighttpd(t, c.site, c.site.Folder, c.address, `server.modules += ("mod_alias", "mod_cgi", "mod_setenv")
alias.url = ("/cgi-bin/dbsep.cgi" => "`+dir+`/dbsep-cgi")
cgi.assign = ("dbsep-cgi" => "")
setenv.add-environment = ("DBSEP_CONF" => "`+c.site.Conf+`", "DBSEP_CGI_SOCKET" => "`+c.socket+`")
`)
	c.testAll(t, true)
}

func testNginxCGIServer(t *testing.T, _ *testenv.Page, c *cgiServer) {
	page := testenv.ReadPage(t, "../../docs/nginx.md")
	startNginx(t, c.address, page.Block(t, "dbsep-errors.conf"),
		page.Block(t, "dbsep-fastcgi.conf", "listen 80", "listen "+c.address, "/run/dbsep/fastcgi.sock", c.socket))
	c.testAll(t, false)
}
