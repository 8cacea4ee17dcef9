package server

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/metrics"
)

// probeEvery is how often the database is probed, and probeTimeout how long that may
// take.
const (
	probeEvery   = 2 * time.Second
	probeTimeout = 2 * time.Second
)

// A status responds to /livez while the process lives, to /readyz while the database
// is available, and to /metrics. None of them sends a query: the database is probed in
// the background.
type status struct {
	metrics http.Handler
	up      func(bool)
	ready   atomic.Pointer[string] // what /readyz says if it is not ready
	stop    context.CancelFunc
}

var (
	isReady   = ""
	isAway    = "the database does not answer\n"
	isEnding  = "the server is ending\n"
	isUnknown = "the database has not answered yet\n"
)

func newStatus(m *metrics.Metrics) *status {
	s := &status{metrics: m.Handler(), stop: func() {}}
	s.up = func(up bool) {
		m.Up.Set(map[bool]float64{true: 1}[up])
	}
	s.ready.Store(&isUnknown)
	return s
}

// watch probes the database of an instance from now on, instead of that of the one
// before.
func (s *status) watch(ctx context.Context, i *instance) {
	s.stop()
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		for ctx.Err() == nil {
			s.probe(ctx, i)
			select {
			case <-ctx.Done():
			case <-time.After(probeEvery):
			}
		}
	}()
}

// probe queries the database once, and logs a change of its state.
func (s *status) probe(ctx context.Context, i *instance) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := i.db.Ping(ctx)
	state := &isReady
	if err != nil {
		state = &isAway
	}
	if ctx.Err() == context.Canceled { //nolint:errorlint // a context gives it as it is
		return
	}
	s.up(err == nil)
	switch before := s.ready.Swap(state); {
	case before == &isEnding:
		s.ready.Store(before)
	case err != nil && before != state:
		i.log.Error("the database does not answer", attrsOf(err)...)
	case err == nil && before == &isAway:
		i.log.Info("the database answers again")
	}
}

// attrsOf is what any log may say of an error.
func attrsOf(err error) []any {
	code, hint := gateway.Explain(err)
	return []any{"code", string(code), "hint", hint}
}

// end makes the server not ready any more.
func (s *status) end() {
	s.stop()
	s.ready.Store(&isEnding)
}

// before responds to requests for the status, and passes all others to a handler. The
// metrics are only for clients that the authorizer admits.
func (s *status) before(h http.Handler, authorizer gateway.Authorizer) http.Handler {
	state := s.handler(authorizer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/livez", "/readyz", "/metrics":
			state.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// handler responds to requests for the status; authorizer, if it is not nil, decides who may
// see the metrics. All others are refused as the gateway does: Asterisk may have the
// wrong port.
func (s *status) handler(authorizer gateway.Authorizer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := s.respond(w, r, authorizer); err != nil {
			gateway.Refuse(w, r, err)
		}
	})
}

func (s *status) respond(w http.ResponseWriter, r *http.Request, authorizer gateway.Authorizer) error {
	if !auth.HasPlace(r.Context()) {
		w.Header().Set("Connection", "close")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return &gateway.Error{Code: gateway.UnknownOperation}
	}
	switch r.URL.Path {
	case "/livez":
		say(w, isReady)
	case "/readyz":
		say(w, *s.ready.Load())
	case "/metrics":
		if authorizer != nil {
			if _, err := authorizer.Authorize(r); err != nil {
				return err
			}
		}
		s.metrics.ServeHTTP(w, r)
	default:
		return &gateway.Error{Code: gateway.UnknownOperation}
	}
	return nil
}

// say responds to a probe: well if nothing is wrong.
func say(w http.ResponseWriter, wrong string) {
	w.Header().Set("Content-Type", "text/plain")
	if wrong != isReady {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, wrong)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
