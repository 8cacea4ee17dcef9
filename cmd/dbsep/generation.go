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
	"dbsep/database"
	"dbsep/metrics"
)

// A generation is a server as one reading of its configuration wants it.
type generation struct {
	site  *site
	db    *sharedDatabase
	guard *access.Guard
	log   *slog.Logger
	asked *http.Server // by clients
	state *http.Server // for the state of the server

	handler http.Handler // of the requests of clients
}

// A sharedDatabase is closed when the last generation that uses it has ended.
type sharedDatabase struct {
	*database.DB
	source database.Source
	users  atomic.Int32
}

// generate makes the generation of a site. It keeps the connections of the one
// before where the database is the same.
func (s *server) generate(fresh *site, log *slog.Logger) (*generation, error) {
	c := fresh.config
	for _, w := range fresh.warnings() {
		log.Warn(w.Error())
	}
	guard, err := access.New(rules(c))
	if err != nil {
		return nil, err
	}
	g := &generation{site: fresh, guard: guard, log: log, db: &sharedDatabase{DB: fresh.db, source: source(c)}}
	g.asked = newServer(s, c.Limits, log)
	g.state = newServer(s.status.handler(nil), c.Limits, log)
	if c.Server.TLSCert != "" {
		files := access.TLS{Cert: c.Server.TLSCert, Key: c.Server.TLSKey, ClientCA: c.Server.ClientCA}
		if g.asked.TLSConfig, err = files.Config(func(err error) { log.Error(err.Error()) }); err != nil {
			return nil, err
		}
		g.asked.Protocols = new(http.Protocols)
		g.asked.Protocols.SetHTTP1(true)
		g.asked.Protocols.SetHTTP2(c.Server.HTTP2)
	}
	if was := s.now.Load(); was != nil && was.db.source.Same(g.db.source) {
		fresh.close()
		fresh.db, g.db = was.db.DB, was.db
	}
	g.db.users.Add(1)
	g.asked.ErrorLog = stdlog.New(&complaints{log, s.metrics.TLS}, "", 0)
	o := options(c, log)
	o.Guard, o.Observe = guard, s.metrics.Observe
	g.handler = fresh.gateway(o)
	if s.back == nil {
		g.handler = s.status.over(g.handler, guard)
	}
	return g, nil
}

// begin answers the clients of the fronts.
func (g *generation) begin(clients net.Listener, back *front) {
	if g.asked.TLSConfig != nil {
		clients = tls.NewListener(clients, g.asked.TLSConfig)
	}
	go g.asked.Serve(clients) //nolint:errcheck // it ends by Shutdown
	if back != nil {
		go g.state.Serve(back.share()) //nolint:errcheck // it ends by Close
	}
}

// end takes no more requests and waits for those in flight.
func (g *generation) end(ctx context.Context) error {
	defer g.release()
	_ = g.state.Close()
	return drain(ctx, g.asked, g.site.config.Limits.Drain)
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

func (g *generation) release() {
	if g.db.users.Add(-1) == 0 {
		_ = g.db.Close()
	}
}

// pools is the state of the database's connections.
func (g *generation) pools() []metrics.Pool {
	if g == nil {
		return nil
	}
	var all []metrics.Pool
	for _, p := range g.db.Stats() {
		all = append(all, metrics.Pool(p))
	}
	return all
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
