package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"dbsep/internal/config"

	"github.com/google/go-cmp/cmp"
)

// A section that is ignored because of its spelling must not let clients do more.
func TestMisspeltSecuritySectionIsAMistake(t *testing.T) {
	for header, section := range map[string]string{
		"[table]":                        "tables",
		"[tabels]":                       "tables",
		"[ TABLE ]":                      "tables",
		"[tables]x":                      "tables",
		"[tables":                        "tables",
		"[[tables]]":                     "tables",
		`["tables"]`:                     "tables",
		"tables]":                        "tables",
		"(tables)":                       "tables",
		"[table user:kamailio]":          "tables",
		"[tables-user:kamailio]":         "tables",
		"[tables:user:kamailio]":         "tables",
		"[tablesuser:kamailio]":          "tables",
		"[user:kamailio]":                "tables",
		"[Network : 10.1.0.0/16]":        "tables",
		"[certificate:a.example.org]":    "tables",
		"[tаbles]":                       "tables", // with a Cyrillic letter
		"[sever]":                        "server",
		"[servr]":                        "server",
		"[servers]":                      "server",
		"[server 1]":                     "server",
		"[lastgod]":                      "lastgood",
		"[last_good]":                    "lastgood",
		"[last good]":                    "lastgood",
		"[lastgood ps_*]":                "lastgood",
		"[cahce]":                        "cache",
		"[compatt cdr]":                  "compat",
		"[compat:cdr]":                   "compat",
		"[compatibility]":                "compat",
		"[general]\ncolour=red\n[table]": "tables",
		"[general]\ntables]":             "tables",
	} {
		t.Run(header, func(t *testing.T) {
			text := "dsn=x\n" + header + "\nfields=read\n"
			_, err := config.Parse("dbsep.conf", []byte(text))
			if err == nil || !strings.Contains(err.Error(), "["+section+"]") && !strings.Contains(err.Error(), "section "+section) {
				t.Errorf("Parse(%q): %v, want a mistake that names [%s]", text, err, section)
			}
		})
	}
}

func TestSectionThatDbsepDoesNotKnowIsIgnored(t *testing.T) {
	for _, header := range []string{"[general]", "[asterisk]", "[mysql]", "[limit]", "[default]", "[logger]", "[db users]"} {
		expect(t, parse(t, "dsn=x\n"+header+"\nfields=read\n").Warnings, []string{"2: no such section; its lines have no effect"})
	}
}

func TestAnySpaceSeparatesTheClientOfASection(t *testing.T) {
	for _, space := range []string{" ", "\t", " \t "} {
		c := parse(t, "[server]\nhtpasswd=/p\n[tables"+space+"user:kamailio]\n*=none\n[compat"+space+"cdr]\nstrict=no\n")
		if len(c.Tables) != 1 || c.Tables[0].Name != "kamailio" || len(c.TableCompat) != 1 || c.TableCompat[0].Pattern != "cdr" {
			t.Errorf("with %q: %+v, %+v", space, c.Tables, c.TableCompat)
		}
	}
}

// The addresses of clients are IPv4, not IPv4-mapped IPv6.
func TestNetworkOfMappedAddresses(t *testing.T) {
	c := parse(t, "[server]\nallow=::ffff:10.0.0.0/104, ::ffff:192.0.2.7, ::ffff:192.0.2.8/128\nproxy_protocol=::ffff:127.0.0.0/104\n[tables network:::ffff:10.0.0.0/104]\n*=read\n")
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("192.0.2.8/32")}
	if diff := cmp.Diff(want, c.Server.Allow, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if len(c.Server.ProxyProtocol) != 1 || c.Server.ProxyProtocol[0] != netip.MustParsePrefix("127.0.0.0/8") {
		t.Errorf("proxy_protocol is %v", c.Server.ProxyProtocol)
	}
	if c.Tables[0].Name != "10.0.0.0/8" {
		t.Errorf("[tables network:%s]", c.Tables[0].Name)
	}
	expect(t, mistakes(t, "[server]\nallow=::ffff:0.0.0.0/90\n"), []string{`2: allow: "::ffff:0.0.0.0/90" is `})
}
