//go:build e2e

package asterisk

import "testing"

var musicFeatures = []feature{
	{"musiconhold: a class that plays a folder", func(t *testing.T, p *pbx) {
		p.runs(t, "rtfiles@services")
		p.shows(t, "moh show classes", "Class: rtfiles", "Directory: /srv/rt/moh")
		p.hangUpAll(t)
	}},
	{"musiconhold_entry: a playlist in the order 1, 2, 10", func(t *testing.T, p *pbx) {
		p.runs(t, "rtplay@services")
		p.shows(t, "moh show files", "Class: rtplay", "/srv/rt/moh/a", "/srv/rt/moh/b", "/srv/rt/moh/c")
		p.hangUpAll(t)
	}},
}

// hangUpAll ends all calls.
func (p *pbx) hangUpAll(t *testing.T) {
	t.Helper()
	p.cli(t, "channel request hangup all")
	p.shows(t, "core show channels count", "0 active channels")
}
