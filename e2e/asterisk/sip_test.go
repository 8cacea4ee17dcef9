//go:build e2e

package asterisk

import (
	"bufio"
	"crypto/md5"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
)

// A message is a SIP request or response.
type message struct {
	start  string // the request or status line
	header textproto.MIMEHeader
	body   string
}

// compact are the short names of headers that Asterisk may use.
var compact = map[string]string{"v": "Via", "f": "From", "t": "To", "i": "Call-Id", "m": "Contact", "l": "Content-Length", "c": "Content-Type", "o": "Event"}

func parseMessage(packet []byte) (*message, error) {
	head, body, _ := strings.Cut(string(packet), "\r\n\r\n")
	start, fields, _ := strings.Cut(head, "\r\n")
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(fields + "\r\n\r\n"))).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", start, err)
	}
	for short, long := range compact {
		if values, ok := header[textproto.CanonicalMIMEHeaderKey(short)]; ok {
			header[long] = append(header[long], values...)
		}
	}
	return &message{start, header, body}, nil
}

// status is 0 for a request.
func (m *message) status() int {
	var status int
	_, _ = fmt.Sscanf(m.start, "SIP/2.0 %d", &status)
	return status
}

// method is the request's; for a response, that of its request.
func (m *message) method() string {
	_, method, _ := strings.Cut(m.header.Get("CSeq"), " ")
	return method
}

// uri is the target of a request.
func (m *message) uri() string {
	_, rest, _ := strings.Cut(m.start, " ")
	uri, _, _ := strings.Cut(rest, " ")
	return uri
}

// parameter is a parameter of a header: a tag, a nonce.
func parameter(header, name string) string {
	found := regexp.MustCompile(`(?i)(?:^|[;, ])` + name + `="?([^";,>\s]*)`).FindStringSubmatch(header)
	if found == nil {
		return ""
	}
	return found[1]
}

// authorization is the response to a digest challenge (RFC 2617, MD5, with or
// without qop).
func authorization(challenge, method, uri, user, password string) string {
	realm, nonce := parameter(challenge, "realm"), parameter(challenge, "nonce")
	sum := func(parts ...string) string { return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":")))) }
	a1, a2 := sum(user, realm, password), sum(method, uri)
	answer := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5`, user, realm, nonce, uri)
	if opaque := parameter(challenge, "opaque"); opaque != "" {
		answer += fmt.Sprintf(`, opaque="%s"`, opaque)
	}
	if parameter(challenge, "qop") == "" {
		return answer + fmt.Sprintf(`, response="%s"`, sum(a1, nonce, a2))
	}
	const count, once = "00000001", "0a4f113b"
	return answer + fmt.Sprintf(`, qop=auth, nc=%s, cnonce="%s", response="%s"`, count, once, sum(a1, nonce, count, once, "auth", a2))
}
