//go:build e2e

package asterisk

import "testing"

var directoryFeatures = []feature{
	{"Directory(): finds a mailbox by the keys of its name", func(t *testing.T, p *pbx) {
		p.exec(t, `INSERT INTO ps_endpoints (id, aors, context, disallow, allow) VALUES ('1234', 'carol', 'phones', 'all', 'ulaw')`)
		found := p.registered(t, "carol")
		from := p.heard(t)
		call := newPhone(t, p, "alice").calls(t, "*411")
		from = p.hear(t, from, "dir-welcome")
		call.press(t, "363") // Doe
		p.hear(t, from, "dir-instr")
		call.press(t, "1")
		found.awaitRequest(t, "INVITE")
		call.hangUp(t)
	}},
	{"followme: the numbers are called in the order of their ordinal", func(t *testing.T, p *pbx) {
		p.runs(t, "followme@services")
		p.comes(t, "GLOBAL(FOLLOWED)", " first second done")
	}},
	{"followme: a profile that is not active is not followed", func(t *testing.T, p *pbx) {
		p.runs(t, "followoff@services")
		p.comes(t, "GLOBAL(FOLLOWED)", " done")
	}},
	{"minivm: an account (Asterisk's own fault: the first MINIVMACCOUNT() of an account is empty)", func(t *testing.T, p *pbx) {
		if first := p.value(t, "MINIVMACCOUNT(joe@example.invalid:fullname)"); first != "" && first != "Joe Mini" {
			t.Errorf("at first %q", first)
		}
		p.comes(t, "MINIVMACCOUNT(joe@example.invalid:fullname)", "Joe Mini")
		p.comes(t, "MINIVMACCOUNT(joe@example.invalid:pincode)", "77")
	}},
}
