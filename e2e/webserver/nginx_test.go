//go:build e2e

package webserver

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

func TestNginx(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/nginx.md")
	for kind, makeSite := range sites {
		for way, test := range map[string]func(*testing.T, *testenv.Page, *door){
			"proxy":   testNginxProxy,
			"fastcgi": testNginxFastCGI,
		} {
			t.Run(way+"/"+kind, func(t *testing.T) {
				t.Parallel()
				test(t, page, newDoor("nginx "+way+"/"+kind, testenv.FreeAddress(t), makeSite(t)))
			})
		}
	}
}

func testNginxProxy(t *testing.T, page *testenv.Page, d *door) {
	backend := testenv.FreeAddress(t)
	d.site.Configure(t, "[database]", "busy_timeout=2s")
	serve := func() *testenv.Process { return d.site.ServeAt(t, backend) }
	dbsep := serve()
	startNginx(t, d.address, page.Block(t, "dbsep-errors.conf"),
		page.Block(t, "dbsep-proxy.conf", "listen 80", "listen "+d.address, "127.0.0.1:8000", backend))
	d.testOperations(t)
	d.testLoad(t)
	d.testDatabaseAway(t)
	d.testTooLarge(t)
	d.testServerAway(t, dbsep, serve)
}

func testNginxFastCGI(t *testing.T, page *testenv.Page, d *door) {
	socket := filepath.Join(d.site.Folder, "fastcgi.sock")
	d.site.Configure(t, "[database]", "busy_timeout=2s")
	listener := listenFastCGI(t, page, socket)
	dbsep := serveFastCGI(t, page, d.site, listener)
	startNginx(t, d.address, page.Block(t, "dbsep-errors.conf"),
		page.Block(t, "dbsep-fastcgi.conf", "listen 80", "listen "+d.address, "/run/dbsep/fastcgi.sock", socket))
	d.testOperations(t)
	d.testLoad(t)
	d.testDatabaseAway(t)
	d.testTooLarge(t)
	dbsep = d.testRestart(t, dbsep, func() *testenv.Process { return serveFastCGI(t, page, d.site, listener) })
	check(t, listener.Close())
	d.testServerAway(t, dbsep, func() *testenv.Process { return serveFastCGI(t, page, d.site, listenFastCGI(t, page, socket)) })
}

// startNginx starts an nginx at an address with lines for its http section.
func startNginx(t *testing.T, address string, blocks ...string) {
	t.Helper()
	program := testenv.Installed(t, "nginx", "nginx")
	dir, err := os.MkdirTemp("", "dbsep-nginx-")
	check(t, err)
	check(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	var text strings.Builder
	if os.Getuid() == 0 {
		text.WriteString("user www-data;\n")
	}
	fmt.Fprintf(&text, "daemon off;\npid %s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n", dir)
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&text, "%s_temp_path %s/%[1]s;\n", module, dir)
	}
	text.WriteString("include /etc/nginx/mime.types;\n" + strings.Join(blocks, "") + "}\n")
	whole := strings.ReplaceAll(text.String(), "include fastcgi_params", "include /etc/nginx/fastcgi_params")
	file := filepath.Join(dir, "nginx.conf")
	check(t, os.WriteFile(file, []byte(whole), 0o644))
	p := testenv.Start(t, nil, program, "-e", "stderr", "-p", dir, "-c", file)
	testenv.WaitFor(t, "nginx at "+address, p, testenv.Listening(address))
}

// listenFastCGI does what systemd does with the page's socket unit.
func listenFastCGI(t *testing.T, page *testenv.Page, path string) *net.UnixListener {
	t.Helper()
	unit := page.Block(t, "dbsep-fastcgi.socket", "/run/dbsep/fastcgi.sock", path)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: setting(t, unit, "ListenStream"), Net: "unix"})
	check(t, err)
	t.Cleanup(func() { l.Close() })
	mode, err := strconv.ParseUint(setting(t, unit, "SocketMode"), 8, 32)
	check(t, err)
	check(t, os.Chmod(path, os.FileMode(mode)))
	if os.Getuid() == 0 {
		account, err := user.Lookup(setting(t, unit, "SocketUser"))
		check(t, err)
		uid, err := strconv.Atoi(account.Uid)
		check(t, err)
		check(t, os.Chown(path, uid, -1))
	}
	return l
}

// serveFastCGI does what systemd does with the page's service unit: it starts
// the program with the socket as its standard input.
func serveFastCGI(t *testing.T, page *testenv.Page, s *site, l *net.UnixListener) *testenv.Process {
	t.Helper()
	unit := page.Block(t, "dbsep-fastcgi.service", "/usr/local/bin/dbsep", testenv.Program(t), "/etc/asterisk/dbsep.conf", s.Conf)
	if setting(t, unit, "StandardInput") != "socket" {
		t.Fatal("the unit does not give the program its socket")
	}
	socket, err := l.File()
	check(t, err)
	defer socket.Close()
	return testenv.StartOn(t, socket, []string{setting(t, unit, "Environment")}, setting(t, unit, "ExecStart"))
}

// testRestart has requests come while dbsep restarts and systemd holds its
// socket: they wait.
func (d *door) testRestart(t *testing.T, dbsep *testenv.Process, serve func() *testenv.Process) *testenv.Process {
	testenv.Feature(t, d.system, "dbsep restarts: requests wait for it", func(t *testing.T) {
		dbsep.End()
		answered := make(chan result, 1)
		go func() {
			a, err := d.try(t.Context(), "POST", "/ps_aors/update?id=alice", "max_contacts=2")
			answered <- result{a, err}
		}()
		dbsep = serve()
		r := <-answered
		check(t, r.error)
		r.want(t, "1\n")
	})
	return dbsep
}

// setting is the value of a line in a systemd unit.
func setting(t *testing.T, unit, name string) string {
	t.Helper()
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("the unit has no %s", name)
	return ""
}
