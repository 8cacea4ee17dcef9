package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/cache"
	"dbsep/internal/database"
	"dbsep/internal/logging"
	"dbsep/internal/metrics"
	"dbsep/internal/setup"
)

// A generation is a server as one reading of its configuration wants it.
type generation struct {
	site  *setup.Loaded
	db    *sharedDatabase
	guard *auth.Authorizer
	log   *slog.Logger
	asked *door // by clients
	state *door // for the state of the server; shut where clients are told it too

	gateway *gateway.Gateway
	handler http.Handler  // of the requests of clients
	shared  *cache.Shared // nil without [cache]
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
func (s *Server) generate(fresh *setup.Loaded, log *slog.Logger) (*generation, error) {
	c := fresh.Config
	for _, w := range fresh.Warnings() {
		log.Warn(w.Error())
	}
	newGuard := auth.New
	if was := s.now.Load(); was != nil {
		newGuard = was.guard.Next
	}
	guard, err := newGuard(setup.AuthRules(c))
	if err != nil {
		return nil, err
	}
	asked, err := s.newDoor(c, log)
	if err != nil {
		return nil, err
	}
	state := &door{Server: newServer(s.status.handler(nil), s.refuse, c.Limits, log), server: s}
	if err := s.openLastGood(fresh, log); err != nil {
		return nil, err
	}
	g := &generation{site: fresh, guard: guard, log: log, asked: asked, state: state, db: &sharedDatabase{DB: fresh.DB, source: setup.Source(c)}}
	if was := s.now.Load(); was != nil && was.db.source.Same(g.db.source) {
		fresh.Close()
		fresh.DB, g.db = was.db.DB, was.db
		if sameDoor(was.site.Config, c) {
			g.asked, g.state = was.asked, was.state
		}
	}
	g.db.users.Add(1)
	g.asked.users.Add(1)
	g.state.users.Add(1)
	g.gateway = gateway.New(s.withCopies(g), s.options(g))
	g.handler = g.gateway
	if s.back == nil {
		g.handler = s.status.over(g.handler, guard)
	}
	return g, nil
}

// options are the settings of a generation's gateway.
func (s *Server) options(g *generation) gateway.Options {
	c := g.site.Config
	o := setup.GatewayOptions(c, g.log)
	o.Authorizer, o.Observe = g.guard, s.metrics.Observe
	if lines := logging.NewAccessLog(&s.log, c.Log, true); lines != nil {
		o.Observe = func(e gateway.Event) {
			s.metrics.Observe(e)
			lines.Write(e)
		}
	}
	return o
}

// openLastGood opens the file of last good answers where a configuration wants it.
// It stays open from one generation to the next.
func (s *Server) openLastGood(fresh *setup.Loaded, log *slog.Logger) (err error) {
	c := fresh.Config
	if len(c.LastGood) == 0 || s.lastGood != nil {
		return nil
	}
	if err := fresh.CheckStaleCache(); err != nil {
		return err
	}
	s.lastGood, err = cache.OpenStore(c.Database.LastGoodFile, c.Database.LastGoodBytes, log)
	return err
}

// withCopies puts copies of answers between the gateway and a generation's
// database, as far as its configuration wants them.
func (s *Server) withCopies(g *generation) gateway.Database {
	c := g.site.Config
	var db gateway.Database = g.db
	if len(c.Cache) > 0 {
		g.shared = cache.Share(db, setup.CacheRules(c.Cache), c.Database.CacheBytes)
		db = g.shared
	}
	if len(c.LastGood) > 0 {
		scope := g.db.Kind() + " " + g.db.Address() + " " + c.Schema
		db = s.lastGood.Over(db, scope, setup.CacheRules(c.LastGood), g.log)
	}
	return db
}

// begin answers those who come to the fronts.
func (g *generation) begin(front, back *front) {
	g.asked.open(front)
	if back != nil {
		g.state.open(back)
	}
}

// end takes no more requests and waits for those in flight. The state of the
// server is told until the last client has gone.
func (g *generation) end(ctx context.Context) error {
	defer g.release()
	g.guard.End()
	bound := g.site.Config.Limits.Drain
	return errors.Join(g.asked.leave(ctx, bound), g.state.leave(ctx, bound))
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
