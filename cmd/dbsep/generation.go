package main

import (
	"context"
	"errors"
	stdlog "log"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dbsep/access"
	"dbsep/config"
	"dbsep/copies"
	"dbsep/database"
	"dbsep/gateway"
	"dbsep/metrics"
)

// A generation is a server as one reading of its configuration wants it.
type generation struct {
	site  *site
	db    *sharedDatabase
	guard *access.Guard
	log   *slog.Logger
	asked *door        // by clients
	state *http.Server // for the state of the server

	handler http.Handler   // of the requests of clients
	shared  *copies.Shared // nil without [cache]
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
	g.asked = &door{Server: newServer(s, c.Limits, log)}
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
		if sameDoor(was.site.config, c) {
			g.asked = was.asked
		}
	}
	g.db.users.Add(1)
	if g.asked.users.Add(1) == 1 {
		g.asked.ErrorLog = stdlog.New(&complaints{log, s.metrics.TLS}, "", 0)
	}
	o := options(c, log)
	o.Guard, o.Observe = guard, s.metrics.Observe
	if lines := newAccessLog(&s.log, c.Log); lines != nil {
		o.Observe = func(e gateway.Event) {
			s.metrics.Observe(e)
			lines.write(e)
		}
	}
	answering, err := s.withCopies(g, log)
	if err != nil {
		g.release()
		return nil, err
	}
	o.Stale = len(c.LastGood) > 0
	g.handler = gateway.New(answering, o)
	if s.back == nil {
		g.handler = s.status.over(g.handler, guard)
	}
	return g, nil
}

// withCopies puts copies of answers between the gateway and a site's database, as
// far as its configuration wants them. The file of last good answers stays open
// from one generation to the next.
func (s *server) withCopies(g *generation, log *slog.Logger) (gateway.Database, error) {
	c := g.site.config
	var db gateway.Database = g.site.db
	if len(c.Cache) > 0 {
		g.shared = copies.Share(db, ages(c.Cache), c.Database.CacheBytes)
		db = g.shared
	}
	if len(c.LastGood) == 0 {
		return db, nil
	}
	if s.lastGood == nil {
		store, err := copies.OpenStore(c.Database.LastGoodFile, c.Database.LastGoodBytes, log)
		if err != nil {
			return nil, err
		}
		s.lastGood = store
	}
	scope := g.site.db.Kind() + " " + g.site.db.Address() + " " + c.Schema
	return s.lastGood.Over(db, scope, ages(c.LastGood), log), nil
}

// begin answers the clients of the fronts.
func (g *generation) begin(front, back *front) {
	g.asked.open(front)
	if back != nil {
		go g.state.Serve(back.share()) //nolint:errcheck // it ends by Close
	}
}

// end takes no more requests and waits for those in flight.
func (g *generation) end(ctx context.Context) error {
	defer g.release()
	_ = g.state.Close()
	if g.asked.users.Add(-1) > 0 {
		return nil
	}
	g.asked.shut()
	return drain(ctx, g.asked.Server, g.site.config.Limits.Drain)
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

// counts are those of the answers that are given out again.
func (g *generation) counts() (again, joined int64) {
	if g == nil || g.shared == nil {
		return 0, 0
	}
	return g.shared.Counts()
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
