package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dbsep/internal/testserver"
)

// A keptConnection sends each of its requests on one connection.
type keptConnection struct {
	net.Conn
	in *bufio.Reader
}

func keep(c net.Conn) *keptConnection { return &keptConnection{c, bufio.NewReader(c)} }

// send sends a request with a form and returns the response.
func (c *keptConnection) send(t *testing.T, path, form string) reply {
	t.Helper()
	request := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + strconv.Itoa(len(form)) + "\r\n\r\n" + form
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatalf("the connection was closed: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header.Get("X-Dbsep-Error"), string(body)}
}

// TestReloadKeepsConnectionsOpen reloads with a change of one kind at a time. The
// client uses one connection all the time, and so does monitoring.
func TestReloadKeepsConnectionsOpen(t *testing.T) {
	dir, elsewhere := sampleSite(t), sampleSite(t)
	clients, status := filepath.Join(dir, "socket"), filepath.Join(dir, "status")
	server := "[server]\nlisten=unix:" + clients + "\nstatus_listen=unix:" + status + "\n"
	r := startServer(t, dir, server)
	client, monitoring := keep(dial(t, "unix", clients)), keep(dial(t, "unix", status))
	for i, change := range []struct{ name, settings string }{
		{"nothing", server},
		{"timeouts", server + "[limits]\nheader_timeout=7s\nread_timeout=8s\nidle_timeout=9s\n"},
		{"the format of the log", server + "[log]\nlevel=debug\n"},
		{"rights", server + "[tables]\n*=write\n"},
		{"the database", "dsn=DBI:SQLite:dbname=" + filepath.Join(elsewhere, "demo.db") + "\n" + server},
		{"the address", strings.Replace(server, clients, filepath.Join(dir, "moved"), 1)},
	} {
		t.Run(change.name, func(t *testing.T) {
			r.t = t
			r.want(client.send(t, "/ps_endpoints/destroy", "id=nobody"), reply{200, "", "0\n"})
			monitoring.send(t, "/livez", "")
			r.reload(change.settings, "(msg=reloaded(.|\n)*){"+strconv.Itoa(i+1)+"}")
			r.want(client.send(t, "/ps_endpoints/destroy", "id=nobody"), reply{200, "", "0\n"})
			monitoring.send(t, "/livez", "")
		})
	}
}

// TestSettingsThatNeedARestartAreLogged changes the timeouts of the HTTP server.
func TestSettingsThatNeedARestartAreLogged(t *testing.T) {
	r := runSample(t, "")
	r.reload("[limits]\nidle_timeout=9s\n", "msg=reloaded")
	r.said(`level=WARN msg="some settings change only with a restart" settings=idle_timeout`)
}

// TestReloadOfTLS uses one connection while TLS is turned on and off. Nothing may be
// allowed on it that a new connection is refused.
func TestReloadOfTLS(t *testing.T) {
	dir, stranger := sampleSite(t), t.TempDir()
	for _, d := range []string{dir, stranger} {
		if _, err := testserver.Certify(d); err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, testserver.CertFile), filepath.Join(dir, testserver.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	plain := "[server]\nlisten=unix:" + filepath.Join(dir, "socket") + "\n"
	encrypted := plain + "tls_cert=" + filepath.Join(dir, testserver.CertFile) + "\ntls_key=" + filepath.Join(dir, testserver.KeyFile) + "\n"
	authorized := encrypted + "client_ca=" + filepath.Join(dir, testserver.CertFile) + "\n"
	otherCA := encrypted + "client_ca=" + filepath.Join(stranger, testserver.CertFile) + "\n"
	rights := "[tables]\n*=none\n[tables certificate:server of the tests]\n*=write\n"
	allowed, forbidden, needsTLS := reply{200, "", "0\n"}, reply{403, "forbidden", "-1\n"}, reply{200, "https-required", "-1\n"}
	for _, test := range []struct {
		name          string
		before, after string
		over          func(net.Conn) net.Conn
		want          reply
	}{
		{"TLS is turned on", plain, encrypted, func(c net.Conn) net.Conn { return c }, needsTLS},
		{"TLS stays", encrypted, encrypted, overTLS, allowed},
		{"TLS is turned off", encrypted, plain, overTLS, allowed},
		{"certificates are required", encrypted, authorized, overTLS, forbidden},
		{"the client's certificate stays valid", authorized + rights, authorized + rights, withCertificate(certificate), allowed},
		{"another authority is required", authorized + rights, otherCA + rights, withCertificate(certificate), forbidden},
		{"certificates count no more", authorized + rights, encrypted + rights, withCertificate(certificate), forbidden},
		{"TLS is turned off, and certificates count no more", authorized + rights, plain + rights, withCertificate(certificate), forbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			_ = os.Remove(filepath.Join(dir, "socket"))
			r := startServer(t, dir, test.before)
			defer r.stop()
			c := keep(test.over(dial(t, "unix", filepath.Join(dir, "socket"))))
			r.want(c.send(t, "/ps_endpoints/destroy", "id=nobody"), allowed)
			r.reload(test.after, "msg=reloaded")
			r.want(c.send(t, "/ps_endpoints/destroy", "id=nobody"), test.want)
		})
	}
}

// withCertificate returns a client that has a certificate.
func withCertificate(certificate tls.Certificate) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn {
		return tls.Client(c, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}}) //nolint:gosec // it is the test's own
	}
}
