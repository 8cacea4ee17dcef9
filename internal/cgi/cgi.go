package cgi

import (
	"log/slog"
	"net/http"
	"net/http/cgi"
	"os"
	"strings"

	"dbsep/gateway"
	"dbsep/internal/auth"
	"dbsep/internal/config"
	"dbsep/internal/logging"
	"dbsep/internal/registration"
	"dbsep/internal/setup"
)

// Serve responds to the one request that the environment describes, and returns the
// exit status.
func Serve() int {
	responder, log, end := webGateway(setup.LoadOnce, cgiVariable)
	defer end()
	status := 0
	h := abortable(responder, func() { status = 1 })
	if err := cgi.Serve(cgiRequests(h)); err != nil {
		log.Error("the web server's request could not be read")
		return 1
	}
	_ = os.Stdout.Close() // the web server has all; a statement may have to be ended
	return status
}

// cgiRequests gives a handler the request that the CGI variables mean.
func cgiRequests(h http.Handler) http.Handler {
	variables := make(map[string]string)
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		variables[name] = value
	}
	u := requestURL(variables)
	for name, value := range replacements(variables) {
		_ = os.Setenv(name, value)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL = u
		h.ServeHTTP(w, r)
	})
}

// webGateway returns the gateway of a program that a web server started, and its
// log, and a function that closes its database. If the configuration is wrong it still
// responds, in the way that is safe for each operation. load reads the configuration;
// variable looks up what the web server says of a request.
func webGateway(load func(file string) (*setup.Loaded, error), variable func(r *http.Request, name string) string) (responder http.Handler, log *slog.Logger, end func()) {
	s, err := load(setup.ConfigFile())
	if err != nil {
		log = logging.New(os.Stderr, config.Default().Log, true)
		for _, e := range setup.Problems(err) {
			log.Error(e.Error())
		}
		return gateway.New(gateway.Unusable(err), gateway.Options{Log: logging.Limit(log, nil)}), log, func() {}
	}
	log = logging.New(os.Stderr, s.Config.Log, true)
	log.Debug("configuration loaded", slog.String("file", setup.ConfigFile()))
	s.DB.SetLog(log)
	o := setup.GatewayOptions(s.Config, logging.Limit(log, nil))
	if lines := logging.NewAccessLog(&logging.BufferedWriter{To: os.Stderr}, s.Config.Log, true); lines != nil {
		o.Observe = lines.Write
	}
	if len(s.Config.Tables) > 0 {
		o.Authorizer = auth.NewWeb(setup.TableRights(s.Config), variable)
	}
	return gateway.New(registration.New(s.DB, s.DB.Writable, log), o), log, s.Close
}

// cgiVariable looks up a variable of the one request of a CGI program.
func cgiVariable(_ *http.Request, name string) string { return os.Getenv(name) }

// abortable catches the panic by which a handler aborts a response, and drops the body of a
// response to HEAD: outside net/http's server nobody else does.
func abortable(h http.Handler, aborted func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // recover returns what panic was given
				aborted()
			} else if p != nil {
				panic(p)
			}
		}()
		if r.Method == http.MethodHead {
			w = withoutBody{w}
		}
		h.ServeHTTP(w, r)
	})
}

// withoutBody is a response that ends with its header.
type withoutBody struct{ http.ResponseWriter }

func (withoutBody) Write(body []byte) (int, error) { return len(body), nil }

func (w withoutBody) Unwrap() http.ResponseWriter { return w.ResponseWriter }
