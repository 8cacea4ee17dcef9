//go:build e2e

package webserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

func TestApache(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/apache.md")
	for kind, makeSite := range sites {
		for way, test := range map[string]func(*testing.T, *testenv.Page, *door){
			"cgid":         testApacheCGI,
			"fcgid":        testApacheFastCGI,
			"proxy":        testApacheProxy,
			"proxy socket": testApacheProxySocket,
		} {
			t.Run(way+"/"+kind, func(t *testing.T) {
				t.Parallel()
				test(t, page, newDoor("apache "+way+"/"+kind, testenv.FreeAddress(t), makeSite(t)))
			})
		}
	}
}

// enabled are the modules that a block's a2enmod line enables.
func enabled(t *testing.T, page *testenv.Page, block string) []string {
	t.Helper()
	for line := range strings.Lines(page.Block(t, block)) {
		if modules, ok := strings.CutPrefix(line, "a2enmod "); ok {
			return strings.Fields(modules)
		}
	}
	t.Fatalf("the block %s enables no module", block)
	return nil
}

// install copies the program into a folder as dbsep.cgi, and returns the folder.
func install(t *testing.T, s *site) string {
	t.Helper()
	program, err := os.ReadFile(testenv.Program(t))
	check(t, err)
	dir := filepath.Join(s.Folder, "cgi-bin")
	check(t, os.Mkdir(dir, 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "dbsep.cgi"), program, 0o755))
	return dir
}

func testApacheCGI(t *testing.T, page *testenv.Page, d *door) {
	dir := install(t, d.site)
	testenv.Apache(t, d.address, enabled(t, page, "enable-cgi"),
		page.Block(t, "dbsep-cgi.conf", "/usr/lib/cgi-bin", dir, "/etc/asterisk/dbsep.conf", d.site.Conf)+page.Block(t, "dbsep-errors.conf"))
	d.testOperations(t)
	d.testLoad(t)
	d.testDatabaseAway(t)
	d.testProgramBroken(t, filepath.Join(dir, "dbsep.cgi"))
}

func testApacheFastCGI(t *testing.T, page *testenv.Page, d *door) {
	dir := install(t, d.site)
	apache := testenv.Apache(t, d.address, enabled(t, page, "enable-fcgid"),
		page.Block(t, "dbsep-fcgid.conf", "/usr/lib/dbsep", dir, "/etc/asterisk/dbsep.conf", d.site.Conf)+page.Block(t, "dbsep-errors.conf"))
	d.testGracefulEnd(t, apache, filepath.Join(dir, "dbsep.cgi"))
	d.testOperations(t)
	d.testLoad(t)
	d.testDatabaseAway(t)
	d.testTooLarge(t)
	d.testReload(t, apache)
}

func testApacheProxy(t *testing.T, page *testenv.Page, d *door) {
	backend := testenv.FreeAddress(t)
	d.site.Configure(t, "[database]", "busy_timeout=2s")
	serve := func() *testenv.Process { return d.site.ServeAt(t, backend) }
	dbsep := serve()
	testenv.Apache(t, d.address, enabled(t, page, "enable-proxy"),
		page.Block(t, "dbsep-proxy.conf", "127.0.0.1:8000", backend)+page.Block(t, "dbsep-errors.conf"))
	d.testOperations(t)
	d.testLoad(t)
	d.testDatabaseAway(t)
	d.testTooLarge(t)
	d.testServerAway(t, dbsep, serve)
}

func testApacheProxySocket(t *testing.T, page *testenv.Page, d *door) {
	socket := filepath.Join(d.site.Folder, "dbsep.sock")
	d.site.Configure(t, "[database]", "busy_timeout=2s")
	serve := func() *testenv.Process { return serveSocket(t, d.site, socket) }
	dbsep := serve()
	testenv.Apache(t, d.address, enabled(t, page, "enable-proxy"),
		page.Block(t, "dbsep-proxy-socket.conf", "/run/dbsep/dbsep.sock", socket)+page.Block(t, "dbsep-errors.conf"))
	d.testOperations(t)
	d.testLoad(t)
	d.testDatabaseAway(t)
	d.testTooLarge(t)
	d.testServerAway(t, dbsep, serve)
}

// serveSocket starts dbsep at a socket that the web server's account may use.
func serveSocket(t *testing.T, s *site, socket string) *testenv.Process {
	t.Helper()
	p := testenv.Start(t, nil, testenv.Program(t), "serve", "--config", s.Conf, "--listen", "unix:"+socket)
	testenv.WaitFor(t, "dbsep at its socket", p, testenv.Listening(socket))
	check(t, os.Chmod(socket, 0o666))
	return p
}
