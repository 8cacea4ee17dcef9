package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"dbsep/internal/auth"
	"dbsep/internal/cache"
	"dbsep/internal/config"
	"dbsep/internal/logging"
	"dbsep/internal/metrics"
	"dbsep/internal/setup"
)

// A Server responds to requests until it is told to end. A reload replaces its
// running instance.
type Server struct {
	Load       func() (*setup.Loaded, error) // reads the configuration again; nil: there is nothing to read
	Reload     <-chan os.Signal              // when to read it again
	Insecure   bool                          // clients of other machines need no authorization
	ListenHint string                        // how to choose another address; empty: [server] listen
	Version    string                        // of the program

	log     logging.BufferedWriter // where all lines go
	clients *auth.Clients
	metrics *metrics.Metrics
	status  *status
	front   *front // where clients ask
	back    *front // where the state is asked; nil where front answers for it
	now     atomic.Pointer[generation]

	lastGood *cache.Store   // nil where none are kept
	ending   sync.WaitGroup // generations of the past that still have requests in flight
}

// Run responds to requests until ctx ends, and then to those still in flight. It calls
// listening, if it is not nil, with the address once it can be asked.
func (s *Server) Run(ctx context.Context, first *setup.Loaded, listening func(net.Addr)) error {
	s.log.To, s.log.Wait = os.Stderr, logging.AccessLogDelay
	defer s.log.Flush()
	s.clients = auth.NewClients(first.Config.Limits.MaxClients, first.Config.Limits.MaxClientsPerAddress, func() { s.metrics.Refused.Inc() })
	s.metrics = metrics.New(s.Version, metrics.Sources{
		Pools:   func() []metrics.Pool { return s.now.Load().pools() },
		Clients: s.clients.Open,
		Shared:  func() (again, joined int64) { return s.now.Load().counts() },
	})
	s.status = newStatus(s.metrics)
	log := logging.New(logging.FlushingWriter{BufferedWriter: &s.log}, first.Config.Log, true)
	if err := s.open(ctx, first.Config.Server); err != nil {
		first.Close()
		return err
	}
	g, err := s.generate(first, log)
	if err != nil {
		first.Close()
		s.closeFronts()
		return err
	}
	s.begin(ctx, g)
	log.Info("listening", slog.String("address", s.front.Addr().String()), slog.String("database", first.DB.Kind()), slog.String("at", first.DB.Address()))
	if listening != nil {
		listening(s.front.Addr())
	}
	notify(daemon.SdNotifyReady)
	err = s.wait(ctx)
	notify(daemon.SdNotifyStopping)
	s.status.end()
	s.closeFronts()
	if ended := s.now.Load().end(context.WithoutCancel(ctx)); err == nil {
		err = ended
	}
	s.ending.Wait()
	if s.lastGood != nil {
		err = errors.Join(err, s.lastGood.Close())
	}
	return err
}

// wait returns when ctx ends or a listener fails. Until then it does as signals
// and the service manager ask.
func (s *Server) wait(ctx context.Context) error {
	watchdog := newWatchdog()
	defer watchdog.Stop()
	for {
		select {
		case <-ctx.Done():
			s.now.Load().log.Info("ending: no new requests; those in flight finish")
			return nil
		case <-s.Reload:
			s.reload(ctx)
		case <-watchdog.C:
			notify(daemon.SdNotifyWatchdog)
		case err := <-s.front.failing():
			return fmt.Errorf("accept clients: %w", err)
		case err := <-s.back.failing():
			return fmt.Errorf("accept those who look at the state of the server: %w", err)
		}
	}
}

// ServeHTTP lets the generation of now answer, on connections of an earlier one
// too: what a reload has forbidden is forbidden at once.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.now.Load().handler.ServeHTTP(w, r)
}

// open opens the addresses of a configuration, or takes those that systemd has
// opened.
func (s *Server) open(ctx context.Context, c config.Server) (err error) {
	if s.front, s.back, err = activated(s.clients); err != nil {
		return err
	}
	if s.front == nil {
		if s.front, err = openFront(ctx, cmp.Or(s.ListenHint, chooseListen), c.Listen, c, s.clients); err != nil {
			return err
		}
	}
	if !s.Insecure {
		err = setup.CheckAccess(s.front.Addr(), c)
	}
	if err == nil && s.back == nil && c.StatusListen != "" {
		s.back, err = openFront(ctx, "choose another address for [server] status_listen", c.StatusListen, c, nil)
	}
	if err != nil {
		s.closeFronts()
	}
	return err
}

func (s *Server) closeFronts() {
	for _, f := range []*front{s.front, s.back} {
		if f != nil {
			f.close()
		}
	}
}

// begin lets a generation answer.
func (s *Server) begin(ctx context.Context, g *generation) {
	limits := g.site.Config.Limits
	s.clients.Bound(limits.MaxClients, limits.MaxClientsPerAddress, g.site.Config.Server.ProxyProtocol)
	s.now.Store(g)
	s.status.watch(ctx, g)
	g.begin(s.front, s.back)
	s.metrics.Read()
}

// reload puts a new configuration in the place of the old one. Where the new one
// has mistakes, the old one goes on.
func (s *Server) reload(ctx context.Context) {
	log := s.now.Load().log
	notify(daemon.SdNotifyReloading)
	defer notify(daemon.SdNotifyReady)
	g, moved, err := s.next(ctx)
	if err != nil {
		s.metrics.ReloadRefused()
		for _, e := range setup.Problems(err) {
			log.Error("reload refused, the old configuration goes on: " + e.Error())
		}
		return
	}
	old := s.now.Load()
	if moved != nil {
		defer s.front.close()
		s.front = moved
	}
	s.begin(ctx, g)
	s.metrics.Reloaded()
	g.log.Info("reloaded", slog.String("address", s.front.Addr().String()), slog.Bool("database_kept", g.db == old.db))
	s.ending.Go(func() {
		if err := old.end(context.WithoutCancel(ctx)); err != nil {
			g.log.Warn(err.Error())
		}
	})
}

// next makes the generation of the configuration as it is now, and opens its
// address where that is another one.
func (s *Server) next(ctx context.Context) (g *generation, moved *front, err error) {
	fresh, err := s.Load()
	if err != nil {
		return nil, nil, err
	}
	c, was := fresh.Config.Server, s.now.Load().site.Config.Server
	if s.front.named != "" && c.Listen != was.Listen {
		if moved, err = openFront(ctx, chooseListen, c.Listen, c, s.clients); err != nil {
			fresh.Close()
			return nil, nil, err
		}
	}
	if !s.Insecure {
		err = setup.CheckAccess(cmp.Or(moved, s.front).Addr(), c)
	}
	if err == nil && c.StatusListen != was.StatusListen {
		err = errors.New("[server] status_listen cannot change without a restart")
	}
	if err == nil && (c.SocketMode != was.SocketMode || c.SocketGroup != was.SocketGroup) {
		err = errors.Join(s.front.hand(c), s.back.hand(c))
	}
	d, before := fresh.Config.Database, s.now.Load().site.Config.Database
	if err == nil && s.lastGood != nil && (d.LastGoodFile != before.LastGoodFile || d.LastGoodBytes != before.LastGoodBytes) {
		err = errors.New("[database] lastgood_file and lastgood_bytes cannot change without a restart")
	}
	if err == nil {
		g, err = s.generate(fresh, logging.New(logging.FlushingWriter{BufferedWriter: &s.log}, fresh.Config.Log, true))
	}
	if err != nil {
		fresh.Close()
		if moved != nil {
			moved.close()
		}
	}
	return g, moved, err
}

// notify tells the service manager, if there is one.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// newWatchdog ticks as often as the service manager wants a sign of life, or
// never.
func newWatchdog() *time.Ticker {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(every / 2)
}
