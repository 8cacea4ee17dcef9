//go:build e2e

package webserver

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// An entrance is a web server that passes requests on to dbsep, with further
// lines for the place where it does so, and with or without its safe errors.
type entrance func(t *testing.T, d *door, backend, lines string, safe bool)

func TestApacheAccess(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/apache.md")
	open := func(t *testing.T, d *door, backend, lines string, safe bool) {
		lines += page.Block(t, "dbsep-proxy.conf", "127.0.0.1:8000", backend)
		if safe {
			lines += page.Block(t, "dbsep-errors.conf")
		}
		testenv.Apache(t, d.address, enabled(t, page, "enable-proxy"), lines)
	}
	testAccess(t, "apache", page, "/etc/apache2/dbsep.htpasswd", open)
}

func TestNginxAccess(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/nginx.md")
	open := func(t *testing.T, d *door, backend, lines string, safe bool) {
		const location = "location /cgi-bin/dbsep.cgi {\n"
		server := page.Block(t, "dbsep-proxy.conf", "listen 80", "listen "+d.address, "127.0.0.1:8000", backend, location, location+lines)
		if !safe {
			server = strings.ReplaceAll(server, "error_page", "# ")
		}
		startNginx(t, d.address, page.Block(t, "dbsep-errors.conf"), server)
	}
	testAccess(t, "nginx", page, "/etc/nginx/dbsep.htpasswd", open)
}

func testAccess(t *testing.T, server string, page *testenv.Page, passwords string, open entrance) {
	s := sqlite(t)
	backend := testenv.FreeAddress(t)
	s.ServeAt(t, backend)
	file := filepath.Join(s.Folder, "htpasswd")

	testenv.Feature(t, server, "password: the right one, a wrong one, none", func(t *testing.T) {
		d := newDoor(server, testenv.FreeAddress(t), s)
		shell(t, page.Block(t, "password", passwords, file))
		open(t, d, backend, page.Block(t, "dbsep-password.conf", passwords, file), true)
		d.post(t, "/ps_aors/update?id=alice", "max_contacts=2", "Authorization", basic("pbx", "s3cret")).want(t, "1\n")
		d.wantFailures(t, []int{401})
		d.wantFailures(t, []int{401}, "Authorization", basic("pbx", "secret"))
		if a := d.get(t, "/ps_aors/single?id=alice"); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("the server does not say that it wants a password: %v", a.header)
		}
	})
	testenv.Feature(t, server, "address: one that may ask, one that may not", func(t *testing.T) {
		d := newDoor(server, testenv.FreeAddress(t), s)
		open(t, d, backend, page.Block(t, "dbsep-address.conf"), true)
		d.wantFailures(t, []int{403})
		d = newDoor(server, testenv.FreeAddress(t), s)
		open(t, d, backend, page.Block(t, "dbsep-address.conf", "192.0.2.10", "127.0.0.1"), true)
		d.post(t, "/ps_aors/update?id=alice", "max_contacts=2").want(t, "1\n")
	})
	testenv.Feature(t, server, "a URL that the server takes for none: a write fails", func(t *testing.T) {
		d := newDoor(server, testenv.FreeAddress(t), s)
		open(t, d, backend, "", true)
		for _, target := range []string{"/ps_aors%00/update", "/ps_aors%zz/update", "/ps_aors%2Fx/update", "/ps_aors/update%00", "/" + strings.Repeat("x", 20000) + "/update"} {
			a := d.post(t, target+"?id=alice", "max_contacts=9")
			if !strings.HasPrefix(a.body, "-1") && !strings.HasPrefix(a.body, "<") {
				t.Errorf("%.40s: got %d %q", target, a.status, a.body)
			}
		}
	})
	testenv.Feature(t, server, "without the safe errors Asterisk would take the server's page for rows", func(t *testing.T) {
		d := newDoor(server, testenv.FreeAddress(t), s)
		open(t, d, testenv.FreeAddress(t), "", false)
		for _, o := range everyOperation {
			a := d.ask(t, o.method, o.target, o.body)
			if !strings.HasPrefix(a.body, "<") {
				t.Errorf("%s: got %d %q, no page", o.operation, a.status, a.body)
			}
		}
	})
}

func basic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// shell runs a block of shell commands.
func shell(t *testing.T, commands string, environ ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", commands)
	c.Env = append(os.Environ(), environ...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	return string(out)
}
