package auth

import (
	"crypto/x509"
	"net/http"
	"net/netip"

	"dbsep/gateway"
)

// Rules say which clients may send requests. A client must meet all that are set.
type Rules struct {
	Allow    []netip.Prefix // none: every address
	Hosts    []string       // lower case: the names of the server, beside those of the machine itself
	Htpasswd string         // a file; empty: no password is required
	Tables   []Ruling       // none: every right
}

// An Authorizer admits clients by rules. It is safe for use by many goroutines.
type Authorizer struct {
	allow     []netip.Prefix
	hosts     hosts
	passwords *passwords // nil: none are required
	tables    *rulings
	ended     chan struct{}
}

var _ gateway.Authorizer = (*Authorizer)(nil)

// New returns an authorizer for a server. Its error reports what is wrong with the
// htpasswd file.
func New(r Rules) (*Authorizer, error) {
	a := &Authorizer{allow: r.Allow, hosts: newHosts(r.Hosts), tables: newRulings(r.Tables), ended: make(chan struct{})}
	if r.Htpasswd == "" {
		return a, nil
	}
	var err error
	a.passwords, err = readPasswords(r.Htpasswd)
	return a, err
}

// Next returns an authorizer for other rules. It keeps the results of the password
// comparisons that a has done, for users whose lines in the file are unchanged.
func (a *Authorizer) Next(r Rules) (*Authorizer, error) {
	next, err := New(r)
	if err == nil && next.passwords != nil && a.passwords != nil {
		next.passwords.remember(a.passwords)
	}
	return next, err
}

// End sends delayed responses at once. It is called once, when no new requests
// will come.
func (a *Authorizer) End() { close(a.ended) }

// Authorize identifies the client. It refuses an address outside the networks, what a
// web page may have sent, a wrong password and a connection without a place, in this
// order. A client that has sent no password yet may do so on the same connection.
func (a *Authorizer) Authorize(r *http.Request) (gateway.Client, error) {
	conn := connOf(r.Context())
	id, err := a.identify(r, conn)
	if err == nil {
		err = conn.admit()
	}
	if err == nil {
		return a.tables.client(id), nil
	}
	refusal := *err
	refusal.Refused = err.Code != gateway.Unauthorized || r.Header.Get("Authorization") != "" || !HasPlace(r.Context())
	return gateway.Client{}, &refusal
}

// identify returns what is known of the client of a request.
func (a *Authorizer) identify(r *http.Request, conn *clientConn) (id identity, err *gateway.Error) {
	id = identity{address: address(r.RemoteAddr), certificate: certificateNames(r)}
	if err := checkAddress(id.address, a.allow); err != nil {
		return id, err
	}
	if err := a.hosts.checkOrigin(r); err != nil {
		return id, err
	}
	switch {
	case a.passwords != nil:
		id.user, err = a.passwords.check(r, id.address, a.ended)
	case conn != nil && conn.loopback && !verified(r):
		err = a.hosts.checkHost(r)
	}
	return id, err
}

// checkAddress refuses an address outside the networks.
func checkAddress(address netip.Addr, networks []netip.Prefix) *gateway.Error {
	if allowed(address, networks) {
		return nil
	}
	return &gateway.Error{Code: gateway.Forbidden, Hint: "add the client's network to [server] allow"}
}

// identity is what is known of a client.
type identity struct {
	address     netip.Addr // invalid for a unix socket
	user        string
	certificate []string // its names, the common name first
}

// name is the identity for the log.
func (i identity) name() string {
	switch {
	case i.user != "":
		return i.user
	case len(i.certificate) > 0:
		return i.certificate[0]
	}
	return ""
}

// address parses net/http's RemoteAddr. A unix socket has no address.
func address(remote string) netip.Addr {
	p, _ := netip.ParseAddrPort(remote)
	return p.Addr().Unmap().WithZone("")
}

// verified reports whether the client has shown a certificate of its authority.
func verified(r *http.Request) bool { return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 }

// certificateNames returns the names of the verified client certificate.
func certificateNames(r *http.Request) []string {
	if !verified(r) {
		return nil
	}
	return namesOf(r.TLS.PeerCertificates[0])
}

func namesOf(c *x509.Certificate) []string {
	var names []string
	if c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return append(names, c.DNSNames...)
}
