package auth

import (
	"net/http"
	"net/netip"

	"dbsep/gateway"
)

// An Assumed is an authorizer that takes every request for one of the same client. It
// requires no password and no certificate.
type Assumed struct {
	allow  []netip.Prefix
	tables *rulings
	id     identity
}

// Assume returns an authorizer for a client, of whom anything may be unknown.
func Assume(r Rules, address netip.Addr, user, certificate string) *Assumed {
	a := &Assumed{allow: r.Allow, tables: newRulings(r.Tables), id: identity{address: address, user: user}}
	if certificate != "" {
		a.id.certificate = []string{certificate}
	}
	return a
}

// Authorize returns the client, unless its address is outside the networks.
func (a *Assumed) Authorize(*http.Request) (gateway.Client, error) {
	if err := checkAddress(a.id.address, a.allow); err != nil {
		return gateway.Client{}, err
	}
	return a.tables.client(a.id), nil
}

// Section names the section of dbsep.conf that has the client's rights. It is empty where
// every client has every right.
func (a *Assumed) Section() string {
	if r := a.tables.find(a.id); r != nil {
		return r.section
	}
	return ""
}
