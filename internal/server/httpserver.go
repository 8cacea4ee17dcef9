package server

import (
	"context"
	"crypto/tls"
	"errors"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/config"
)

// An httpServer serves HTTP for the life of the process. A reload closes none of its
// connections: what the configuration says is looked up for each of them, and for each
// request.
type httpServer struct {
	*http.Server
	tls       func() *tls.Config    // of the configuration; nil, or returns nil: plain HTTP
	proxies   func() []netip.Prefix // the networks that may send a PROXY header; nil: none
	refuse    refuser
	tlsFailed func(client net.Addr, err error)

	serving sync.WaitGroup // calls of serve
	silent  sync.WaitGroup // connections of which no handler has a request yet
	failed  chan error     // why no more connections are accepted
}

// A refuser responds to a request with an error.
type refuser func(w http.ResponseWriter, r *http.Request, err error)

// newHTTPServer returns a server of plain HTTP with every wait limited.
func newHTTPServer(h http.Handler, refuse refuser, limits config.Limits, errorLog *stdlog.Logger) *httpServer {
	s := &httpServer{refuse: refuse, failed: make(chan error, 1)}
	s.Server = &http.Server{
		Handler:           s.authorized(h),
		ReadHeaderTimeout: limits.Header,
		ReadTimeout:       limits.Read,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withConnection,
		ConnState:         observe,
		ErrorLog:          errorLog,

		DisableGeneralOptionsHandler: true, // net/http must not respond to OPTIONS * either
	}
	return s
}

// serve accepts connections in the background until the listener is closed.
func (s *httpServer) serve(l net.Listener) {
	s.serving.Go(func() {
		err := s.Serve(&connectionListener{l, s})
		if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
			return
		}
		select {
		case s.failed <- err:
		default:
		}
	})
}

// firstRequestTimeout is how long a server that ends waits for the first request of
// connections that it has accepted. A client connects to send one at once.
const firstRequestTimeout = time.Second

// end finishes the requests in flight, for as long as limit. The listeners are closed
// already. net/http drops requests that arrive after Shutdown, so each connection may
// send its first one before.
func (s *httpServer) end(ctx context.Context, limit time.Duration) error {
	s.serving.Wait()
	s.SetKeepAlivesEnabled(false)
	heard := make(chan struct{})
	go func() {
		s.silent.Wait()
		close(heard)
	}()
	select {
	case <-heard:
	case <-time.After(firstRequestTimeout):
	}
	return shutDown(ctx, s.Server, limit)
}

func shutDown(ctx context.Context, s *http.Server, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		_ = s.Close()
		return errors.New("requests were still in flight after [limits] drain_timeout and were broken off")
	}
	return nil
}

// Serve lets a handler respond to the requests of a listener until ctx ends, and then
// to those in flight. The gateway responds to web pages, and where net/http would respond
// by itself.
func Serve(ctx context.Context, l net.Listener, h http.Handler, limits config.Limits, log *slog.Logger) error {
	authorizer, err := auth.New(auth.Rules{})
	if err != nil {
		return err
	}
	admitted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := authorizer.Authorize(r); err != nil {
			gateway.Refuse(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
	s := newHTTPServer(admitted, gateway.Refuse, limits, slog.NewLogLogger(log.Handler(), slog.LevelDebug))
	s.serve(l)
	select {
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		_ = l.Close()
		return s.end(context.WithoutCancel(ctx), limits.Drain)
	}
}
