package auth

import (
	"net/http"

	"dbsep/gateway"
)

// A WebGuard goes by what a web server has found out about a client, for
// programs that one has started. The web server decides who may ask at all.
type WebGuard struct {
	tables   *rulings
	variable func(r *http.Request, name string) string
}

// NewWeb returns a guard that asks for the CGI variables of a request.
func NewWeb(tables []Ruling, variable func(r *http.Request, name string) string) *WebGuard {
	return &WebGuard{newRulings(tables), variable}
}

// Admit names the client by REMOTE_USER, SSL_CLIENT_S_DN_CN and its address.
func (g *WebGuard) Admit(r *http.Request) (gateway.Client, error) {
	who := identity{user: g.variable(r, "REMOTE_USER"), address: address(r.RemoteAddr)}
	if name := g.variable(r, "SSL_CLIENT_S_DN_CN"); name != "" && g.variable(r, "SSL_CLIENT_VERIFY") == "SUCCESS" {
		who.certificate = []string{name}
	}
	return g.tables.client(who), nil
}
