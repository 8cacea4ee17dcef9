package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/internal/auth"
)

// certify makes a certificate that signs itself and its key in a folder.
func certify(t *testing.T, dir, name string) auth.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := auth.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for file, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: cert}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// served is the common name of the certificate that a server shows.
func served(t *testing.T, s *httptest.Server) string {
	t.Helper()
	c, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func serve(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = config
	s.Config.ErrorLog = nil
	s.StartTLS()
	s.TLS.Certificates = nil // httptest's own
	t.Cleanup(s.Close)
	return s
}

func TestRenewedCertificateIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	files := certify(t, dir, "old")
	failures := make(chan error, 10)
	config, err := files.Config(func(err error) { failures <- err })
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, config)
	if name := served(t, s); name != "old" {
		t.Fatalf("%q", name)
	}
	until := time.Now().Add(time.Minute)
	if err := os.WriteFile(files.Key, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for len(failures) == 0 && time.Now().Before(until) {
		if name := served(t, s); name != "old" {
			t.Fatalf("with files that do not fit: %q", name)
		}
	}
	if err := <-failures; !strings.Contains(err.Error(), "tls_cert and tls_key") {
		t.Error(err)
	}
	certify(t, dir, "new")
	for served(t, s) != "new" {
		if time.Now().After(until) {
			t.Fatal("the new certificate was not taken over")
		}
	}
}

func TestFilesOfTLSAreCheckedOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		files := certify(t, dir, "old")
		config, err := files.Config(func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		certify(t, dir, "new")
		if err := os.Chtimes(files.Cert, time.Now(), time.Now()); err != nil { // another time than before, for certain
			t.Fatal(err)
		}
		for _, test := range []struct {
			after time.Duration
			want  string
		}{{0, "old"}, {time.Second - 1, "old"}, {1, "new"}} {
			time.Sleep(test.after)
			if c, err := config.GetCertificate(nil); err != nil || c.Leaf.Subject.CommonName != test.want {
				t.Errorf("%v later: %v, %v", test.after, c.Leaf.Subject, err)
			}
		}
	})
}

func TestClientCertificate(t *testing.T) {
	files, client, stranger := certify(t, t.TempDir(), "server"), certify(t, t.TempDir(), "client"), certify(t, t.TempDir(), "stranger")
	files.ClientCA = client.Cert
	config, err := files.Config(func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, config)
	get := func(who ...auth.TLS) error {
		c := &tls.Config{InsecureSkipVerify: true}
		for _, w := range who {
			pair, err := tls.LoadX509KeyPair(w.Cert, w.Key)
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = append(c.Certificates, pair)
		}
		transport := &http.Transport{TLSClientConfig: c}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(s.URL)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	if err := get(client); err != nil {
		t.Error(err)
	}
	if get() == nil || get(stranger) == nil {
		t.Error("a client without a certificate of the authority was let in")
	}
}

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	good := certify(t, t.TempDir(), "x")
	for name, files := range map[string]auth.TLS{
		"tls_cert":             {Cert: "/nowhere", Key: good.Key},
		"tls_key":              {Cert: good.Cert, Key: "/nowhere"},
		"tls_cert and tls_key": {Cert: good.Cert, Key: good.Cert},
		"client_ca":            {Cert: good.Cert, Key: good.Key, ClientCA: good.Key},
	} {
		if _, err := files.Config(nil); err == nil || !strings.Contains(err.Error(), "read [server] "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
