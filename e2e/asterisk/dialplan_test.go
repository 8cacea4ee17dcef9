//go:build e2e

package asterisk

import "testing"

var dialplanFeatures = []feature{
	{"switch => Realtime: an exact extension, all its priorities", func(t *testing.T, p *pbx) {
		p.runs(t, "100@phones")
		p.comes(t, "GLOBAL(RT_EXACT)", "exact-100")
	}},
	{"switch => Realtime: _2XXX goes before _2X.", func(t *testing.T, p *pbx) {
		p.runs(t, "2345@phones")
		p.comes(t, "GLOBAL(RT_PAT)", "long-2345")
	}},
	{"switch => Realtime: _2X. takes what _2XXX does not", func(t *testing.T, p *pbx) {
		p.runs(t, "23456@phones")
		p.comes(t, "GLOBAL(RT_PAT)", "short-23456")
	}},
	{"switch => Realtime: _X. takes the rest", func(t *testing.T, p *pbx) {
		p.runs(t, "999@phones")
		p.comes(t, "GLOBAL(RT_PAT)", "catchall-999")
	}},
	{"switch => Realtime: arguments with spaces, quotes, &, =, +, % and UTF-8", func(t *testing.T, p *pbx) {
		p.runs(t, "300@phones")
		p.comes(t, "GLOBAL(RT_SPECIAL)", `a b&c=d+e%f'g"h/é`)
	}},
	{"switch => Realtime: a new extension works at once", func(t *testing.T, p *pbx) {
		p.exec(t, `INSERT INTO extensions (context, exten, priority, app, appdata) VALUES ('phones', '101', 1, 'Set', 'GLOBAL(RT_NEW)=new')`)
		p.runs(t, "101@phones")
		p.comes(t, "GLOBAL(RT_NEW)", "new")
	}},
	{"switch => Realtime: a changed extension works after the second that Asterisk remembers it", func(t *testing.T, p *pbx) {
		p.exec(t, `UPDATE extensions SET appdata = 'GLOBAL(RT_NEW)=changed' WHERE exten = '101'`)
		eventually(t, func() error {
			p.runs(t, "101@phones")
			return p.valueIs(t, "GLOBAL(RT_NEW)", "changed")
		})
	}},
}
