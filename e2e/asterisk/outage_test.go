//go:build e2e

package asterisk

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/testenv"
)

// reloadFeatures and outageFeatures look at everything at once.
var reloadFeatures = []feature{
	{"core reload: everything is still there", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		p.cli(t, "core reload")
		p.everything(t, f)
	}},
}

var outageFeatures = func() []feature {
	all := []feature{
		{"database down: writes fail, and say so", func(t *testing.T, p *pbx) {
			p.outage(t)
			p.says(t, []string{storeFailed}, "realtime store rt_test name down")
			p.says(t, []string{updateFailed}, "realtime update rt_test name", "row one", "a", "down")
			p.says(t, []string{updateFailed}, "realtime update2 rt_test name", "row one", "NULL", "a", "down")
			p.says(t, []string{"Failed to remove record."}, "realtime destroy rt_test name", "row one")
		}},
		{"database down: reads are no row, never an error's text", func(t *testing.T, p *pbx) {
			p.outage(t)
			p.says(t, []string{noRows}, "realtime load rt_test name", "row one")
			p.comes(t, "REALTIME(rt_test,name,row one)", "")
			p.shows(t, "pjsip show endpoint alice", "Unable to find object alice")
		}},
		{"database down: a phone is not registered, and hears no false yes", func(t *testing.T, p *pbx) {
			f := p.registered(t, "alice")
			p.outage(t)
			if final := f.register(t, f.contact(parameters), 600); final.status() == 200 {
				t.Errorf("got %s", final.start)
			}
		}},
	}
	for _, f := range staticFiles {
		all = append(all, feature{f.file + ": a reload while the database is down keeps the running configuration", func(t *testing.T, p *pbx) {
			p.keeps(t, f)
		}})
	}
	return append(all,
		feature{"voicemail.conf, musiconhold.conf: a reload while the database is down empties them (Asterisk's own fault), the next one brings them back", func(t *testing.T, p *pbx) {
			end := p.outage(t)
			p.reload(t, "voicemail.conf")
			p.reload(t, "musiconhold.conf")
			p.hides(t, "voicemail show zones", "Europe/Copenhagen")
			p.hides(t, "moh show classes", "staticmoh")
			end()
			p.reload(t, "voicemail.conf")
			p.reload(t, "musiconhold.conf")
			p.shows(t, "voicemail show zones", "Europe/Copenhagen")
			p.shows(t, "moh show classes", "Class: staticmoh")
		}},
		feature{"core reload while the database is down: the files that their modules keep are kept", func(t *testing.T, p *pbx) {
			end := p.outage(t)
			p.cli(t, "core reload")
			for _, f := range staticFiles {
				p.shows(t, f.command, f.want[0])
			}
			end()
			p.cli(t, "core reload")
			p.everything(t, p.registered(t, "alice"))
		}},
		feature{"database back: everything is there again without a reload", func(t *testing.T, p *pbx) {
			f := p.registered(t, "alice")
			p.outage(t)()
			p.everything(t, f)
		}},
		feature{"dbsep away: reads are no row, and all is well when it is back", func(t *testing.T, p *pbx) {
			f := p.registered(t, "alice")
			p.gateway.End()
			p.says(t, []string{noRows}, "realtime load rt_test name", "row one")
			p.serve(t, p.Site)
			p.everything(t, f)
		}},
	)
}()

var restartFeatures = []feature{
	{"restart: contacts, queues, mailboxes and files are there as soon as Asterisk is", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		p.Process.End()
		p.Start(p.whole)
		p.everything(t, f)
	}},
	{"start while the database is down: modules without their file are not loaded (Asterisk's own rule), module load brings them", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		end := p.outage(t)
		p.Process.End()
		p.Start(p.whole)
		end()
		p.cli(t, "core reload")
		for _, module := range []string{"pbx_config", "app_queue", "app_confbridge", "app_followme"} {
			p.shows(t, "module show like "+module, "Not Running")
			p.shows(t, "module load "+module+".so", "Loaded "+module)
		}
		p.everything(t, f)
	}},
}

// keeps reloads a file while there is no database.
func (p *pbx) keeps(t *testing.T, f staticFile) {
	t.Helper()
	want := f.want
	if f.key != "" {
		p.changes(t, f, f.value)
		p.reload(t, f.file)
		want = []string{f.changed}
	}
	p.shows(t, f.command, want...)
	p.outage(t)
	p.reload(t, f.file)
	p.shows(t, f.command, want...)
}

// everything fails the test unless all kinds of objects are there.
func (p *pbx) everything(t *testing.T, f *phone) {
	t.Helper()
	p.shows(t, "pjsip show endpoints", "alice/1001", "bob/", "carol", "trunk")
	p.shows(t, "pjsip show contacts", "alice/"+f.contact(parameters)[1:len("sip:alice@127.0.0.1")])
	p.shows(t, "queue show support", "'linear' strategy", "Agent One")
	p.shows(t, "queue show staticq", "Static Agent")
	p.shows(t, "queue show rules", "Rule: staticrule", "Rule: rtrule")
	p.shows(t, "voicemail show users for default", "mailbox: 1234", "mailbox: 1235")
	p.shows(t, "moh show classes", "Class: staticmoh")
	p.shows(t, "dialplan show phones", "Realtime/phones@extensions")
	p.shows(t, "acl show office", "1: allow - 127.0.0.0/255.0.0.0")
	p.shows(t, "confbridge show profile bridge rt_bridge", "Max Members")
	p.shows(t, "iax2 show peer iaxstatic load", "Port 18119")
	p.runs(t, "100@phones")
	p.comes(t, "GLOBAL(RT_EXACT)", "exact-100")
}

// outage takes the database away from dbsep, until the test ends or the returned
// function is called.
func (p *pbx) outage(t *testing.T) (end func()) {
	t.Helper()
	down := *p.Site
	down.Conf = filepath.Join(p.Folder, "down.conf")
	broken := filepath.Join(p.Folder, "broken.db")
	check(t, os.WriteFile(broken, []byte("This is no database."), 0o666))
	away := "dsn=DBI:SQLite:dbname=" + broken
	if p.Kind == "MariaDB" {
		_, port, err := net.SplitHostPort(testenv.FreeAddress(t))
		check(t, err)
		away = "dsn=DBI:mysql:database=gone;host=127.0.0.1;port=" + port
	}
	check(t, os.WriteFile(down.Conf, []byte(away+"\ndbuser=nobody\ndbpass=nothing\n"), 0o644))
	p.serve(t, &down)
	end = sync.OnceFunc(func() { p.serve(t, p.Site) })
	t.Cleanup(end)
	return end
}

// serve puts a dbsep for a site in the place of the one that runs.
func (p *pbx) serve(t *testing.T, site *testenv.Site) {
	t.Helper()
	address := strings.TrimPrefix(p.url, "http://")
	p.gateway.End()
	p.gateway = site.ServeAt(p.whole, address)
}
