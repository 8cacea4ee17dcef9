package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

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
// before where the database is the same. All that can fail comes first: a site
// that is refused shares nothing yet.
func (s *server) generate(fresh *site, log *slog.Logger) (*generation, error) {
	c := fresh.config
	for _, w := range fresh.warnings() {
		log.Warn(w.Error())
	}
	guard, err := access.New(rules(c))
	if err != nil {
		return nil, err
	}
	asked, err := s.newDoor(c, log)
	if err != nil {
		return nil, err
	}
	if err := s.openLastGood(c, log); err != nil {
		return nil, err
	}
	g := &generation{site: fresh, guard: guard, log: log, asked: asked, db: &sharedDatabase{DB: fresh.db, source: source(c)}}
	g.state = newServer(s.status.handler(nil), c.Limits, log)
	if was := s.now.Load(); was != nil && was.db.source.Same(g.db.source) {
		fresh.close()
		fresh.db, g.db = was.db.DB, was.db
		if sameDoor(was.site.config, c) {
			g.asked = was.asked
		}
	}
	g.db.users.Add(1)
	g.asked.users.Add(1)
	g.handler = gateway.New(s.withCopies(g), s.options(g))
	if s.back == nil {
		g.handler = s.status.over(g.handler, guard)
	}
	return g, nil
}

// options are the settings of a generation's gateway.
func (s *server) options(g *generation) gateway.Options {
	c := g.site.config
	o := options(c, g.log)
	o.Guard, o.Observe, o.Stale = g.guard, s.metrics.Observe, len(c.LastGood) > 0
	if lines := newAccessLog(&s.log, c.Log); lines != nil {
		o.Observe = func(e gateway.Event) {
			s.metrics.Observe(e)
			lines.write(e)
		}
	}
	return o
}

// openLastGood opens the file of last good answers where a configuration wants it.
// It stays open from one generation to the next.
func (s *server) openLastGood(c *config.Config, log *slog.Logger) (err error) {
	if len(c.LastGood) > 0 && s.lastGood == nil {
		s.lastGood, err = copies.OpenStore(c.Database.LastGoodFile, c.Database.LastGoodBytes, log)
	}
	return err
}

// withCopies puts copies of answers between the gateway and a generation's
// database, as far as its configuration wants them.
func (s *server) withCopies(g *generation) gateway.Database {
	c := g.site.config
	var db gateway.Database = g.db
	if len(c.Cache) > 0 {
		g.shared = copies.Share(db, ages(c.Cache), c.Database.CacheBytes)
		db = g.shared
	}
	if len(c.LastGood) > 0 {
		scope := g.db.Kind() + " " + g.db.Address() + " " + c.Schema
		db = s.lastGood.Over(db, scope, ages(c.LastGood), g.log)
	}
	return db
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
