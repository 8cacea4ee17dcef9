//go:build e2e

package asterisk

import (
	"fmt"
	"strings"
	"testing"
)

// parameters are what phones add to their contact. Each ';' would end a value that
// was stored as it is. They have the order and the small letters that Asterisk's
// SIP stack gives them.
const parameters = ";transport=udp;ob;line=a%5e3Bb%3b;x=1"

var pjsipFeatures = []feature{
	{"PJSIP: endpoints with their columns", func(t *testing.T, p *pbx) {
		p.shows(t, "pjsip show endpoints", "alice/1001", "Unavailable")
		p.shows(t, "pjsip show endpoint alice", "accountcode", "acct a&b=c", "allow", "(ulaw|alaw)", `"Alice Example" <1001>`)
	}},
	{"PJSIP: set_var with two values in one column", func(t *testing.T, p *pbx) {
		p.exec(t, `INSERT INTO extensions (context, exten, priority, app, appdata) VALUES ('phones', 'variables', 1, 'Set', 'GLOBAL(RT_SET)=${FOO} and ${BAZ}')`)
		f := newPhone(t, p, "alice")
		f.newDialog("variables").request(t, "INVITE", "Contact: "+f.contact(""), "Content-Type: application/sdp", "", f.description())
		p.comes(t, "GLOBAL(RT_SET)", "bar and qux")
	}},
	{"PJSIP: auths, aors and identifies", func(t *testing.T, p *pbx) {
		p.shows(t, "pjsip show auth alice", "alice-pw")
		p.shows(t, "pjsip show aor alice", "mailboxes", "1234@default", "max_contacts", "2")
		p.shows(t, "pjsip show identify trunk-ip", "127.0.0.77/255.255.255.255")
	}},
	{"PJSIP: global and system settings", func(t *testing.T, p *pbx) {
		p.shows(t, "pjsip show settings", "contact_expiration_check_interval", "1", "user_agent", "rt-lab")
	}},
	{"PJSIP: a changed endpoint counts at once", func(t *testing.T, p *pbx) {
		p.exec(t, `UPDATE ps_endpoints SET callerid = '"Bob^3B the Builder" <1002>' WHERE id = 'bob'`)
		p.shows(t, "pjsip show endpoint bob", "callerid", "Bob; the Builder")
		p.exec(t, `INSERT INTO ps_endpoints (id, aors, context, disallow, allow) VALUES ('dave', 'bob', 'phones', 'all', 'alaw')`)
		p.shows(t, "pjsip show endpoint dave", "(alaw)")
		p.exec(t, `DELETE FROM ps_endpoints WHERE id = 'dave'`)
		p.shows(t, "pjsip show endpoint dave", "Unable to find object dave")
	}},
	{"PJSIP: Asterisk registers at the provider of ps_registrations", func(t *testing.T, p *pbx) {
		p.shows(t, "pjsip show registrations", "trunkreg/sip:"+p.trunk.address, "Registered")
	}},
	{"PJSIP: REGISTER with a wrong password is refused", func(t *testing.T, p *pbx) {
		f := newPhone(t, p, "alice")
		f.password = "wrong"
		if final := f.register(t, f.contact(""), 60); final.status() != 401 {
			t.Errorf("got %s", final.start)
		}
	}},
	{"PJSIP: REGISTER stores a contact with ; parameters", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		p.shows(t, "pjsip show aor alice", "Contact:", strings.Trim(f.contact(parameters), "<>"))
		p.shows(t, "realtime load ps_contacts endpoint alice", column("id", "alice;@"), column("uri", strings.Trim(f.contact(parameters), "<>")), "phone; ^3B of the tests")
	}},
	{"PJSIP: a refresh keeps the one contact", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		until := p.expiry(t, f)
		f.registers(t, f.contact(parameters), 3600)
		if later := p.expiry(t, f); later <= until {
			t.Errorf("the contact expired at %s and expires at %s", until, later)
		}
		p.contacts(t, "alice", 1)
	}},
	{"PJSIP: a second contact beside the first", func(t *testing.T, p *pbx) {
		first, second := p.registered(t, "alice"), newPhone(t, p, "alice")
		final := second.register(t, second.contact(parameters), 600)
		if all := strings.Join(final.header["Contact"], " "); !strings.Contains(all, first.address) || !strings.Contains(all, second.address) {
			t.Errorf("%s, contacts %s", final.start, all)
		}
		p.contacts(t, "alice", 2)
		second.register(t, second.contact(parameters), 0)
		p.contacts(t, "alice", 1)
	}},
	{"PJSIP: one contact more than max_contacts is refused", func(t *testing.T, p *pbx) {
		p.registered(t, "alice")
		for _, want := range []int{200, 403} {
			f := newPhone(t, p, "alice")
			if final := f.register(t, f.contact(""), 600); final.status() != want {
				t.Errorf("got %s, not %d", final.start, want)
			}
		}
		p.contacts(t, "alice", 2)
	}},
	{"PJSIP: remove_existing puts the new contact in the place of the old", func(t *testing.T, p *pbx) {
		p.registered(t, "carol")
		second := newPhone(t, p, "carol")
		second.registers(t, second.contact(parameters), 600)
		p.contacts(t, "carol", 1)
		p.shows(t, "pjsip show aor carol", second.address)
	}},
	{"PJSIP: a call goes to the contact, with its parameters", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		p.cli(t, "channel originate PJSIP/alice extension idle@functions")
		invite := f.awaitRequest(t, "INVITE")
		if want := strings.Trim(f.contact(parameters), "<>"); invite.uri() != want {
			t.Errorf("the call went to %s, not to %s", invite.uri(), want)
		}
		p.shows(t, "core show channels", "PJSIP/alice", "idle@functions", "Up")
		p.hangUpAll(t)
		f.awaitRequest(t, "BYE")
	}},
	{"PJSIP: a phone calls an extension of the table", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		call := f.calls(t, "400")
		p.shows(t, "core show channels", "400@phones", "Wait(20)")
		call.hangUp(t)
		p.shows(t, "core show channels count", "0 active channels")
	}},
	{"PJSIP: a call from an address of ps_endpoint_id_ips is the trunk's", func(t *testing.T, p *pbx) {
		f := newPhoneAt(t, p, "somebody", "127.0.0.77")
		call := f.calls(t, "400")
		p.shows(t, "core show channels", "PJSIP/trunk", "400@phones")
		call.hangUp(t)
	}},
	{"PJSIP: un-REGISTER deletes the contact", func(t *testing.T, p *pbx) {
		f := p.registered(t, "alice")
		if final := f.register(t, f.contact(parameters), 0); final.status() != 200 {
			t.Errorf("got %s", final.start)
		}
		p.contacts(t, "alice", 0)
	}},
	{"PJSIP: un-REGISTER of * deletes all contacts", func(t *testing.T, p *pbx) {
		p.registered(t, "alice")
		f := newPhone(t, p, "alice")
		f.registers(t, f.contact(parameters), 600)
		if final := f.register(t, "*", 0); final.status() != 200 {
			t.Errorf("got %s", final.start)
		}
		p.contacts(t, "alice", 0)
	}},
	{"PJSIP: the expiry sweep deletes a contact whose time is over", func(t *testing.T, p *pbx) {
		p.registered(t, "alice")
		f := newPhone(t, p, "carol")
		f.registers(t, f.contact(parameters), 2)
		p.contacts(t, "carol", 1)
		p.contacts(t, "carol", 0)
		p.contacts(t, "alice", 1)
	}},
	{"PJSIP: a named ACL of the table lets a phone in, and keeps it out", func(t *testing.T, p *pbx) {
		p.shows(t, "acl show office", "(realtime)", "0:  deny - 0.0.0.0/0.0.0.0", "1: allow - 127.0.0.0/255.0.0.0")
		p.registered(t, "carol")
		p.exec(t, `UPDATE acls SET rule = '10.0.0.0/8' WHERE sense = 'permit'`)
		f := newPhone(t, p, "carol")
		if final := f.register(t, f.contact(""), 60); final.status() != 401 { // as if nobody knew it
			t.Errorf("got %s", final.start)
		}
		p.exec(t, `UPDATE acls SET rule = '127.0.0.0/8' WHERE sense = 'permit'`)
		f.registers(t, f.contact(""), 60)
	}},
	{"PJSIP: ten phones register at once", func(t *testing.T, p *pbx) {
		p.exec(t, `UPDATE ps_aors SET max_contacts = 10 WHERE id = 'alice'`)
		phones := []*phone{p.registered(t, "alice")}
		for range 9 {
			phones = append(phones, newPhone(t, p, "alice"))
		}
		done := make(chan string, len(phones))
		for i, f := range phones {
			go func() {
				final := f.register(t, f.contact(fmt.Sprint(parameters, ";n=", i)), 600)
				done <- final.start
			}()
		}
		for range phones {
			if start := <-done; !strings.Contains(start, "200") {
				t.Errorf("got %s", start)
			}
		}
		p.contacts(t, "alice", 10)
		phones[0].register(t, "*", 0)
		p.contacts(t, "alice", 0)
		p.exec(t, `UPDATE ps_aors SET max_contacts = 2 WHERE id = 'alice'`)
	}},
}

// registered is a phone that is registered until its test ends.
func (p *pbx) registered(t *testing.T, user string) *phone {
	t.Helper()
	f := newPhone(t, p, user)
	f.register(t, "*", 0)
	p.contacts(t, user, 0)
	f.registers(t, f.contact(parameters), 600)
	return f
}

// contacts waits until a user has a number of contacts, for Asterisk and in the
// table.
func (p *pbx) contacts(t *testing.T, user string, want int) {
	t.Helper()
	p.until(t, "pjsip show contacts", func(out string) error {
		if got := strings.Count(out, "  Contact:  "+user+"/"); got != want {
			return fmt.Errorf("%d contacts of %s, not %d", got, user, want)
		}
		return nil
	})
}

// expiry is when a phone's contact ends, as Asterisk has it in the table.
func (p *pbx) expiry(t *testing.T, f *phone) string {
	t.Helper()
	return p.value(t, "REALTIME_FIELD(ps_contacts,endpoint,"+f.user+",expiration_time)")
}
