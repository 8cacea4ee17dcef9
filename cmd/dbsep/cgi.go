package main

import (
	"log/slog"
	"net/http"
	"net/http/cgi"
	"net/url"
	"os"
	"strconv"
	"strings"

	"dbsep/gateway"
)

// serveCGI answers the one request that the environment describes.
func serveCGI() int {
	log := webServerLog()
	mendEnvironment()
	status := 0
	err := cgi.Serve(abortable(webGateway(log), func() { status = 1 }))
	if err != nil {
		log.Error("the web server's request could not be read", slog.String("cause", err.Error()))
		return 1
	}
	return status
}

// mendEnvironment makes the CGI variables ones that net/http/cgi takes. It reads
// the URL from REQUEST_URI and gives up, without an answer, on what it cannot
// parse; the Perl script read PATH_INFO, which is the same but for rewriting, and
// always answered.
func mendEnvironment() {
	u := url.URL{Path: "/" + strings.TrimLeft(os.Getenv("PATH_INFO"), "/"), RawQuery: os.Getenv("QUERY_STRING")}
	set := func(name, value string) { _ = os.Setenv(name, value) }
	set("REQUEST_URI", u.RequestURI())
	set("HTTP_HOST", "localhost") // an odd one would spoil the URL; nothing here depends on it
	if _, _, ok := http.ParseHTTPVersion(os.Getenv("SERVER_PROTOCOL")); !ok {
		set("SERVER_PROTOCOL", "HTTP/1.1")
	}
	if n, err := strconv.ParseInt(os.Getenv("CONTENT_LENGTH"), 10, 64); err != nil || n < 0 {
		set("CONTENT_LENGTH", "") // as the web server said nothing
	}
}

// webGateway returns the gateway of a program that a web server started. Where
// the configuration is wrong it still answers, in the way that is safe for each
// operation.
func webGateway(log *slog.Logger) http.Handler {
	s, err := openSite(configFile())
	if err != nil {
		for _, e := range unjoin(err) {
			log.Error(e.Error())
		}
		return gateway.New(gateway.Unusable(err), gateway.Options{Log: log})
	}
	return s.gateway(log)
}

// webServerLog writes to standard error, which is the web server's log: it has
// a clock of its own.
func webServerLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

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
