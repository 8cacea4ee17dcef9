//go:build e2e

package asterisk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var voicemailFeatures = []feature{
	{"voicemail: the mailboxes of a context, with their columns", func(t *testing.T, p *pbx) {
		p.shows(t, "voicemail show users for default", "mailbox: 1234", "fullname: Jane Doe", "mailbox: 1235", `fullname: O'Brien & Söhne, 50% + "x" \ end`)
	}},
	{"voicemail: VM_INFO() of a mailbox in each context", func(t *testing.T, p *pbx) {
		p.comes(t, "VM_INFO(1234@default,fullname)", "Jane Doe")
		p.comes(t, "VM_INFO(1234@default,tz)", "eastern")
		p.comes(t, "VM_INFO(4321@sales,fullname)", "Sales Desk")
		p.comes(t, "VM_INFO(4321@default,exists)", "0")
	}},
	{"MWI: a phone subscribes, and its subscription is stored", func(t *testing.T, p *pbx) {
		f := p.registered(t, "carol")
		d := f.subscribes(t)
		notify := f.awaitRequest(t, "NOTIFY")
		if !strings.Contains(notify.body, "Messages-Waiting: no") {
			t.Errorf("got %s", notify.body)
		}
		p.shows(t, "pjsip show subscriptions inbound", "carol", "message-summary")
		p.shows(t, "realtime load ps_subscription_persistence endpoint carol", column("endpoint", "carol"))
		d.request(t, "SUBSCRIBE", f.summary(0)...)
		p.shows(t, "realtime load ps_subscription_persistence endpoint carol", noRows)
	}},
	{"voicemail: a message is left, and its metadata stored", func(t *testing.T, p *pbx) {
		p.leavesMessage(t, "1234")
		p.shows(t, "realtime load voicemail_data origmailbox 1234",
			column("filename", p.Dir+"/astspooldir/voicemail/default/1234/INBOX/msg0000"), column("context", "mail"))
		p.comes(t, "VMCOUNT(1234@default)", "1")
		p.duration(t, "1234")
	}},
	{"MWI: a message turns on the lamps of a subscriber and of an endpoint with mailboxes", func(t *testing.T, p *pbx) {
		subscriber, endpoint := p.registered(t, "carol"), p.registered(t, "alice")
		d := subscriber.subscribes(t)
		subscriber.awaitLamp(t, func() { p.leavesMessage(t, "1235") })
		endpoint.awaitLamp(t, func() { p.leavesMessage(t, "1234") })
		d.request(t, "SUBSCRIBE", subscriber.summary(0)...)
	}},
	{"voicemail: VoiceMailMain from a phone refuses a wrong password and takes the right one", func(t *testing.T, p *pbx) {
		call, from := p.login(t, "1234", "9999")
		from = p.hear(t, from, "vm-incorrect")
		from = p.hear(t, from, "vm-password")
		call.press(t, "4242#")
		p.hear(t, from, "vm-youhave")
		call.hangUp(t)
	}},
	{"voicemail: a password changed from the phone's menu (update2, glued by Asterisk's driver)", func(t *testing.T, p *pbx) {
		call, from := p.login(t, "1234", "4242")
		from = p.hear(t, from, "vm-youhave")
		call.press(t, "0")
		from = p.hear(t, from, "vm-options")
		call.press(t, "5")
		from = p.hear(t, from, "vm-newpassword")
		call.press(t, "86420#")
		from = p.hear(t, from, "vm-reenterpassword")
		call.press(t, "86420#")
		p.hear(t, from, "vm-passchanged")
		call.hangUp(t)
		p.comes(t, "VM_INFO(1234@default,password)", "86420")
		p.comes(t, "VM_INFO(1235@default,password)", "5151")
		p.comes(t, "VM_INFO(4321@sales,password)", "9999")
	}},
	{"voicemail: the new password opens the mailbox", func(t *testing.T, p *pbx) {
		call, from := p.login(t, "1234", "86420")
		p.hear(t, from, "vm-youhave")
		call.hangUp(t)
	}},
	{"voicemail: realtime update2 by context and mailbox", func(t *testing.T, p *pbx) {
		p.says(t, []string{updated(1)}, "realtime update2 voicemail context default mailbox 1235 NULL password 7531")
		p.comes(t, "VM_INFO(1235@default,password)", "7531")
		p.comes(t, "VM_INFO(1234@default,password)", "86420")
	}},
	{"voicemail: a deleted message's metadata is deleted, and the next message takes its name", func(t *testing.T, p *pbx) {
		for _, count := range []string{"1", "2"} {
			if p.value(t, "VMCOUNT(1235@default)") < count {
				p.leavesMessage(t, "1235")
				p.comes(t, "VMCOUNT(1235@default)", count)
			}
		}
		inbox := p.Dir + "/astspooldir/voicemail/default/1235/INBOX/"
		p.shows(t, "realtime load voicemail_data filename "+inbox+"msg0001", column("origmailbox", "1235"))
		call, from := p.login(t, "1235", p.value(t, "VM_INFO(1235@default,password)"))
		from = p.hear(t, from, "vm-youhave")
		call.press(t, "1")
		from = p.hear(t, from, "vm-first")
		call.press(t, "7")
		p.hear(t, from, "vm-deleted")
		call.hangUp(t)
		p.comes(t, "VMCOUNT(1235@default)", "1")
		p.shows(t, "realtime load voicemail_data filename "+inbox+"msg0000", column("origmailbox", "1235"))
		p.shows(t, "realtime load voicemail_data filename "+inbox+"msg0001", noRows)
	}},
}

// leavesMessage leaves a message in a mailbox.
func (p *pbx) leavesMessage(t *testing.T, mailbox string) {
	t.Helper()
	p.cli(t, "channel originate Local/leave"+mailbox+"@mail extension talk@mail")
}

// duration waits until a message's length, which Asterisk adds at its end, is
// there.
func (p *pbx) duration(t *testing.T, mailbox string) {
	t.Helper()
	eventually(t, func() error {
		if p.value(t, "REALTIME_FIELD(voicemail_data,origmailbox,"+mailbox+",duration)") == "" {
			return errors.New("the message has no duration")
		}
		return nil
	})
}

// login calls a mailbox and gives a password. It returns the call and where the log
// continues.
func (p *pbx) login(t *testing.T, mailbox, password string) (*dialog, int) {
	t.Helper()
	from := p.heard(t)
	call := newPhone(t, p, "alice").calls(t, "*97"+mailbox)
	from = p.hear(t, from, "vm-password")
	call.press(t, password+"#")
	return call, from
}

// summary are the headers of a subscription to one's own mailbox; none of the
// seconds ends it.
func (f *phone) summary(seconds int) []string {
	return []string{
		"Contact: " + f.contact(""), "Event: message-summary", "Accept: application/simple-message-summary",
		fmt.Sprint("Expires: ", seconds),
	}
}

// subscribes subscribes to the messages of the phone's own mailbox.
func (f *phone) subscribes(t *testing.T) *dialog {
	t.Helper()
	d := f.newDialog(f.user)
	final := d.request(t, "SUBSCRIBE", f.summary(600)...)
	if final.status() != 200 {
		t.Fatalf("%s subscribes: %s", f.user, final.start)
	}
	d.to, d.target = final.header.Get("To"), strings.Trim(final.header.Get("Contact"), "<>")
	return d
}

// awaitLamp waits until a phone is notified of new messages, after something that
// causes it.
func (f *phone) awaitLamp(t *testing.T, cause func()) {
	t.Helper()
	f.forget()
	cause()
	f.await(t, "NOTIFY about messages", func(m *message) bool {
		return m.method() == "NOTIFY" && strings.Contains(m.body, "Messages-Waiting: yes")
	})
}
