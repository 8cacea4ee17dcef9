package main

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
	"dbsep/internal/metrics"
)

// A server answers requests until it is told to end. What its configuration says
// is a generation; a reload puts a new one in the place of the old.
type server struct {
	load     func() (*site, error) // nil: nothing is read again
	again    <-chan os.Signal      // to read it again
	insecure bool
	hint     string // how to choose another address for clients; empty: [server] listen

	log     gathered // where all lines go
	clients *auth.Clients
	metrics *metrics.Metrics
	status  *status
	front   *front // where clients ask
	back    *front // where the state is asked; nil where front answers for it
	now     atomic.Pointer[generation]

	lastGood *cache.Store   // nil where none are kept
	ending   sync.WaitGroup // generations of the past that still have requests in flight
}

// run answers requests until ctx ends, and then those still in flight. It calls
// listening, if it is not nil, with the address once it can be asked.
func (s *server) run(ctx context.Context, first *site, listening func(net.Addr)) error {
	s.log.w, s.log.wait = os.Stderr, gatherFor
	defer s.log.Flush()
	s.clients = auth.NewClients(first.config.Limits.MaxClients, first.config.Limits.MaxClientsPerAddress, func() { s.metrics.Refused.Inc() })
	s.metrics = metrics.New(version, metrics.Sources{
		Pools:   func() []metrics.Pool { return s.now.Load().pools() },
		Clients: s.clients.Open,
		Shared:  func() (again, joined int64) { return s.now.Load().counts() },
	})
	s.status = newStatus(s.metrics)
	log := newLog(prompt{&s.log}, first.config.Log)
	if err := s.open(ctx, first.config.Server); err != nil {
		first.close()
		return err
	}
	g, err := s.generate(first, log)
	if err != nil {
		first.close()
		s.closeFronts()
		return err
	}
	s.begin(ctx, g)
	log.Info("listening", slog.String("address", s.front.Addr().String()), slog.String("database", first.db.Kind()), slog.String("at", first.db.Address()))
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
func (s *server) wait(ctx context.Context) error {
	watchdog := newWatchdog()
	defer watchdog.Stop()
	for {
		select {
		case <-ctx.Done():
			s.now.Load().log.Info("ending: no new requests; those in flight finish")
			return nil
		case <-s.again:
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
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.now.Load().handler.ServeHTTP(w, r)
}

// open opens the addresses of a configuration, or takes those that systemd has
// opened.
func (s *server) open(ctx context.Context, c config.Server) (err error) {
	if s.front, s.back, err = activated(s.clients); err != nil {
		return err
	}
	if s.front == nil {
		if s.front, err = openFront(ctx, cmp.Or(s.hint, chooseListen), c.Listen, c, s.clients); err != nil {
			return err
		}
	}
	if !s.insecure {
		err = guarded(s.front.Addr(), c)
	}
	if err == nil && s.back == nil && c.StatusListen != "" {
		s.back, err = openFront(ctx, "choose another address for [server] status_listen", c.StatusListen, c, nil)
	}
	if err != nil {
		s.closeFronts()
	}
	return err
}

func (s *server) closeFronts() {
	for _, f := range []*front{s.front, s.back} {
		if f != nil {
			f.close()
		}
	}
}

// begin lets a generation answer.
func (s *server) begin(ctx context.Context, g *generation) {
	limits := g.site.config.Limits
	s.clients.Bound(limits.MaxClients, limits.MaxClientsPerAddress, g.site.config.Server.ProxyProtocol)
	s.now.Store(g)
	s.status.watch(ctx, g)
	g.begin(s.front, s.back)
	s.metrics.Read()
}

// reload puts a new configuration in the place of the old one. Where the new one
// has mistakes, the old one goes on.
func (s *server) reload(ctx context.Context) {
	log := s.now.Load().log
	notify(daemon.SdNotifyReloading)
	defer notify(daemon.SdNotifyReady)
	g, moved, err := s.next(ctx)
	if err != nil {
		s.metrics.ReloadRefused()
		for _, e := range unjoin(err) {
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
func (s *server) next(ctx context.Context) (g *generation, moved *front, err error) {
	fresh, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	c, was := fresh.config.Server, s.now.Load().site.config.Server
	if s.front.named != "" && c.Listen != was.Listen {
		if moved, err = openFront(ctx, chooseListen, c.Listen, c, s.clients); err != nil {
			fresh.close()
			return nil, nil, err
		}
	}
	if !s.insecure {
		err = guarded(cmp.Or(moved, s.front).Addr(), c)
	}
	if err == nil && c.StatusListen != was.StatusListen {
		err = errors.New("[server] status_listen cannot change without a restart")
	}
	if err == nil && (c.SocketMode != was.SocketMode || c.SocketGroup != was.SocketGroup) {
		err = errors.Join(s.front.hand(c), s.back.hand(c))
	}
	d, before := fresh.config.Database, s.now.Load().site.config.Database
	if err == nil && s.lastGood != nil && (d.LastGoodFile != before.LastGoodFile || d.LastGoodBytes != before.LastGoodBytes) {
		err = errors.New("[database] lastgood_file and lastgood_bytes cannot change without a restart")
	}
	if err == nil {
		g, err = s.generate(fresh, newLog(prompt{&s.log}, fresh.config.Log))
	}
	if err != nil {
		fresh.close()
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
