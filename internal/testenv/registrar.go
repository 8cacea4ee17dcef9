package testenv

import (
	"fmt"
	"strings"
	"testing"
)

// registrarFamilies are what phones need to register, with their names in sorcery.conf.
var registrarFamilies = [][2]string{
	{"ps_endpoints", "endpoint"}, {"ps_auths", "auth"}, {"ps_aors", "aor"}, {"ps_contacts", "contact"}, {"ps_domain_aliases", "domain_alias"},
}

// WriteRegistrar writes the files of an Asterisk where phones register at an address of its
// own, and which has all that they need in a database. driver is what extconfig.conf says of
// a family. The page is docs/asterisk.md. It returns the names of the caches that sorcery has,
// none unless cached.
func (a *Asterisk) WriteRegistrar(t testing.TB, page *Page, sip string, cached bool, driver func(family string) string) (caches []string) {
	t.Helper()
	extconfig, sorcery := "[settings]\n", "[res_pjsip]\n"
	for _, family := range registrarFamilies {
		extconfig += family[0] + " => " + driver(family[0]) + "\n"
		sorcery += family[1] + " = realtime," + family[0] + "\n"
	}
	if cached {
		sorcery = page.Block(t, "sorcery-cache.conf")
	}
	for part := range strings.SplitSeq(sorcery, ",") {
		if name, found := strings.CutPrefix(part, "name="); found {
			caches = append(caches, name)
		}
	}
	a.Write(t, "extconfig.conf", extconfig)
	a.Write(t, "sorcery.conf", sorcery)
	a.Write(t, "pjsip.conf", page.Block(t, "pjsip.conf", "127.0.0.1:5060", sip))
	for _, name := range []string{"modules.conf", "res_curl.conf"} {
		a.Write(t, name, page.Block(t, name))
	}
	return caches
}

// ForgetCached removes all objects from a cache of sorcery's.
func (a *Asterisk) ForgetCached(t testing.TB, cache string) {
	t.Helper()
	out, err := a.Command(t.Context(), "sorcery memory cache expire "+cache)
	if err == nil && !strings.Contains(out, "have been removed") {
		err = fmt.Errorf("it says %q", out)
	}
	if err != nil {
		t.Fatalf("empty the cache %s: %v", cache, err)
	}
}
