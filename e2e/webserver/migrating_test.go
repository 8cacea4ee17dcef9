//go:build e2e

package webserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/testenv"
)

// old is in the place of the Perl script at an administrator's site, and is its
// response to each request: a row that has its columns in no order. Other responses
// of the script are recorded and tested in other packages; here it only has to be
// there.
const (
	script = "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\n%s' '" + old + "'\n"
	old    = "position=2&entry=%2Fsrv%2Frt%2Fmoh%2Fb&name=rtplay\n"
)

func TestMigrating(t *testing.T) {
	page := testenv.OpenPage(t, "../../docs/migrating.md")
	apache := testenv.OpenPage(t, "../../docs/apache.md")
	for kind, makeSite := range sites {
		t.Run(kind, func(t *testing.T) {
			testMigrating(t, page, apache, newDoor("migrating/"+kind, testenv.FreeAddress(t), makeSite(t)))
		})
	}
}

func testMigrating(t *testing.T, page, apache *testenv.Page, d *door) {
	s := d.site
	cgi := filepath.Join(s.Folder, "cgi-bin")
	local := filepath.Join(s.Folder, "dbsep")
	check(t, os.Mkdir(cgi, 0o755))
	check(t, os.WriteFile(filepath.Join(cgi, "dbsep.cgi"), []byte(script), 0o755))
	testenv.Apache(t, d.address, enabled(t, apache, "enable-cgi"),
		apache.Block(t, "dbsep-cgi.conf", "/usr/lib/cgi-bin", cgi, "/etc/asterisk/dbsep.conf", s.Conf)+apache.Block(t, "dbsep-errors.conf"))
	bin := "PATH=" + s.Folder + ":" + os.Getenv("PATH")

	testenv.Feature(t, d.system, "install, check, try and compare beside the script", func(t *testing.T) {
		shell(t, "cd "+filepath.Dir(testenv.Program(t))+"\n"+page.Block(t, "install", "/usr/local/bin/dbsep", local))
		warned := shell(t, page.Block(t, "check", "/etc/asterisk/dbsep.conf", s.Conf)+"test $? -le 1", bin)
		lines := strings.Join(strings.Fields(warned), " ")
		known := strings.Count(lines, "the setting no longer matters") + strings.Count(lines, "may read "+s.Conf+", which has a secret") // the script's account may
		if n := strings.Count(warned, "\nwarning "); n != known || strings.Contains(warned, "\nerror ") {
			t.Errorf("check says:\n%s", warned)
		}
		address := testenv.FreeAddress(t)
		p := testenv.Start(t, []string{bin}, "sh", "-c", "exec "+page.Block(t, "beside", "/etc/asterisk/dbsep.conf", s.Conf, "127.0.0.1:8000", address))
		testenv.WaitFor(t, "dbsep beside the script", p, testenv.Listening(address))
		if out := shell(t, page.Block(t, "ask", "127.0.0.1:8000", address)); !strings.HasPrefix(out, "id=alice&") {
			t.Errorf("got %q", out)
		}
		asked := testenv.FreeAddress(t)
		c := testenv.Start(t, []string{bin}, "sh", "-c", "exec "+page.Block(t, "compare", "pbx.example.org", d.address, "127.0.0.1:8000", address, "127.0.0.1:8001", asked))
		testenv.WaitFor(t, "the comparison", c, testenv.Listening(asked))
		if out := shell(t, "curl -sS -d 'position=2&name=rtplay' http://"+asked+"/musiconhold_entry/single"); out != old {
			t.Errorf("got %q", out)
		}
		c.End()
		if !strings.Contains(c.Log.String(), " 0 different") {
			t.Errorf("the comparison says:\n%s", c.Log)
		}
		p.End()
		d.post(t, "/ps_endpoints/single", "id=alice").want(t, old)
	})
	testenv.Feature(t, d.system, "the switch, in one step", func(t *testing.T) {
		shell(t, page.Block(t, "switch", "/usr/lib/cgi-bin", cgi, "/usr/local/bin/dbsep", local))
		out := shell(t, page.Block(t, "try", "pbx.example.org", d.address))
		if !strings.HasPrefix(out, "id=alice&") || !strings.HasSuffix(out, "\n-1\n") {
			t.Errorf("got %q", out)
		}
	})
	testenv.Feature(t, d.system, "rows with ; and ^ that the script wrote", func(t *testing.T) {
		const name = "Smith; Jones ^ Co"
		s.exec(t, "UPDATE voicemail SET fullname = '"+name+"' WHERE mailbox = '4321'")
		if found := s.value(t, "SELECT COUNT(*) FROM ("+strings.TrimSuffix(strings.TrimSpace(page.Block(t, "find")), ";")+") AS found"); found != "1" {
			t.Errorf("%s rows are found", found)
		}
		s.exec(t, page.Block(t, "code"))
		if got := s.value(t, "SELECT fullname FROM voicemail WHERE mailbox = '4321'"); got != "Smith^3B Jones ^5E Co" {
			t.Errorf("coded as %q", got)
		}
		if a := d.post(t, "/voicemail/single", "fullname=Smith%3B%20Jones%20%5E%20Co"); !strings.Contains(a.body, "&fullname=Smith%3B%20Jones%20%5E%20Co&") && !strings.Contains(a.body, "&fullname=Smith%3B%20Jones%20%5E%20Co\n") {
			t.Errorf("got %q", a.body)
		}
	})
	testenv.Feature(t, d.system, "back to the script", func(t *testing.T) {
		shell(t, page.Block(t, "back", "/usr/lib/cgi-bin", cgi))
		s.exec(t, page.Block(t, "decode"))
		if got := s.value(t, "SELECT fullname FROM voicemail WHERE mailbox = '4321'"); got != "Smith; Jones ^ Co" {
			t.Errorf("decoded as %q", got)
		}
		d.post(t, "/ps_endpoints/single", "id=alice").want(t, old)
	})
	testenv.Feature(t, d.system, "the script's own way with ;", func(t *testing.T) {
		shell(t, page.Block(t, "switch", "/usr/lib/cgi-bin", cgi, "/usr/local/bin/dbsep", local))
		s.Configure(t, page.Block(t, "compat"))
		d.post(t, "/rt_bulk/store", "name=raw&val=a%3Bb").want(t, "1\n")
		if got := s.value(t, "SELECT val FROM rt_bulk WHERE name = 'raw'"); got != "a;b" {
			t.Errorf("stored as %q", got)
		}
	})
}
