//go:build e2e

package asterisk

import (
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A phone is a SIP phone. It takes calls and notifications by itself, and
// keeps what it is sent for the test to look at.
type phone struct {
	user, password string
	address        string // its own
	server         net.Addr
	sip            string // Asterisk's
	conn           net.PacketConn
	media          net.PacketConn // where its sound comes from; what it would hear is never read
	inbox          chan *message
	callID         string // of its registrations
	sequence       atomic.Int64
}

// newPhone makes a phone of a user of the seed; its password is the seed's.
func newPhone(t *testing.T, p *pbx, user string) *phone { return newPhoneAt(t, p, user, "127.0.0.1") }

// newPhoneAt makes a phone with an address of its own.
func newPhoneAt(t *testing.T, p *pbx, user, host string) *phone {
	t.Helper()
	conn, err := net.ListenPacket("udp", host+":0")
	check(t, err)
	media, err := net.ListenPacket("udp", host+":0")
	check(t, err)
	server, err := net.ResolveUDPAddr("udp", p.sip)
	check(t, err)
	f := &phone{
		user: user, password: user + "-pw", address: conn.LocalAddr().String(), server: server, sip: p.sip,
		conn: conn, media: media, inbox: make(chan *message, 256), callID: rand.Text(),
	}
	t.Cleanup(func() { conn.Close(); media.Close() })
	go f.listen()
	return f
}

// listen receives until the phone is closed.
func (f *phone) listen() {
	packet := make([]byte, 64<<10)
	for {
		n, from, err := f.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		m, err := parseMessage(packet[:n])
		if err != nil {
			continue
		}
		if m.status() == 0 {
			f.answer(m, from)
		}
		select {
		case f.inbox <- m:
		default: // nobody looks
		}
	}
}

// answer sends a 200 in response to a request from Asterisk.
func (f *phone) answer(m *message, to net.Addr) {
	switch m.method() {
	case "ACK":
	case "REGISTER": // as a provider: who are you?
		if m.header.Get("Authorization") == "" {
			f.respond(m, to, "401 Unauthorized", `WWW-Authenticate: Digest realm="provider", nonce="n1", algorithm=MD5`)
			return
		}
		f.respond(m, to, "200 OK", "Contact: "+m.header.Get("Contact"), "Expires: 120")
	case "INVITE":
		f.respond(m, to, "200 OK", "Contact: <sip:"+f.address+">", "Content-Type: application/sdp", "", f.description())
	default:
		f.respond(m, to, "200 OK")
	}
}

// respond sends a response. Lines are headers; after an empty one comes a body.
func (f *phone) respond(m *message, to net.Addr, status string, lines ...string) {
	head := []string{"SIP/2.0 " + status}
	for _, name := range []string{"Via", "Record-Route", "From", "To", "Call-Id", "Cseq"} {
		for _, value := range m.header[name] {
			if name == "To" && parameter(value, "tag") == "" {
				value += ";tag=phone"
			}
			head = append(head, name+": "+value)
		}
	}
	_, _ = f.conn.WriteTo(compose(head, lines), to)
}

// compose writes a message, with the length of its body.
func compose(head, lines []string) []byte {
	body := ""
	for i, line := range lines {
		if line == "" {
			body = strings.Join(lines[i+1:], "\r\n")
			break
		}
		head = append(head, line)
	}
	head = append(head, fmt.Sprintf("Content-Length: %d", len(body)))
	return []byte(strings.Join(head, "\r\n") + "\r\n\r\n" + body)
}

// description offers and accepts one codec.
func (f *phone) description() string {
	host, port, _ := net.SplitHostPort(f.media.LocalAddr().String())
	return strings.Join([]string{
		"v=0", "o=- 1 1 IN IP4 " + host, "s=-", "c=IN IP4 " + host, "t=0 0",
		"m=audio " + port + " RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv", "",
	}, "\r\n")
}

// await waits for a message.
func (f *phone) await(t *testing.T, what string, right func(*message) bool) *message {
	t.Helper()
	late := time.After(patience)
	var seen []string
	for {
		select {
		case m := <-f.inbox:
			if right(m) {
				return m
			}
			seen = append(seen, m.start)
		case <-late:
			t.Fatalf("the phone %s got no %s, but %q", f.user, what, seen)
		}
	}
}

// awaitRequest waits for a request of Asterisk.
func (f *phone) awaitRequest(t *testing.T, method string) *message {
	t.Helper()
	return f.await(t, method, func(m *message) bool { return m.status() == 0 && m.method() == method })
}

// forget drops what has come so far.
func (f *phone) forget() {
	for {
		select {
		case <-f.inbox:
		default:
			return
		}
	}
}

// A dialog is what the requests of one call or subscription have in common.
type dialog struct {
	phone          *phone
	target         string // where requests go
	from, to, call string
}

// newDialog begins one with a user of Asterisk's.
func (f *phone) newDialog(user string) *dialog {
	return &dialog{f, "sip:" + user + "@" + f.sip, fmt.Sprintf("<sip:%s@%s>;tag=%s", f.user, f.sip, rand.Text()), fmt.Sprintf("<sip:%s@%s>", user, f.sip), rand.Text()}
}

// request sends a request, authenticates if it must, and returns the final
// response.
func (d *dialog) request(t *testing.T, method string, lines ...string) *message {
	t.Helper()
	f := d.phone
	for login := ""; ; {
		sequence := f.sequence.Add(1)
		head := d.head(method, sequence)
		if login != "" {
			head = append(head, login)
		}
		_, err := f.conn.WriteTo(compose(head, lines), f.server)
		check(t, err)
		final := f.await(t, "answer to "+method, func(m *message) bool {
			return m.status() >= 200 && m.header.Get("CSeq") == fmt.Sprint(sequence, " ", method)
		})
		if method == "INVITE" {
			d.acknowledge(t, final, sequence)
		}
		challenge := final.header.Get("WWW-Authenticate")
		if final.status() != 401 || login != "" {
			return final
		}
		login = "Authorization: " + authorization(challenge, method, d.target, f.user, f.password)
	}
}

func (d *dialog) head(method string, sequence int64) []string {
	return []string{
		method + " " + d.target + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s", d.phone.address, rand.Text()),
		"Max-Forwards: 70",
		"From: " + d.from,
		"To: " + d.to,
		"Call-ID: " + d.call,
		fmt.Sprintf("CSeq: %d %s", sequence, method),
		"User-Agent: phone; ^3B of the tests",
	}
}

// acknowledge confirms to Asterisk that the final response to an INVITE has come,
// and continues with the other side that it names.
func (d *dialog) acknowledge(t *testing.T, final *message, sequence int64) {
	t.Helper()
	begun := *d
	begun.to = final.header.Get("To")
	if final.status() < 300 {
		begun.target = strings.Trim(final.header.Get("Contact"), "<>")
		*d = begun
	}
	_, err := d.phone.conn.WriteTo(compose(begun.head("ACK", sequence), nil), d.phone.server)
	check(t, err)
}

// contact is the phone's address, with parameters as phones add them.
func (f *phone) contact(parameters string) string {
	return fmt.Sprintf("<sip:%s@%s%s>", f.user, f.address, parameters)
}

// register sends a REGISTER with a contact for some seconds.
func (f *phone) register(t *testing.T, contact string, seconds int) *message {
	t.Helper()
	d := f.newDialog(f.user)
	d.target, d.call = "sip:"+f.sip, f.callID
	return d.request(t, "REGISTER", "Contact: "+contact, fmt.Sprintf("Expires: %d", seconds))
}

// registers fails the test when Asterisk does not take the contact, or takes it
// without naming it, which is how it says that it could not be stored.
func (f *phone) registers(t *testing.T, contact string, seconds int) {
	t.Helper()
	final := f.register(t, contact, seconds)
	bindings := strings.Join(final.header["Contact"], ", ")
	if final.status() != 200 || !strings.Contains(bindings, contact) {
		t.Fatalf("%s registers %s: %s, contacts %s", f.user, contact, final.start, bindings)
	}
}

// calls calls an extension; Asterisk has answered when it returns.
func (f *phone) calls(t *testing.T, extension string) *dialog {
	t.Helper()
	d := f.newDialog(extension)
	final := d.request(t, "INVITE", "Contact: "+f.contact(""), "Content-Type: application/sdp", "", f.description())
	if final.status() != 200 {
		t.Fatalf("%s calls %s: %s", f.user, extension, final.start)
	}
	f.speak(t, final.body)
	return d
}

// press presses keys.
func (d *dialog) press(t *testing.T, keys string) {
	t.Helper()
	for _, key := range keys {
		final := d.request(t, "INFO", "Content-Type: application/dtmf-relay", "", fmt.Sprintf("Signal=%c\r\nDuration=100\r\n", key))
		if final.status() != 200 {
			t.Fatalf("press %c: %s", key, final.start)
		}
	}
}

// hangUp ends a call.
func (d *dialog) hangUp(t *testing.T) {
	t.Helper()
	d.request(t, "BYE")
}
