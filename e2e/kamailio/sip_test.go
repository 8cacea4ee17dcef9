//go:build e2e

package kamailio

import (
	"bufio"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A phone is a SIP client that sends single requests over UDP.
type phone struct {
	conn *net.UDPConn
}

// newPhone returns a phone that speaks to a SIP server.
func newPhone(t *testing.T, server string) *phone {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp", server)
	check(t, err)
	c, err := net.DialUDP("udp", nil, to)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return &phone{c}
}

// A reply is what the script makes of dbsep's response, and how long that took.
type reply struct {
	status, result string
	took           time.Duration
}

var calls atomic.Int64

// ask sends a request for a route of the script, and waits for the response.
// Headers that are given bring their own Call-ID.
func (p *phone) ask(t *testing.T, route, from, domain string, headers ...string) reply {
	t.Helper()
	r, err := p.send(t.Context(), route, from, domain, headers...)
	if err != nil {
		t.Fatalf("%s: %v", route, err)
	}
	return r
}

func (p *phone) send(ctx context.Context, route, from, domain string, headers ...string) (reply, error) {
	id := calls.Add(1)
	local := p.conn.LocalAddr()
	var text strings.Builder
	fmt.Fprintf(&text, "OPTIONS sip:%s@%s SIP/2.0\r\n", route, domain)
	fmt.Fprintf(&text, "Via: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\n", local, id)
	fmt.Fprintf(&text, "From: <sip:%s@example.org>;tag=%d\r\nTo: <sip:%s@example.org>\r\nCSeq: %[2]d OPTIONS\r\nMax-Forwards: 70\r\n", from, id, route)
	if len(headers) == 0 {
		headers = []string{fmt.Sprintf("Call-ID: call-%d", id)}
	}
	text.WriteString(strings.Join(headers, "\r\n") + "\r\nContent-Length: 0\r\n\r\n")
	began := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = began.Add(10 * time.Second)
	}
	p.conn.SetDeadline(deadline)
	if _, err := p.conn.Write([]byte(text.String())); err != nil {
		return reply{}, err
	}
	packet := make([]byte, 64<<10)
	for {
		n, err := p.conn.Read(packet)
		if err != nil {
			return reply{}, err
		}
		line, h, err := parse(string(packet[:n]))
		if err != nil {
			return reply{}, err
		}
		if strings.HasPrefix(line, "SIP/2.0 1") || !strings.HasPrefix(h.Get("CSeq"), fmt.Sprint(id, " ")) {
			continue
		}
		if !strings.HasPrefix(line, "SIP/2.0 200 ") {
			return reply{}, errors.New(line)
		}
		result, err := url.PathUnescape(h.Get("X-Result"))
		return reply{h.Get("X-Status"), result, time.Since(began)}, err
	}
}

// credentials are for a challenge of digest authentication.
type credentials struct{ user, password, nonce string }

// register sends a REGISTER and returns the status of the response, and the nonce
// of its challenge.
func (p *phone) register(t *testing.T, user string, c credentials) (status int, nonce string) {
	t.Helper()
	const uri, realm = "sip:example.org", "example.org"
	id := calls.Add(1)
	local := p.conn.LocalAddr()
	text := fmt.Sprintf("REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\n", uri, local, id) +
		fmt.Sprintf("From: <sip:%s@%s>;tag=%d\r\nTo: <sip:%[1]s@%[2]s>\r\n", user, realm, id) +
		fmt.Sprintf("Call-ID: call-%d\r\nCSeq: %[1]d REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:%s@%s>\r\n", id, user, local)
	if c.nonce != "" {
		hash := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
		response := hash(hash(c.user+":"+realm+":"+c.password) + ":" + c.nonce + ":" + hash("REGISTER:"+uri))
		text += fmt.Sprintf("Authorization: Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q, algorithm=MD5\r\n", c.user, realm, c.nonce, uri, response)
	}
	check(t, p.conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err := p.conn.Write([]byte(text + "Content-Length: 0\r\n\r\n"))
	check(t, err)
	packet := make([]byte, 64<<10)
	for {
		n, err := p.conn.Read(packet)
		check(t, err)
		line, h, err := parse(string(packet[:n]))
		check(t, err)
		if !strings.HasPrefix(h.Get("CSeq"), fmt.Sprint(id, " ")) {
			continue
		}
		_, err = fmt.Sscanf(line, "SIP/2.0 %d ", &status)
		check(t, err)
		if challenge := nonceOf.FindStringSubmatch(h.Get("WWW-Authenticate")); challenge != nil {
			nonce = challenge[1]
		}
		return status, nonce
	}
}

var nonceOf = regexp.MustCompile(`nonce="([^"]+)"`)

// parse reads a SIP message's first line and its header.
func parse(message string) (line string, h textproto.MIMEHeader, err error) {
	r := textproto.NewReader(bufio.NewReader(strings.NewReader(message)))
	if line, err = r.ReadLine(); err != nil {
		return "", nil, err
	}
	h, err = r.ReadMIMEHeader()
	return line, h, err
}

// want fails the test unless the script got this from dbsep, in time.
func (r reply) want(t *testing.T, status, result string) {
	t.Helper()
	if r.status != status || r.result != result {
		t.Errorf("the script got status %s and %q, want %s and %q", r.status, r.result, status, result)
	}
	if r.took > 500*time.Millisecond {
		t.Errorf("it took %v", r.took)
	}
}
