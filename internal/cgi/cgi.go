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

// lostVariable is set by dbsep-cgi when a server had the request and did not respond to it.
const lostVariable = "DBSEP_REQUEST_LOST"

// Serve responds to the one request that the environment describes, and returns the
// exit status.
func Serve() int {
	g := openGateway(setup.LoadOnce, cgiVariable)
	defer g.close()
	status := 0
	respond := http.Handler(g)
	if os.Getenv(lostVariable) != "" {
		respond = http.HandlerFunc(g.refuseLost)
	}
	h := abortable(respond, func() { status = 1 })
	if err := cgi.Serve(cgiRequests(h)); err != nil {
		g.log.Error("the web server's request could not be read")
		return 1
	}
	_ = os.Stdout.Close() // the web server has all; a statement may have to be ended
	return status
}

// refuseLost responds to a request that a server may have carried out, or may not: it must not
// be carried out again.
func (g *webGateway) refuseLost(w http.ResponseWriter, r *http.Request) {
	g.Refuse(w, r, &gateway.Error{Code: gateway.Unavailable, Hint: "dbsep serve ended, or hangs, while it had this request: look at its log"})
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

// A webGateway is the gateway of a program that a web server started.
type webGateway struct {
	*gateway.Gateway
	log    *slog.Logger
	limits config.Limits
	close  func() // closes its database
}

// openGateway opens the gateway of a configuration. If that is wrong it still responds, in
// the way that is safe for each operation. load reads the configuration; variable looks up
// what the web server says of a request.
func openGateway(load func(file string) (*setup.Loaded, error), variable func(r *http.Request, name string) string) *webGateway {
	s, err := load(setup.ConfigFile())
	if err != nil {
		c := config.Default()
		log := logging.New(os.Stderr, c.Log, true)
		for _, e := range setup.Problems(err) {
			log.Error(e.Error())
		}
		return &webGateway{gateway.New(gateway.Unusable(err), gateway.Options{Log: logging.Limit(log, nil)}), log, c.Limits, func() {}}
	}
	log := logging.New(os.Stderr, s.Config.Log, true)
	log.Debug("configuration loaded", slog.String("file", setup.ConfigFile()))
	s.DB.SetLog(log)
	o := setup.GatewayOptions(s.Config, logging.Limit(log, nil))
	o.Alter = setup.Alter(s.DB)
	if lines := logging.NewAccessLog(&logging.BufferedWriter{To: os.Stderr}, s.Config.Log, true); lines != nil {
		o.Observe = lines.Write
	}
	if len(s.Config.Tables) > 0 {
		o.Authorizer = auth.NewWeb(setup.TableRights(s.Config), variable)
	}
	return &webGateway{gateway.New(registration.New(s.DB, s.DB.Writable, log), o), log, s.Config.Limits, s.Close}
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
