package auth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLS are the files for the TLS of a server.
type TLS struct {
	Cert, Key string // files in PEM
	ClientCA  string // a file in PEM; empty: no client certificate is required
}

// Config returns the settings of a TLS server, version 1.2 or later. The certificate
// is read again when its files change. If it is then invalid, failed is called and the
// old one stays in use.
func (t TLS) Config(failed func(error)) (*tls.Config, error) {
	c := &certificate{TLS: t, failed: failed}
	if err := c.read(); err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	if t.ClientCA == "" {
		return config, nil
	}
	authorities, err := os.ReadFile(t.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read [server] client_ca: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("read [server] client_ca: %s contains no certificate in PEM", t.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

// A certificate is read again when its files change.
type certificate struct {
	TLS
	failed func(error)

	mu       sync.Mutex
	checked  time.Time
	version  [2]time.Time // of the files that were read last, valid or not
	reported string       // the last error, which is not reported again
	current  *tls.Certificate
}

// checkEvery is how often the files are checked for changes.
const checkEvery = time.Second

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= checkEvery {
		if err := c.read(); err != nil && err.Error() != c.reported {
			c.reported = err.Error()
			c.failed(err)
		}
	}
	return c.current, nil
}

// read reads the files if they have changed.
func (c *certificate) read() error {
	c.checked = time.Now()
	var version [2]time.Time
	for i, name := range []string{c.Cert, c.Key} {
		file, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("read [server] %s: %w", [...]string{"tls_cert", "tls_key"}[i], err)
		}
		version[i] = file.ModTime()
	}
	if version == c.version {
		return nil
	}
	c.version = version
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fmt.Errorf("read [server] tls_cert and tls_key: %w", withoutKey(err))
	}
	c.current = &pair
	return nil
}

// withoutKey removes everything about a key except its file's name from an error.
func withoutKey(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return err
	}
	return errors.New("not a certificate and its key in PEM")
}
