package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"dbsep/internal/control"
	"dbsep/internal/setup"
)

// openControl opens the socket of the administrator: POST /reload reads the configuration
// again and says what came of it, and the status is there, too. A server without the socket
// does everything else.
func (s *Server) openControl(log *slog.Logger) *control.Server {
	mux := http.NewServeMux()
	mux.Handle("/", s.status.handler(nil))
	mux.HandleFunc("POST /reload", s.serveReload)
	c, err := control.Serve(mux)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		log.Warn("dbsep reload and dbsep health cannot reach this server", slog.String("cause", err.Error()))
	}
	return c
}

// serveReload lets the server's loop reload, and responds with each mistake, or with what
// is running now.
func (s *Server) serveReload(w http.ResponseWriter, r *http.Request) {
	outcome := make(chan error, 1)
	select {
	case s.reloads <- outcome:
	case <-r.Context().Done(): // the server ends
		return
	}
	if err := <-outcome; err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintln(w, "reload refused, the old configuration goes on")
		for _, e := range setup.Problems(err) {
			fmt.Fprintln(w, e)
		}
		return
	}
	i := s.running.Load()
	fmt.Fprintf(w, "reloaded %s\n", i.config.File)
	if changed := needRestart(s.started, i.config); changed != "" {
		fmt.Fprintf(w, "some settings change only with a restart: %s\n", changed)
	}
}
