package auth

import (
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"dbsep/gateway"
)

// hosts tell requests of clients from those of web pages. A browser sends a request for
// any page that it shows, also to a server that only programs of its machine can reach.
type hosts struct {
	named   []string // of the configuration
	machine string   // its own name
	pages   *http.CrossOriginProtection
}

func newHosts(named []string) hosts {
	machine, _ := os.Hostname()
	return hosts{named, strings.ToLower(machine), http.NewCrossOriginProtection()}
}

// checkOrigin refuses a request that a page of another server sent. Such a request may
// not read either: its response could be run as a script. A request without the headers
// was sent by no browser, or by one that lets no page read the response.
func (h hosts) checkOrigin(r *http.Request) *gateway.Error {
	write := r.WithContext(r.Context())
	write.Method = http.MethodPost
	err := h.pages.Check(write)
	if err == nil {
		return nil
	}
	from := ""
	if u, err := url.Parse(r.Header.Get("Origin")); err == nil {
		from = hostName(u.Host)
	}
	if from != "" && slices.Contains(h.named, from) {
		return nil
	}
	e := &gateway.Error{Code: gateway.CrossOrigin, Err: err}
	if from != "" {
		e.Hint = "if the page is one of yours, add " + shown(from) + " to hosts= in the section [server]"
	}
	return e
}

// checkHost refuses a name that is none of the server's: a page of another server reads
// responses once its name means this machine (DNS rebinding). No page has the name
// localhost, and none of the Internet has one without a dot. An address cannot be made to
// mean another one. HTTP/1.0 has no Host, and a browser sends whole URLs to a proxy only.
func (h hosts) checkHost(r *http.Request) *gateway.Error {
	name := hostName(r.Host)
	if r.URL.Host != "" || !strings.Contains(name, ".") || strings.HasSuffix(name, ".localhost") || name == h.machine || slices.Contains(h.named, name) {
		return nil
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return nil
	}
	return &gateway.Error{Code: gateway.UnknownHost, Hint: "add " + shown(name) + " to hosts= in the section [server], or let the client or the proxy send Host: localhost"}
}

// hostName returns the name or the address of a Host header.
func hostName(host string) string {
	u := url.URL{Host: host}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// shown returns a name for a hint. A name of the DNS is not longer.
func shown(name string) string { return name[:min(len(name), 253)] }
