package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
)

// tls reads the options that begin with ssl. As in DBD::mysql they count only
// where mysql_ssl is on, and the server's certificate is verified as far as
// there is something to verify it with: its chain with a CA, its name where
// ssl_verify_server_cert requires it.
func (m dsnOptions) tls(o *database.OpenContext, c *mysql.Config) {
	if !dsn.IsTrue(m["ssl"]) {
		return
	}
	roots := m.roots(o)
	name := m["host"]
	if name == "" {
		name = "localhost"
	}
	c.TLS = &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
	switch {
	case dsn.IsTrue(m["ssl_verify_server_cert"]):
	case roots == nil:
		c.TLS.InsecureSkipVerify = true
	default:
		c.TLS.InsecureSkipVerify = true // the name; the chain is verified here:
		c.TLS.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
	}
	c.AllowFallbackToPlaintext = dsn.IsTrue(m["ssl_optional"])
	if m["ssl_client_cert"] == "" && m["ssl_client_key"] == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(m["ssl_client_cert"], m["ssl_client_key"])
	if err != nil {
		o.Refuse("dsn", "names a client certificate and key that cannot be loaded", "name both, in PEM, readable for the account that dbsep runs as")
		return
	}
	c.TLS.Certificates = []tls.Certificate{pair}
}

// roots reads the certificates of the CA file and the CA directory, nil where
// neither is named.
func (m dsnOptions) roots(o *database.OpenContext) *x509.CertPool {
	var files []string
	if dir := m["ssl_ca_path"]; dir != "" {
		files, _ = filepath.Glob(filepath.Join(dir, "*.pem"))
		if len(files) == 0 {
			o.Refuse("dsn", fmt.Sprintf("names the directory %s for CA certificates, which has no file *.pem", dir), "correct mysql_ssl_ca_path")
		}
	}
	if file := m["ssl_ca_file"]; file != "" {
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil
	}
	roots := x509.NewCertPool()
	for _, file := range files {
		if pem, err := os.ReadFile(file); err != nil || !roots.AppendCertsFromPEM(pem) {
			o.Refuse("dsn", fmt.Sprintf("names the CA file %s, from which no certificate can be read", file), "name a PEM file that the account that dbsep runs as may read")
		}
	}
	return roots
}

func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("verify the server's certificate: it sent none")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
