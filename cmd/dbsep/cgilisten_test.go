package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A cgiListener is a server with a socket for web servers.
type cgiListener struct {
	*running
	socket string
}

// startCGIListener starts a server on the sample database of a folder. It keeps the folder's
// own configuration.
func startCGIListener(t *testing.T, dir, settings string) *cgiListener {
	t.Helper()
	l := &cgiListener{socket: filepath.Join(dir, "cgi.sock")}
	own := filepath.Join(dir, "server")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	l.running = startServer(t, own, "dsn=DBI:SQLite:dbname="+filepath.Join(dir, "demo.db")+"\n"+settings+l.lines())
	return l
}

func (l *cgiListener) lines() string {
	return "\n[server]\ncgi_listen=unix:" + l.socket + "\nlisten=unix:" + filepath.Join(filepath.Dir(l.socket), "server", "socket") + "\n"
}

// post sends a request in the name of a user, as a web server does.
func (l *cgiListener) post(t *testing.T, path, user, body string) string {
	t.Helper()
	_, body, _ = strings.Cut(sendFastCGI(t, l.socket, map[string]string{"REQUEST_METHOD": "POST", "PATH_INFO": path, "REMOTE_USER": user, "REMOTE_ADDR": "192.0.2.1"}, body), "\r\n\r\n")
	return body
}

// TestSocketForWebServers shows who may send what there.
func TestSocketForWebServers(t *testing.T) {
	dir := sampleSite(t)
	htpasswd := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(htpasswd, []byte("alice:"+wonderland(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := startCGIListener(t, dir, "[server]\nallow=10.0.0.0/8\nhtpasswd="+htpasswd+"\n[log]\naccess=yes\n[tables]\n*=read\n[tables user:alice]\n*=write\n[tables network:192.0.2.0/24]\nps_aors=none\n*=read\n")
	if got := l.post(t, "/ps_aors/single", "", "id=bob"); got != "" {
		t.Errorf("the network of REMOTE_ADDR may not read the table: %q", got)
	}
	if got := l.post(t, "/ps_endpoints/single", "bob", "id=bob"); !strings.HasPrefix(got, "id=bob&") {
		t.Errorf("neither allow nor htpasswd is for web servers: %q", got)
	}
	if got := l.post(t, "/ps_endpoints/destroy", "bob", "id=nobody"); got != "-1\n" {
		t.Errorf("bob may not write: %q", got)
	}
	if got := l.post(t, "/ps_endpoints/destroy", "alice", "id=nobody"); got != "0\n" {
		t.Errorf("alice may write: %q", got)
	}
	l.said("operation=destroy .*user=alice")
	for _, path := range []string{"/metrics", "/livez"} {
		if got := l.post(t, path, "alice", ""); got != "-1\n" {
			t.Errorf("%s is for no web server: %q", path, got)
		}
	}
	l.want(l.do("POST", "/ps_endpoints/destroy", "id=nobody", nil), reply{401, "unauthorized", "-1\n"})
}

func TestSocketForWebServersHasItsMode(t *testing.T) {
	l := startCGIListener(t, sampleSite(t), "")
	want := func(mode os.FileMode) {
		t.Helper()
		file, err := os.Stat(l.socket)
		if err != nil || file.Mode().Perm() != mode {
			t.Errorf("%v, %v, want %v", file.Mode(), err, mode)
		}
	}
	database := "dsn=DBI:SQLite:dbname=" + filepath.Join(filepath.Dir(l.socket), "demo.db") + "\n"
	want(0o660)
	l.reload(database+l.lines()+"cgi_socket_mode=0600\nsocket_mode=0666\n", "msg=reloaded")
	want(0o600)
	l.reload(database+l.lines()+"cgi_socket_group=nobody-has-it\n", "reload refused.*cgi_socket_group")
	l.reload(database+strings.ReplaceAll(l.lines(), "cgi.sock", "moved.sock"), "reload refused.*cgi_listen cannot change without a restart")
	want(0o600)
	l.reload(database+l.lines()+"cgi_socket_mode=0666\n", "every account of this machine may write to the socket")
	want(0o666)
}

// TestSlowWebServerIsCutOff shows that a request that never ends, and one that never begins,
// do not keep their connections.
func TestSlowWebServerIsCutOff(t *testing.T) {
	l := startCGIListener(t, sampleSite(t), "[limits]\nread_timeout=100ms\n")
	for name, begin := range map[string]func(c fastCGI){
		"no request": func(fastCGI) {},
		"a body without an end": func(c fastCGI) {
			c.begin(t, "/ps_endpoints/destroy", "", 100)
			c.body(t, "id=nob")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := fastCGI{dial(t, "unix", l.socket)}
			begin(c)
			if _, err := io.ReadAll(c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection stays: %v", err)
			}
		})
	}
}

// TestServerEndsConnectionsOfWebServers shows that a server that ends waits for no connection
// that a web server keeps.
func TestServerEndsConnectionsOfWebServers(t *testing.T) {
	l := startCGIListener(t, sampleSite(t), "[limits]\ndrain_timeout=1h\n")
	c := fastCGI{dial(t, "unix", l.socket)}
	c.send(t, fcgiBegin, []byte{0, 1, 1, 0, 0, 0, 0, 0}) // to be kept
	c.send(t, fcgiParams, []byte("\x0e\x04REQUEST_METHODPOST\x09\x15PATH_INFO/ps_endpoints/destroy"))
	c.send(t, fcgiParams, nil)
	c.body(t, "id=nobody")
	if got := c.response(t); !strings.HasSuffix(got, "\r\n\r\n0\n") {
		t.Errorf("got %q", got)
	}
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestCheckWarnsOfAnOpenSocket shows the warning of dbsep check.
func TestCheckWarnsOfAnOpenSocket(t *testing.T) {
	dir := sampleSite(t)
	configure(t, dir, "[server]\ncgi_listen=unix:/run/dbsep/cgi.sock\ncgi_socket_mode=0662\n")
	out, err := exec.Command("dbsep", "check", "--config", filepath.Join(dir, "dbsep.conf")).Output()
	if err == nil || !strings.Contains(strings.Join(strings.Fields(string(out)), " "), "every account of this machine may write to the socket of cgi_listen") {
		t.Errorf("%v\n%s", err, out)
	}
}
