package main

import (
	"context"
	"crypto/tls"
	"errors"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dbsep/access"
	"dbsep/config"
)

// A door is the server that takes the connections of a front. Generations that
// deal with them alike share it, and it ends with the last: to close connections
// that clients keep open would lose requests that are on their way at that moment.
type door struct {
	*http.Server
	users     atomic.Int32
	share     *share // of the front; nil until it is open
	newcomers newcomers
}

// newDoor returns the door for clients, which is still shut.
func (s *server) newDoor(c *config.Config, log *slog.Logger) (d *door, err error) {
	d = &door{Server: newServer(s, c.Limits, log)}
	d.ErrorLog = stdlog.New(&complaints{log, s.metrics.TLS}, "", 0)
	if c.Server.TLSCert == "" {
		return d, nil
	}
	files := access.TLS{Cert: c.Server.TLSCert, Key: c.Server.TLSKey, ClientCA: c.Server.ClientCA}
	d.TLSConfig, err = files.Config(func(err error) { log.Error(err.Error()) })
	d.Protocols = new(http.Protocols)
	d.Protocols.SetHTTP1(true)
	d.Protocols.SetHTTP2(c.Server.HTTP2)
	return d, err
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
	d.share, d.ConnState = f.share(), d.newcomers.observe
	var clients net.Listener = d.share
	if d.TLSConfig != nil {
		clients = tls.NewListener(clients, d.TLSConfig)
	}
	go d.Serve(clients) //nolint:errcheck // it ends by Shutdown
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
func newServer(h http.Handler, limits config.Limits, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: limits.Header,
		ReadTimeout:       limits.Read,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       access.ConnContext,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that break off; nothing to act on
	}
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

// complaints takes what net/http has to say about connections. Those that come to
// no TLS are a client's fault that its administrator has to know of; others have
// broken off.
type complaints struct {
	log *slog.Logger
	tls prometheus.Counter
}

func (c *complaints) Write(line []byte) (int, error) {
	rest, failed := strings.CutPrefix(strings.TrimSpace(string(line)), "http: TLS handshake error from ")
	if !failed {
		c.log.Debug(rest)
		return len(line), nil
	}
	c.tls.Inc()
	client, reason, _ := strings.Cut(rest, ": ")
	c.log.Warn("a client came to no TLS", slog.String("client", client), slog.String("reason", reason),
		slog.String("remedy", "let it ask by https://, trust the server's certificate, and show one of [server] client_ca if that is set"))
	return len(line), nil
}
