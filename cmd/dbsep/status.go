package main

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"dbsep/gateway"
	"dbsep/internal/metrics"
)

// probeEvery is how often the database is asked whether it answers, and
// probeTimeout how long it may take.
const (
	probeEvery   = 2 * time.Second
	probeTimeout = 2 * time.Second
)

// A status answers for the state of the server: /livez while the process lives,
// /readyz while the database answers, and /metrics. Nothing is asked of the
// database for it: a look at it every few seconds serves all.
type status struct {
	metrics http.Handler
	up      func(bool)
	ready   atomic.Pointer[string] // what /readyz says where it is not ready
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

// watch looks at the database of a generation from now on, and not at that of
// the one before.
func (s *status) watch(ctx context.Context, g *generation) {
	s.stop()
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		for ctx.Err() == nil {
			s.look(ctx, g)
			select {
			case <-ctx.Done():
			case <-time.After(probeEvery):
			}
		}
	}()
}

// look asks the database once, and says so when its state has changed.
func (s *status) look(ctx context.Context, g *generation) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := g.db.Ping(ctx)
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
		g.log.Error("the database does not answer", attrsOf(err)...)
	case err == nil && before == &isAway:
		g.log.Info("the database answers again")
	}
}

// attrsOf tells of an error what may stand in any log.
func attrsOf(err error) []any {
	code, hint := gateway.Explain(err)
	return []any{"code", string(code), "hint", hint}
}

// end makes the server not ready any more.
func (s *status) end() {
	s.stop()
	s.ready.Store(&isEnding)
}

// over answers for the state of the server, and lets a gateway answer all other
// requests. The metrics are for those who may ask.
func (s *status) over(h http.Handler, guard gateway.Guard) http.Handler {
	state := s.handler(guard)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/livez", "/readyz", "/metrics":
			state.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// handler answers for the state of the server; guard, where it is not nil,
// decides who may see the metrics. All else is refused as the gateway does: Asterisk
// may have the wrong port.
func (s *status) handler(guard gateway.Guard) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := s.respond(w, r, guard); err != nil {
			gateway.Refuse(w, r, err)
		}
	})
}

func (s *status) respond(w http.ResponseWriter, r *http.Request, guard gateway.Guard) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return &gateway.Error{Code: gateway.UnknownOperation}
	}
	switch r.URL.Path {
	case "/livez":
		say(w, isReady)
	case "/readyz":
		say(w, *s.ready.Load())
	case "/metrics":
		if guard != nil {
			if _, err := guard.Admit(r); err != nil {
				return err
			}
		}
		s.metrics.ServeHTTP(w, r)
	default:
		return &gateway.Error{Code: gateway.UnknownOperation}
	}
	return nil
}

// say answers a probe: well where nothing is wrong.
func say(w http.ResponseWriter, wrong string) {
	w.Header().Set("Content-Type", "text/plain")
	if wrong != isReady {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, wrong)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
