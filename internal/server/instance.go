package server

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"sync/atomic"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/cache"
	"dbsep/internal/cgi"
	"dbsep/internal/config"
	"dbsep/internal/database"
	"dbsep/internal/logging"
	"dbsep/internal/metrics"
	"dbsep/internal/registration"
	"dbsep/internal/setup"
)

// An instance responds to requests as one configuration says.
type instance struct {
	config      *config.Config
	fileVersion string // of the configuration's file: see configfile
	db          *sharedDatabase
	authorizer  *auth.Authorizer
	tls         *tls.Config // of new connections; nil: plain HTTP
	log         *slog.Logger
	clientLog   *slog.Logger // of lines that a client causes
	gateway     *gateway.Gateway
	handler     http.Handler // of the clients' requests
	cache       *cache.Cache // nil without [cache]

	users atomic.Int64  // the requests in flight, and one more until a reload replaces the instance
	idle  chan struct{} // is closed when there are none
}

// A sharedDatabase is closed when no instance uses it.
type sharedDatabase struct {
	*database.DB
	source database.Source
	users  atomic.Int32
}

// newInstance returns an instance of a configuration. It uses the database of the
// running instance if the configuration names the same. What can fail is done first:
// after an error nothing is shared.
func (s *Server) newInstance(l *setup.Loaded, log *slog.Logger) (*instance, error) {
	c := l.Config
	for _, w := range l.Warnings() {
		log.Warn(w.Error())
	}
	newAuthorizer := auth.New
	running := s.running.Load()
	if running != nil {
		newAuthorizer = running.authorizer.Next
	}
	authorizer, err := newAuthorizer(setup.AuthRules(c))
	if err != nil {
		return nil, err
	}
	t, err := newTLS(c.Server, func(err error) { log.Error(err.Error()) })
	if err != nil {
		return nil, err
	}
	if err := s.openStaleCache(l, log); err != nil {
		return nil, err
	}
	i := &instance{config: c, fileVersion: l.Version, authorizer: authorizer, tls: t, log: log, clientLog: logging.Limit(log, s.metrics.LeftOut.Inc), db: &sharedDatabase{DB: l.DB, source: setup.Source(c)}, idle: make(chan struct{})}
	if running != nil && running.db.source.Same(i.db.source) {
		l.Close()
		i.db = running.db
	}
	i.db.SetLog(log)
	i.db.users.Add(1)
	i.users.Store(1)
	i.gateway = gateway.New(s.withCaches(i), s.gatewayOptions(i))
	i.handler = i.gateway
	if s.statusListener == nil {
		i.handler = s.status.before(i.handler, authorizer)
	}
	if s.Page != "" {
		i.handler = withPage(i.handler, s.Page)
	}
	return i, nil
}

func (s *Server) gatewayOptions(i *instance) gateway.Options {
	o := setup.GatewayOptions(i.config, i.clientLog)
	o.BodyMemory, o.ResponseMemory = s.bodies, s.responses
	o.Alter = setup.Alter(i.db.DB)
	o.Authorizer = &eachAuthorizer{clients: i.authorizer, web: auth.NewWeb(setup.TableRights(i.config), cgi.Variable)}
	o.Observe = s.metrics.Observe
	if lines := logging.NewAccessLog(&s.log, i.config.Log, false); lines != nil {
		o.Observe = func(e gateway.Event) {
			s.metrics.Observe(e)
			lines.Write(e)
		}
	}
	return o
}

// webServerKey is the key of a context that says that a web server has admitted a request.
type webServerKey struct{}

// An eachAuthorizer admits clients, and identifies those that a web server has admitted.
type eachAuthorizer struct {
	clients *auth.Authorizer
	web     *auth.WebServerAuthorizer
}

func (a *eachAuthorizer) Authorize(r *http.Request) (gateway.Client, error) {
	if r.Context().Value(webServerKey{}) != nil {
		return a.web.Authorize(r)
	}
	return a.clients.Authorize(r)
}

// openStaleCache opens the file of stale responses if a configuration has one. It
// stays open across reloads.
func (s *Server) openStaleCache(l *setup.Loaded, log *slog.Logger) error {
	c := l.Config
	if len(c.LastGood) == 0 || s.staleCache.Load() != nil {
		return nil
	}
	if err := l.CheckStaleCache(); err != nil {
		return err
	}
	store, err := cache.OpenStore(c.Database.LastGoodFile, c.Database.LastGoodBytes, log)
	if err == nil {
		s.staleCache.Store(store)
	}
	return err
}

func (s *Server) staleCacheState() (state metrics.StaleCache, ok bool) {
	store := s.staleCache.Load()
	if store == nil {
		return metrics.StaleCache{}, false
	}
	return metrics.StaleCache(store.Stats()), true
}

// withCaches puts the configured caches between the gateway and the database, and what
// refuses registrations that cannot be stored.
func (s *Server) withCaches(i *instance) gateway.Database {
	var db gateway.Database = i.db
	replicas := i.config.Database.ReadReplicas != ""
	if store := s.staleCache.Load(); store != nil { // also without rules: writes invalidate what it has
		scope := i.db.Kind() + " " + i.db.Address() + " " + i.config.Schema
		stale := store.Over(db, scope, setup.CacheRules(i.config.LastGood), i.log)
		stale.Replicas = replicas
		db = stale
	}
	if len(i.config.Cache) > 0 {
		i.cache = cache.New(db, setup.CacheRules(i.config.Cache), i.config.Database.CacheBytes)
		i.cache.Replicas = replicas
		db = i.cache
	}
	return registration.New(db, i.db.Writable, i.log)
}

// enter adds a request. It reports whether it has: not if the instance is idle.
func (i *instance) enter() bool {
	for {
		users := i.users.Load()
		if users == 0 {
			return false
		}
		if i.users.CompareAndSwap(users, users+1) {
			return true
		}
	}
}

func (i *instance) leave() {
	if i.users.Add(-1) == 0 {
		close(i.idle)
	}
}

// end waits for the requests in flight of an instance that another has replaced.
func (i *instance) end() {
	i.authorizer.End()
	i.finish()
}

// finish closes the database when the requests in flight have ended. net/http does not know
// all of them: it closes connections without requests, and one may have arrived just then.
func (i *instance) finish() {
	i.leave()
	<-i.idle
	if i.db.users.Add(-1) == 0 {
		_ = i.db.Close()
	}
}

// cacheCounts are the responses from the cache, and the requests that shared one
// statement.
func (i *instance) cacheCounts() (again, joined int64) {
	if i == nil || i.cache == nil {
		return 0, 0
	}
	return i.cache.Counts()
}

// batchCounts are the statements that read for several requests, these requests, and those
// of them that were read again.
func (i *instance) batchCounts() (sent, reads, again int64) {
	if i == nil {
		return 0, 0, 0
	}
	b := i.db.Batches()
	return b.Sent, b.Reads, b.Again
}

// pools is the state of the database's connections.
func (i *instance) pools() []metrics.Pool {
	if i == nil {
		return nil
	}
	var all []metrics.Pool
	for _, p := range i.db.Stats() {
		all = append(all, metrics.Pool(p))
	}
	return all
}
