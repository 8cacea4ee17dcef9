package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dbsep/config"
)

func serveCommand() *cobra.Command {
	var file, listen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "answer requests as a server of its own",
		Long: `Answers requests at an address until it gets a TERM or INT signal. Then it
takes no more, finishes those in flight and ends with status 0.`,
		Example: `  dbsep serve --config /etc/asterisk/dbsep.conf --listen 127.0.0.1:8000
  dbsep serve --listen unix:/run/dbsep/dbsep.sock`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openSite(file)
			if err != nil {
				return err
			}
			defer s.close()
			if listen != "" {
				s.config.Server.Listen = listen
			}
			log, level := newLog(os.Stderr, true)
			obey(level, s.config)
			for _, w := range s.warnings() {
				log.Warn(w.Error())
			}
			return s.serve(cmd.Context(), log, nil)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", configFile(), "configuration `file`")
	cmd.Flags().StringVarP(&listen, "listen", "l", "", "`address` to listen on, host:port or unix:/path, instead of the configuration's")
	return cmd
}

// serve answers requests until ctx ends, and then those still in flight. It
// calls listening, if it is not nil, with the address once it can be asked.
func (s *site) serve(ctx context.Context, log *slog.Logger, listening func(net.Addr)) error {
	l, err := listen(ctx, s.config.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen or [server] listen", s.config.Server.Listen, err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		log.Warn("everyone who can reach this address can read and change the tables",
			slog.String("address", a.String()), slog.String("remedy", "listen on 127.0.0.1, or let a firewall or a proxy decide who may ask"))
	}
	server := newServer(s.gateway(log), s.config.Limits, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	log.Info("listening", slog.String("address", l.Addr().String()), slog.String("database", s.db.Kind()), slog.String("at", s.db.Address()))
	if listening != nil {
		listening(l.Addr())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return drain(ctx, server, s.config.Limits.Drain, log)
}

// drain ends a server: it takes no more requests and waits for those in flight.
func drain(ctx context.Context, server *http.Server, bound time.Duration, log *slog.Logger) error {
	log.Info("ending: no new requests; those in flight finish")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bound)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
		return errors.New("requests were still in flight after [limits] drain_timeout and were broken off")
	}
	return nil
}

// newServer returns a server with every wait bounded.
func newServer(h http.Handler, limits config.Limits, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: limits.Header,
		ReadTimeout:       limits.Read,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that break off; nothing to act on
	}
}

// listen opens host:port or unix:/path. A socket that an earlier process left
// behind, on which nobody listens, is replaced.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return lc.Listen(ctx, "tcp", address)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if err == nil {
		return l, nil
	}
	var d net.Dialer
	if c, dialErr := d.DialContext(ctx, "unix", path); dialErr == nil {
		_ = c.Close()
		return nil, err
	}
	if info, statErr := os.Stat(path); statErr != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, err
	}
	if removeErr := os.Remove(path); removeErr != nil {
		return nil, err
	}
	return lc.Listen(ctx, "unix", path)
}
