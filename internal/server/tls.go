package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/config"
)

// newTLS returns the TLS configuration of new connections; nil: plain HTTP. failed is
// called with the reason why a renewed certificate cannot be used.
func newTLS(c config.Server, failed func(error)) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil //nolint:nilnil // there is none, and no error
	}
	return auth.TLS{Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.ClientCA}.Config(failed)
}

// verify returns the state of a connection under another TLS configuration than that
// of its handshake. Its error is the reason why a new connection would be refused.
func verify(state *tls.ConnectionState, c *tls.Config) (*tls.ConnectionState, error) {
	switch {
	case c != nil && state == nil:
		return nil, &gateway.Error{Code: gateway.HTTPSRequired}
	case state == nil:
		return nil, nil
	}
	verified := *state
	verified.VerifiedChains = nil
	if c == nil || c.ClientCAs == nil {
		return &verified, nil
	}
	var err error
	if verified.VerifiedChains, err = chains(state.PeerCertificates, c.ClientCAs); err != nil {
		return nil, &gateway.Error{Code: gateway.Forbidden, Err: err, Hint: "let the client show a certificate of an authority in [server] client_ca"}
	}
	return &verified, nil
}

// errNoCertificate is the reason why a client without a certificate is refused.
var errNoCertificate = errors.New("the client has shown no certificate")

// chains verifies the certificate of a client, as crypto/tls does in a handshake.
func chains(certificates []*x509.Certificate, authorities *x509.CertPool) ([][]*x509.Certificate, error) {
	if len(certificates) == 0 {
		return nil, errNoCertificate
	}
	o := x509.VerifyOptions{Roots: authorities, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, c := range certificates[1:] {
		o.Intermediates.AddCert(c)
	}
	return certificates[0].Verify(o)
}
