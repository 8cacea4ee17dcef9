package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/cache"
	"dbsep/internal/cgi"
	"dbsep/internal/config"
	"dbsep/internal/logging"
	"dbsep/internal/metrics"
	"dbsep/internal/setup"
)

// A Server responds to requests until it is stopped. A reload replaces its running
// instance. Listeners, HTTP servers and connections stay.
type Server struct {
	Load       func() (*setup.Loaded, error) // reads the configuration again
	Reload     <-chan os.Signal              // when to read it again; nil: never
	Insecure   bool                          // everybody may connect
	ListenHint string                        // how to choose another address; empty: [server] listen
	Version    string                        // of the program
	Page       string                        // HTML that a browser gets at /; empty: no page

	started *config.Config // with the settings that need a restart
	running atomic.Pointer[instance]
	ending  sync.WaitGroup  // instances that have been replaced and still have requests in flight
	reloads chan chan error // reloads that the administrator wants, and where the outcome goes

	listener       *listener // of clients
	statusListener *listener // of monitoring; nil: listener is
	cgiListener    *listener // of web servers; nil: there is none
	http           *httpServer
	statusHTTP     *httpServer
	cgi            *cgi.Server

	bodies, responses *gateway.ByteBudget // of all instances

	log        logging.BufferedWriter // of all lines
	clients    *auth.Clients
	metrics    *metrics.Metrics
	status     *status
	staleCache atomic.Pointer[cache.Store] // nil without [lastgood]
}

// Run responds to requests until ctx ends, and then finishes those in flight. It calls
// listening, if that is not nil, with the address once clients can connect.
func (s *Server) Run(ctx context.Context, first *setup.Loaded, listening func(net.Addr)) error {
	defer runtime.KeepAlive(setup.SpareHeap())
	s.started = first.Config
	s.log.To, s.log.Wait = os.Stderr, logging.AccessLogDelay
	defer s.log.Flush()
	s.clients = auth.NewClients(func() { s.metrics.Refused.Inc() }, func() { s.metrics.Dropped.Inc() })
	s.bodies, s.responses = gateway.NewByteBudget(first.Config.Limits.BodyMemory), gateway.NewByteBudget(first.Config.Limits.ResponseMemory)
	s.metrics = metrics.New(s.Version, metrics.Sources{
		Pools: func() []metrics.Pool { return s.running.Load().pools() },
		Budgets: func() []metrics.Budget {
			return []metrics.Budget{{Name: "bodies", BudgetStats: s.bodies.Stats()}, {Name: "responses", BudgetStats: s.responses.Stats()}}
		},
		Clients: s.clients.Open,
		Cache:   func() (again, joined int64) { return s.running.Load().cacheCounts() },
		Stale:   s.staleCacheState,
		Batches: func() (sent, reads, again int64) { return s.running.Load().batchCounts() },
	})
	s.status = newStatus(s.metrics)
	s.reloads = make(chan chan error)
	s.newHTTPServers(first.Config)
	s.cgi = cgi.NewServer(http.HandlerFunc(s.serveCGI), func() config.Limits { return s.running.Load().config.Limits }, func() string { return s.running.Load().fileVersion })
	log := s.newLog(first.Config)
	if err := s.openListeners(ctx, first.Config.Server); err != nil {
		first.Close()
		return err
	}
	i, err := s.newInstance(first, log)
	if err != nil {
		first.Close()
		s.closeListeners()
		return err
	}
	s.run(ctx, i)
	s.http.serve(s.clients.Listener(s.listener))
	if s.statusListener != nil {
		s.statusHTTP.serve(monitoringClients().Listener(s.statusListener))
	}
	cgiFailed := make(chan error, 1)
	if s.cgiListener != nil {
		go func() { cgiFailed <- s.cgi.Serve(s.cgiListener) }()
		log.Info("listening for web servers", slog.String("address", s.cgiListener.Addr().String()))
	}
	log.Info("listening", slog.String("address", s.listener.Addr().String()), slog.String("database", i.db.Kind()), slog.String("at", i.db.Address()))
	if listening != nil {
		listening(s.listener.Addr())
	}
	if s.Load != nil {
		defer s.openControl(log).Close()
	}
	notify(daemon.SdNotifyReady)
	err = s.wait(ctx, cgiFailed)
	notify(daemon.SdNotifyStopping)
	if ended := s.end(context.WithoutCancel(ctx)); err == nil {
		err = ended
	}
	return err
}

// wait returns when ctx ends or a listener fails. Until then it handles signals and
// the watchdog of the service manager.
func (s *Server) wait(ctx context.Context, cgiFailed <-chan error) error {
	watchdog := newWatchdog()
	defer watchdog.Stop()
	for {
		select {
		case <-ctx.Done():
			s.running.Load().log.Info("ending: no new requests; those in flight finish")
			return nil
		case <-s.Reload:
			_ = s.reload(ctx) // which is logged
		case outcome := <-s.reloads:
			outcome <- s.reload(ctx)
		case <-watchdog.C:
			notify(daemon.SdNotifyWatchdog)
		case err := <-s.http.failed:
			return fmt.Errorf("accept clients: %w", err)
		case err := <-s.statusHTTP.failed:
			return fmt.Errorf("accept monitoring clients: %w", err)
		case err := <-cgiFailed:
			return fmt.Errorf("accept web servers: %w", err)
		}
	}
}

// end finishes the requests in flight and closes everything.
func (s *Server) end(ctx context.Context) error {
	s.status.end()
	s.closeListeners()
	last := s.running.Load()
	last.authorizer.End()
	limit := last.config.Limits.Drain
	cgiEnded := make(chan error, 1)
	go func() { cgiEnded <- s.cgi.End(limit) }()
	err := errors.Join(s.http.end(ctx, limit), s.statusHTTP.end(ctx, limit), <-cgiEnded)
	s.ending.Wait()
	last.finish()
	if store := s.staleCache.Load(); store != nil {
		err = errors.Join(err, store.Close())
	}
	return err
}

// ServeHTTP lets the running instance respond, also on connections that are older:
// what a reload forbids is forbidden at once.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := s.enter()
	defer i.leave()
	i.handler.ServeHTTP(w, r)
}

// serveCGI responds to a request that a web server has admitted.
func (s *Server) serveCGI(w http.ResponseWriter, r *http.Request) {
	i := s.enter()
	defer i.leave()
	i.gateway.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), webServerKey{}, true)))
}

// enter adds a request to the running instance. It must leave it.
func (s *Server) enter() *instance {
	i := s.running.Load()
	for !i.enter() { // a reload has just replaced it
		next := s.running.Load()
		if next == i { // the server has ended, and closed the connection
			panic(http.ErrAbortHandler)
		}
		i = next
	}
	return i
}

// newHTTPServers makes the HTTP servers, which do not serve yet.
func (s *Server) newHTTPServers(c *config.Config) {
	refuse := func(w http.ResponseWriter, r *http.Request, err error) { s.running.Load().gateway.Refuse(w, r, err) }
	errorLog := stdlog.New(httpErrorLog{s}, "", 0)
	s.http = newHTTPServer(s, refuse, c.Limits, errorLog)
	s.http.tls = func() *tls.Config { return s.running.Load().tls }
	s.http.proxies = func() []netip.Prefix { return s.running.Load().config.Server.ProxyProtocol }
	s.http.tlsFailed = s.tlsFailed
	s.statusHTTP = newHTTPServer(s.status.handler(nil), refuse, c.Limits, errorLog)
}

// An httpErrorLog takes what net/http logs: clients that break off. There is nothing to
// do about it.
type httpErrorLog struct{ *Server }

func (l httpErrorLog) Write(line []byte) (int, error) {
	l.running.Load().clientLog.Debug(strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}

// tlsFailed counts a client that does not speak TLS, and logs why the handshake failed.
// Without an error it was plain HTTP, and the refusal of its request is logged.
func (s *Server) tlsFailed(client net.Addr, err error) {
	s.metrics.TLS.Inc()
	if err == nil {
		return
	}
	host := client.String()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	s.running.Load().clientLog.Warn("TLS handshake failed", slog.String("client", host), slog.String("reason", err.Error()),
		slog.String("hint", "let the client use https://, trust the server's certificate, and show one of [server] client_ca if that is set"))
}

// openListeners opens the addresses of a configuration, or takes those that systemd
// has opened.
func (s *Server) openListeners(ctx context.Context, c config.Server) (err error) {
	if s.listener, s.statusListener, s.cgiListener, err = systemdListeners(); err != nil {
		return err
	}
	if s.listener == nil {
		s.listener, err = openListener(ctx, cmp.Or(s.ListenHint, chooseListen), c.Listen, clientAccess(c))
	}
	if err == nil && !s.Insecure {
		err = setup.CheckAccess(s.listener.Addr(), c)
	}
	if err == nil && s.statusListener == nil && c.StatusListen != "" {
		s.statusListener, err = openListener(ctx, "choose another address for [server] status_listen", c.StatusListen, clientAccess(c))
	}
	if err == nil && s.cgiListener == nil && c.CGIListen != "" {
		s.cgiListener, err = openListener(ctx, "choose another path for [server] cgi_listen", c.CGIListen, cgiAccess(c))
	}
	if err != nil {
		s.closeListeners()
	}
	return err
}

func (s *Server) closeListeners() {
	for _, l := range []*listener{s.listener, s.statusListener, s.cgiListener} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// run makes an instance the running one.
func (s *Server) run(ctx context.Context, i *instance) {
	s.clients.Admit(setup.Admission(i.config))
	s.bodies.SetLimit(i.config.Limits.BodyMemory)
	s.responses.SetLimit(i.config.Limits.ResponseMemory)
	s.running.Store(i)
	s.status.watch(ctx, i)
	s.metrics.Read()
}

// maxMonitoring is how many connections the status listener has. A new one takes the
// place of the oldest.
const maxMonitoring = 64

func monitoringClients() *auth.Clients {
	c := auth.NewClients(func() {}, func() {})
	c.Admit(auth.Admission{MaxClients: maxMonitoring, MaxPerAddress: maxMonitoring, Proof: true})
	return c
}

func (s *Server) newLog(c *config.Config) *slog.Logger {
	return logging.New(logging.FlushingWriter{BufferedWriter: &s.log}, c.Log, false)
}

// notify reports a state to the service manager, if there is one.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// newWatchdog ticks as often as the service manager expects to hear from the process,
// or never.
func newWatchdog() *time.Ticker {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(every / 2)
}
