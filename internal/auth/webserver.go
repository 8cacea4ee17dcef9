package auth

import (
	"net/http"

	"dbsep/gateway"
)

// A WebServerAuthorizer identifies clients by what a web server found out about
// them, for programs that a web server starts. It refuses no client: the web
// server does that.
type WebServerAuthorizer struct {
	tables   *rulings
	variable func(r *http.Request, name string) string
}

// NewWeb returns an authorizer that reads the CGI variables of a request.
func NewWeb(tables []Ruling, variable func(r *http.Request, name string) string) *WebServerAuthorizer {
	return &WebServerAuthorizer{newRulings(tables), variable}
}

// Authorize identifies the client by REMOTE_USER, SSL_CLIENT_S_DN_CN and its
// address.
func (a *WebServerAuthorizer) Authorize(r *http.Request) (gateway.Client, error) {
	id := identity{user: a.variable(r, "REMOTE_USER"), address: address(r.RemoteAddr)}
	if name := a.variable(r, "SSL_CLIENT_S_DN_CN"); name != "" && a.variable(r, "SSL_CLIENT_VERIFY") == "SUCCESS" {
		id.certificate = []string{name}
	}
	return a.tables.client(id), nil
}
