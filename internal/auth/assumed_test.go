package auth_test

import (
	"fmt"
	"net/netip"
	"testing"

	"dbsep/gateway"
	"dbsep/internal/auth"
)

func TestAssumedClient(t *testing.T) {
	all := []auth.Right{{Pattern: "*", Read: true, Write: true}}
	rules := auth.Rules{
		Allow:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Htpasswd: "/nonexistent", // it is not read: who the client is, is assumed
		Tables: []auth.Ruling{
			{Rights: all},
			{Kind: "user", Name: "alice", Rights: []auth.Right{{Pattern: "ps_*", Read: true}}},
			{Kind: "certificate", Name: "alice", Rights: all},
			{Kind: "certificate", Name: "pbx", Rights: all},
			{Kind: "network", Name: "192.0.2.8/29", Rights: all},
		},
	}
	for _, test := range []struct {
		name                       string
		address, user, certificate string
		tables                     []auth.Ruling
		want                       string // section, rights to ps_aors and cdr, or the error
	}{
		{"nothing is known", "", "", "", rules.Tables, "[tables] read write, read write"},
		{"a user", "192.0.2.1", "alice", "", rules.Tables, "[tables user:alice] read, none"},
		{"a user before a certificate", "", "alice", "alice", rules.Tables, "[tables user:alice] read, none"},
		{"a certificate", "", "", "pbx", rules.Tables, "[tables certificate:pbx] read write, read write"},
		{"a network", "192.0.2.9", "bob", "", rules.Tables, "[tables network:192.0.2.8/29] read write, read write"},
		{"an address that may not connect", "198.51.100.1", "alice", "", rules.Tables, "forbidden"},
		{"no rights are configured", "", "alice", "", nil, " all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rules.Tables = test.tables
			address, _ := netip.ParseAddr(test.address)
			a := auth.Assume(rules, address, test.user, test.certificate)
			if got := rightsOf(a); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// rightsOf are the section of an assumed client, and its rights to two tables.
func rightsOf(a *auth.Assumed) string {
	client, err := a.Authorize(nil)
	if err != nil {
		code, _ := gateway.Explain(err)
		return string(code)
	}
	if client.Rights == nil {
		return a.Section() + " all"
	}
	words := func(table string) string {
		switch r := client.Rights(table); {
		case r == nil:
			return "none"
		case r.CanWrite():
			return "read write"
		}
		return "read"
	}
	return fmt.Sprintf("%s %s, %s", a.Section(), words("ps_aors"), words("cdr"))
}
