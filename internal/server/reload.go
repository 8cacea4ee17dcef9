package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"

	"dbsep/internal/config"
	"dbsep/internal/setup"
)

// reload replaces the running instance by one of the configuration as it is now. If
// that has mistakes, the running instance stays, and the error has them.
func (s *Server) reload(ctx context.Context) error {
	old := s.running.Load()
	notify(daemon.SdNotifyReloading)
	defer notify(daemon.SdNotifyReady)
	i, moved, err := s.next(ctx)
	if err != nil {
		s.metrics.ReloadRefused()
		for _, e := range setup.Problems(err) {
			old.log.Error("reload refused, the old configuration goes on: " + e.Error())
		}
		return err
	}
	s.run(ctx, i)
	if moved != nil {
		s.http.serve(s.clients.Listener(moved))
		_ = s.listener.Close()
		s.listener = moved
	}
	s.metrics.Reloaded()
	if changed := needRestart(s.started, i.config); changed != "" {
		i.log.Warn("some settings change only with a restart", slog.String("settings", changed))
	}
	i.log.Info("reloaded", slog.String("address", s.listener.Addr().String()), slog.Bool("database_kept", i.db == old.db))
	s.ending.Go(old.end)
	return nil
}

// next returns an instance of the configuration as it is now, and opens its address if
// that has changed.
func (s *Server) next(ctx context.Context) (i *instance, moved *listener, err error) {
	l, err := s.Load()
	if err != nil {
		return nil, nil, err
	}
	c, running := l.Config.Server, s.running.Load().config.Server
	if s.listener.address != "" && c.Listen != running.Listen {
		if moved, err = openListener(ctx, chooseListen, c.Listen, clientAccess(c)); err != nil {
			l.Close()
			return nil, nil, err
		}
	}
	if !s.Insecure {
		err = setup.CheckAccess(cmp.Or(moved, s.listener).Addr(), c)
	}
	if err == nil {
		err = s.refuseRestart(l.Config)
	}
	if err == nil && clientAccess(c) != clientAccess(running) {
		err = errors.Join(s.listener.setAccess(clientAccess(c)), s.statusListener.setAccess(clientAccess(c)))
	}
	if err == nil && cgiAccess(c) != cgiAccess(running) {
		err = s.cgiListener.setAccess(cgiAccess(c))
	}
	if err == nil {
		i, err = s.newInstance(l, s.newLog(l.Config))
	}
	if err != nil {
		l.Close()
		if moved != nil {
			_ = moved.Close()
		}
	}
	return i, moved, err
}

// refuseRestart refuses changes that cannot wait for the next restart: of the listeners for
// monitoring and for web servers, and of the file of stale responses.
func (s *Server) refuseRestart(c *config.Config) error {
	running := s.running.Load().config
	if c.Server.StatusListen != running.Server.StatusListen {
		return errors.New("[server] status_listen cannot change without a restart")
	}
	if c.Server.CGIListen != running.Server.CGIListen {
		return errors.New("[server] cgi_listen cannot change without a restart")
	}
	d, was := c.Database, running.Database
	if s.staleCache.Load() != nil && (d.LastGoodFile != was.LastGoodFile || d.LastGoodBytes != was.LastGoodBytes) {
		return errors.New("[database] lastgood_file and lastgood_bytes cannot change without a restart")
	}
	return nil
}

// needRestart names the settings of the HTTP servers that differ from those that the
// server has started with.
func needRestart(started, now *config.Config) string {
	var settings []string
	for _, s := range []struct {
		name    string
		changed bool
	}{
		{"header_timeout", now.Limits.Header != started.Limits.Header},
		{"read_timeout", now.Limits.Read != started.Limits.Read},
		{"idle_timeout", now.Limits.Idle != started.Limits.Idle},
	} {
		if s.changed {
			settings = append(settings, s.name)
		}
	}
	return strings.Join(settings, ", ")
}
