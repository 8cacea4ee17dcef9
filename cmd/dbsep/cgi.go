package main

import (
	"log/slog"
	"net/http"
	"net/http/cgi"
	"net/url"
	"os"
	"strconv"
	"strings"

	"dbsep/access"
	"dbsep/config"
	"dbsep/gateway"
)

// serveCGI answers the one request that the environment describes.
func serveCGI() int {
	answers, log := webGateway(cgiVariable)
	status := 0
	h := abortable(answers, func() { status = 1 })
	if err := cgi.Serve(mended(h)); err != nil {
		log.Error("the web server's request could not be read")
		return 1
	}
	return status
}

// mended gives a handler the request that the CGI variables mean. net/http/cgi
// parses the URL, the length and the protocol, and gives up without an answer on
// what it cannot parse; the Perl script took PATH_INFO and QUERY_STRING as they
// are and always answered. So the library is shown plain ones and the URL is put
// in behind it.
func mended(h http.Handler) http.Handler {
	u := url.URL{Path: "/" + strings.TrimLeft(os.Getenv("PATH_INFO"), "/"), RawQuery: os.Getenv("QUERY_STRING")}
	set := func(name, value string) { _ = os.Setenv(name, value) }
	set("REQUEST_URI", "/")
	set("HTTP_HOST", "localhost")
	if os.Getenv("REQUEST_METHOD") == "" {
		set("REQUEST_METHOD", http.MethodGet)
	}
	if _, _, ok := http.ParseHTTPVersion(os.Getenv("SERVER_PROTOCOL")); !ok {
		set("SERVER_PROTOCOL", "HTTP/1.1")
	}
	if n, err := strconv.ParseInt(os.Getenv("CONTENT_LENGTH"), 10, 64); err != nil || n < 0 {
		set("CONTENT_LENGTH", "") // without a length there is no body
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL = &u
		h.ServeHTTP(w, r)
	})
}

// webGateway returns the gateway of a program that a web server started, and its
// log. Where the configuration is wrong it still answers, in the way that is safe
// for each operation. variable looks up what the web server says of a request.
func webGateway(variable func(r *http.Request, name string) string) (http.Handler, *slog.Logger) {
	s, err := openSite(configFile())
	if err != nil {
		log := newLog(os.Stderr, config.Default().Log)
		for _, e := range unjoin(err) {
			log.Error(e.Error())
		}
		return gateway.New(gateway.Unusable(err), gateway.Options{Log: log}), log
	}
	log := newLog(os.Stderr, s.config.Log)
	o := options(s.config, log)
	if lines := newAccessLog(&gathered{w: os.Stderr}, s.config.Log); lines != nil {
		o.Observe = lines.write
	}
	if len(s.config.Tables) > 0 {
		o.Guard = access.NewWeb(rulings(s.config), variable)
	}
	return gateway.New(s.db, o), log
}

// cgiVariable looks up a variable of the one request of a CGI program.
func cgiVariable(_ *http.Request, name string) string { return os.Getenv(name) }

// abortable catches the panic by which a handler breaks an answer off: outside
// net/http nobody else does.
func abortable(h http.Handler, aborted func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // recover returns what panic was given
				aborted()
			} else if p != nil {
				panic(p)
			}
		}()
		h.ServeHTTP(w, r)
	})
}
