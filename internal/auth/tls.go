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

// TLS says how a server shows who it is, and whom it asks to.
type TLS struct {
	Cert, Key string // files in PEM
	ClientCA  string // a file in PEM; empty: no certificate is asked for
}

// Config returns the settings of a TLS server, version 1.2 or later. The
// certificate is read anew when its files change; one that cannot be used is
// told to failed, and the old one serves on.
func (t TLS) Config(failed func(error)) (*tls.Config, error) {
	c := &renewed{TLS: t, failed: failed}
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
		return nil, fmt.Errorf("read [server] client_ca: %s holds no certificate in PEM", t.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

// renewed is a certificate that follows its files.
type renewed struct {
	TLS
	failed func(error)

	mu      sync.Mutex
	looked  time.Time
	version [2]time.Time // of the files that were read last, usable or not
	told    string       // what failed last, not to be told again
	current *tls.Certificate
}

// lookEvery is how long a certificate is used without a look at its files.
const lookEvery = time.Second

func (c *renewed) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= lookEvery {
		if err := c.read(); err != nil && err.Error() != c.told {
			c.told = err.Error()
			c.failed(err)
		}
	}
	return c.current, nil
}

// read reads the files if they have changed.
func (c *renewed) read() error {
	c.looked = time.Now()
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
	certificate, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fmt.Errorf("read [server] tls_cert and tls_key: %w", withoutKey(err))
	}
	c.current = &certificate
	return nil
}

// withoutKey keeps an error from telling more of a key than its file's name.
func withoutKey(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return err
	}
	return errors.New("they are no certificate with its key, in PEM")
}
