package auth

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"slices"

	"dbsep/gateway"
)

// Rules say who may ask. A client must meet all that are set.
type Rules struct {
	Allow    []netip.Prefix // none: every address
	Htpasswd string         // a file; empty: no password is asked for
	Tables   []Ruling       // none: every right
}

// A Guard admits clients by rules. It is safe for use by many goroutines.
type Guard struct {
	allow     []netip.Prefix
	passwords *passwords // nil: none are asked for
	tables    *rulings
	ended     chan struct{}
}

var _ gateway.Guard = (*Guard)(nil)

// New returns a guard of a server's own door. Its error tells what is wrong with
// the file of passwords.
func New(r Rules) (*Guard, error) {
	g := &Guard{allow: r.Allow, tables: newRulings(r.Tables), ended: make(chan struct{})}
	if r.Htpasswd == "" {
		return g, nil
	}
	var err error
	g.passwords, err = readPasswords(r.Htpasswd)
	return g, err
}

// Next returns a guard for other rules. It knows the passwords that g has
// compared, as far as the users' lines in the file are the same.
func (g *Guard) Next(r Rules) (*Guard, error) {
	next, err := New(r)
	if err == nil && next.passwords != nil && g.passwords != nil {
		next.passwords.remember(g.passwords)
	}
	return next, err
}

// End lets responses that are delayed be sent at once. It is called once, when no
// new requests are to come.
func (g *Guard) End() { close(g.ended) }

// Admit tells who asks. A connection that was one too many, an address outside
// the networks and a wrong password are refused, in this order.
func (g *Guard) Admit(r *http.Request) (gateway.Client, error) {
	if surplus(r.Context()) {
		return gateway.Client{}, &gateway.Error{Code: gateway.TooManyClients}
	}
	who := identity{address: address(r.RemoteAddr), certificate: certificateNames(r)}
	if !g.allowed(who.address) {
		return gateway.Client{}, &gateway.Error{Code: gateway.Forbidden, Hint: "add the client's network to [server] allow"}
	}
	if g.passwords != nil {
		var err error
		if who.user, err = g.passwords.check(r, who.address, g.ended); err != nil {
			return gateway.Client{}, err
		}
	}
	return g.tables.client(who), nil
}

// allowed tells whether an address may ask. A client of a unix socket has none:
// the file's mode decides there.
func (g *Guard) allowed(a netip.Addr) bool {
	return len(g.allow) == 0 || !a.IsValid() ||
		slices.ContainsFunc(g.allow, func(n netip.Prefix) bool { return n.Contains(a) })
}

// identity is what is known of who asks.
type identity struct {
	address     netip.Addr // invalid for a unix socket
	user        string
	certificate []string // its names, the common one first
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

// address reads net/http's RemoteAddr. That of a unix socket is none.
func address(remote string) netip.Addr {
	p, _ := netip.ParseAddrPort(remote)
	return p.Addr().Unmap().WithZone("")
}

// certificateNames are the names of the certificate that a client has shown and
// that one of the authorities vouches for.
func certificateNames(r *http.Request) []string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
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
