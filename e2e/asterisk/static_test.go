//go:build e2e

package asterisk

import (
	"slices"
	"testing"
)

// A staticFile is a configuration file in the database: what Asterisk shows of
// it, a row to change, and what it shows then.
type staticFile struct {
	file, command       string
	want                []string
	section, key, value string // of the variable that changes
	changed             string // what is shown then
}

// staticFiles are the files whose modules keep what they have when a file cannot
// be read.
var staticFiles = []staticFile{
	{"extensions.conf", "dialplan show readonly@functions", []string{"'readonly'", "Set(GLOBAL(SEMICOLON)=a;b, and a comma)"}, "", "", "", ""},
	{"queues.conf", "queue show staticq", []string{"staticq", "'ringall'", "Static Agent (Local/agent1@agents)", "penalty 3"}, "staticq", "strategy", "leastrecent", "'leastrecent'"},
	{"confbridge.conf", "confbridge show profile bridge rt_bridge", []string{"rt_bridge", "Max Members:          33"}, "rt_bridge", "max_members", "34", "34"},
	{"acl.conf", "acl show static_acl", []string{"deny - 0.0.0.0/0.0.0.0", "allow - 10.0.0.0/255.0.0.0"}, "static_acl", "permit", "10.0.0.0/255.255.0.0", "10.0.0.0/255.255.0.0"},
	{"features.conf", "features show", []string{"Blind Transfer", "#9", "Disconnect Call", "*7"}, "featuremap", "blindxfer", "#8", "#8"},
	{"indications.conf", "indication show xx", []string{"2000,4000", "425/500,0/500"}, "xx", "busy", "425/600,0/600", "425/600,0/600"},
}

var staticFeatures = slices.Concat(
	staticReads(),
	[]feature{
		{"queuerules.conf: the rules of the file, in their order", func(t *testing.T, p *pbx) {
			p.shows(t, "queue show rules", "Rule: staticrule", "After 30 seconds, adjust QUEUE_MAX_PENALTY by 3", "After 60 seconds, adjust QUEUE_MAX_PENALTY to 10, adjust QUEUE_MIN_PENALTY to 5")
		}},
		{"confbridge.conf: a user's profile without the line that is commented out", func(t *testing.T, p *pbx) {
			p.shows(t, "confbridge show profile user rt_user", "Admin:                   false", "2468")
		}},
		{"musiconhold.conf: its classes", func(t *testing.T, p *pbx) {
			p.shows(t, "moh show classes", "Class: staticmoh", "Mode: files", "Directory: /srv/rt/moh")
		}},
		{"voicemail.conf: time zones, with their quotes and bars", func(t *testing.T, p *pbx) {
			p.shows(t, "voicemail show zones", "Europe/Copenhagen", "'vm-received' a d b 'digits/at' HM")
			p.shows(t, "voicemail show zones", "America/New_York", "'vm-received' Q 'digits/at' IMp")
		}},
		{"voicemail.conf: a mailbox of the file", func(t *testing.T, p *pbx) {
			p.comes(t, "VM_INFO(7777@default,fullname)", "Static Box")
		}},
		{"minivm.conf: its settings", func(t *testing.T, p *pbx) {
			p.shows(t, "minivm show settings", "Default format:                     wav")
		}},
	},
	staticReloads(),
)

func staticReads() []feature {
	var all []feature
	for _, f := range staticFiles {
		all = append(all, feature{f.file + ": read from the database", func(t *testing.T, p *pbx) { p.shows(t, f.command, f.want...) }})
	}
	return all
}

func staticReloads() []feature {
	var all []feature
	for _, f := range staticFiles {
		if f.key == "" {
			continue
		}
		all = append(all, feature{f.file + ": a reload brings a changed row", func(t *testing.T, p *pbx) {
			p.changes(t, f, f.value)
			p.reload(t, f.file)
			p.shows(t, f.command, f.changed)
		}})
	}
	return append(all, feature{"extensions.conf: a reload brings a new line and keeps the others", func(t *testing.T, p *pbx) {
		p.storeLine(t, 1, 1, "extensions.conf", "added", "exten", "1,1,NoOp(added)")
		p.reload(t, "extensions.conf")
		p.shows(t, "dialplan show 1@added", "NoOp(added)")
		p.shows(t, staticFiles[0].command, staticFiles[0].want...)
	}})
}

// changes gives a variable of a file another value.
func (p *pbx) changes(t *testing.T, f staticFile, value string) {
	t.Helper()
	p.exec(t, `UPDATE ast_config SET var_val = ? WHERE filename = ? AND category = ? AND var_name = ?`, value, f.file, f.section, f.key)
}

// reload reads a file again.
func (p *pbx) reload(t *testing.T, file string) {
	t.Helper()
	commands := map[string]string{
		"extensions.conf":  "dialplan reload",
		"queues.conf":      "queue reload all",
		"confbridge.conf":  "module reload app_confbridge.so",
		"acl.conf":         "module reload acl",
		"features.conf":    "module reload features",
		"indications.conf": "module reload indications",
		"musiconhold.conf": "moh reload",
		"voicemail.conf":   "voicemail reload",
	}
	p.cli(t, commands[file])
}
