package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"dbsep/internal/auth"
	"dbsep/internal/config"
)

// A door is the server that takes the connections of a front. Generations that
// deal with them alike share it, and it ends with the last: to close connections
// that clients keep open would lose requests that are on their way at that moment.
type door struct {
	*http.Server
	tls       *tls.Config // nil: plain HTTP
	server    *server
	users     atomic.Int32
	share     *share // of the front; nil until it is open
	newcomers newcomers
}

// newDoor returns the door for clients, which is still shut.
func (s *server) newDoor(c *config.Config, log *slog.Logger) (d *door, err error) {
	d = &door{Server: newServer(s, s.refuse, c.Limits, log), server: s}
	if c.Server.TLSCert == "" {
		return d, nil
	}
	files := auth.TLS{Cert: c.Server.TLSCert, Key: c.Server.TLSKey, ClientCA: c.Server.ClientCA}
	if d.tls, err = files.Config(func(err error) { log.Error(err.Error()) }); err != nil {
		return nil, err
	}
	return d, nil
}

// sameDoor tells whether two configurations want the connections of clients to be
// dealt with alike. Authorities of certificates are read anew each time.
func sameDoor(a, b *config.Config) bool {
	return a.Log == b.Log && a.Server.Listen == b.Server.Listen && a.Server.TLSCert+b.Server.TLSCert == "" &&
		a.Limits.Header == b.Limits.Header && a.Limits.Read == b.Limits.Read && a.Limits.Idle == b.Limits.Idle
}

// open lets clients in, unless the door is open already.
func (d *door) open(f *front) {
	if d.share != nil {
		return
	}
	d.share, d.ConnState = f.share(), d.observe
	go d.Serve(&connectionListener{ //nolint:errcheck // it ends by Shutdown
		Listener:  d.share,
		tls:       d.tls,
		timeout:   d.ReadHeaderTimeout,
		proxies:   d.server.proxies,
		refuse:    d.server.refuse,
		tlsFailed: d.server.tlsFailed,
	})
}

// observe is the server's ConnState.
func (d *door) observe(conn net.Conn, state http.ConnState) {
	if state == http.StateIdle {
		conn.(*connection).await()
	}
	d.newcomers.observe(conn, state)
}

// leave is a generation's word that it needs the door no more. The last one shuts
// it, and waits a while for the requests in flight.
func (d *door) leave(ctx context.Context, bound time.Duration) error {
	if d.users.Add(-1) > 0 || d.share == nil {
		return nil
	}
	d.shut()
	return drain(ctx, d.Server, bound)
}

// shut lets nobody else in. It waits for those who are in and have not asked yet,
// since net/http drops what they ask once it shuts down.
func (d *door) shut() {
	_ = d.share.Close()
	d.SetKeepAlivesEnabled(false)
	d.newcomers.wait(d.share.total(), newcomerPatience)
}

// newServer returns a server with every wait bounded.
func newServer(h http.Handler, refuse refuser, limits config.Limits, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handled(h, refuse),
		ReadHeaderTimeout: limits.Header,
		ReadTimeout:       limits.Read,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withConnection,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that break off; nothing to act on

		DisableGeneralOptionsHandler: true, // OPTIONS * is not for net/http to answer either
	}
}

// refuse responds to a request that does not reach the handler of now.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.now.Load().gateway.Refuse(w, r, err)
}

// proxies are the networks that may send a PROXY header now.
func (s *server) proxies() []netip.Prefix { return s.now.Load().site.config.Server.ProxyProtocol }

// tlsFailed counts a client that does not speak TLS, and logs why the handshake failed.
// Without an error it was plain HTTP, and the refusal of its request is logged.
func (s *server) tlsFailed(client net.Addr, err error) {
	s.metrics.TLS.Inc()
	if err == nil {
		return
	}
	s.now.Load().log.Warn("TLS handshake failed", slog.String("client", client.String()), slog.String("reason", err.Error()),
		slog.String("hint", "let the client use https://, trust the server's certificate, and show one of [server] client_ca if that is set"))
}

// drain ends a server: it takes no more requests and waits for those in flight.
func drain(ctx context.Context, server *http.Server, bound time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
		return errors.New("requests were still in flight after [limits] drain_timeout and were broken off")
	}
	return nil
}
