//go:build e2e

package asterisk

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"dbsep/internal/inspect"
	"dbsep/internal/testenv"
)

// A file is one of Asterisk's configuration files, or SQL.
type file struct{ name, text string }

// manual is the page whose configuration the tests run.
const manual = "../../docs/asterisk.md"

// readManual returns the configuration files and the rows that the manual shows.
func readManual(t *testing.T) []file {
	t.Helper()
	page := testenv.OpenPage(t, manual)
	var files []file
	for _, name := range []string{
		"extconfig.conf", "extensions.conf", "iax.conf", "modules.conf", "pjsip.conf", "res_curl.conf", "sorcery.conf",
		"mailbox.sql", "profile.sql", "queue.sql", "phone.sql",
	} {
		files = append(files, file{name, page.Block(t, name)})
	}
	return files
}

// documented are the addresses in the manual's configuration. The tests put
// their own in the place of them, and change nothing else.
var documented = struct{ gateway, sip, iax string }{
	gateway: "http://127.0.0.1:8000",
	sip:     "127.0.0.1:5060",
	iax:     "127.0.0.1:4569",
}

// relocate puts an Asterisk's addresses into a file of the manual.
func (p *pbx) relocate(text string) string {
	return strings.NewReplacer(documented.gateway, p.url, documented.sip, p.sip, documented.iax, p.iax).Replace(text)
}

// additions are lines that only the tests need, at the end of a file of the manual:
// a table without a meaning to Asterisk, a server that sends no response, and
// subscriptions, whose rows are of little use to Asterisk.
func (p *pbx) additions() map[string]string {
	return map[string]string{
		"extconfig.conf": "rt_test => curl," + p.url + "/rt_test\n" +
			"rt_silent => curl,http://" + p.silence + "/rt_silent\n" +
			"ps_subscription_persistence => curl," + p.url + "/ps_subscription_persistence\n",
		"sorcery.conf": "\n[res_pjsip_pubsub]\nsubscription_persistence = realtime,ps_subscription_persistence\n",
	}
}

// manualFeatures are the examples that the manual gives as rows.
var manualFeatures = []feature{
	{"manual: dbsep check finds its files right, and the one server that is silent", func(t *testing.T, p *pbx) {
		folder := p.Path("astetcdir")
		out, _ := exec.CommandContext(t.Context(), testenv.Program(t), "check", "--json", "--asterisk-config", folder, p.Conf).Output() // other warnings are of tables
		var report inspect.Report
		check(t, json.Unmarshal(out, &report))
		var found []string
		for _, f := range report.Findings {
			if strings.HasPrefix(f.File, folder) {
				found = append(found, f.Error())
			}
		}
		if len(found) != 1 || !strings.Contains(found[0], "rt_silent: http://"+p.silence+"/rt_silent does not respond") {
			t.Errorf("it found %q", found)
		}
	}},
	{"manual: its phone registers, with a mailbox", func(t *testing.T, p *pbx) {
		f := newPhone(t, p, "2001")
		f.password = "change-me"
		f.registers(t, f.contact(parameters), 300)
		p.shows(t, "pjsip show endpoint 2001", f.address)
		p.comes(t, "VM_INFO(2001@default,fullname)", "Erika Muster")
	}},
	{"manual: its queue has its member", func(t *testing.T, p *pbx) {
		p.shows(t, "queue show hotline", "'rrmemory' strategy", "Erika (PJSIP/2001) with penalty 1 (ringinuse disabled) (realtime)")
	}},
	{"manual: its conference has its profile", func(t *testing.T, p *pbx) {
		p.shows(t, "confbridge show profile bridge meeting", "Max Members:          20")
	}},
}
