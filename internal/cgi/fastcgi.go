//go:build unix

package cgi

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"dbsep/internal/setup"
)

// StartedAsFastCGI reports whether standard input is a listening socket, which is
// how a web server starts a FastCGI program (FastCGI specification 2.2).
func StartedAsFastCGI() bool {
	listening, err := syscall.GetsockoptInt(0, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && listening == 1
}

// ServeFastCGI responds to requests from the socket on standard input until the web
// server ends the program. Requests in flight finish first. It returns the exit
// status.
func ServeFastCGI() int {
	defer runtime.KeepAlive(setup.SpareHeap())
	l, err := standardListener()
	responder, log, closeDatabase := webGateway(setup.LoadForWeb, fastCGIVariable)
	defer closeDatabase()
	if err != nil {
		log.Error("standard input is no socket to listen on", slog.String("cause", err.Error()))
		return 1
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1) // mod_fastcgi ends by USR1
	ended := make(chan struct{})
	go func() {
		<-end
		close(ended)
		_ = l.Close()
	}()
	var inFlight sync.RWMutex // read-locked by every request
	conns := &countedListener{Listener: l}
	h := abortable(responder, func() {})
	err = fcgi.Serve(fastCGIListener{conns}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inFlight.RLock()
		defer inFlight.RUnlock()
		h.ServeHTTP(w, fastCGIRequest(r))
	}))
	select {
	case <-ended:
		conns.wait(responseTimeout) // requests that have just come get in flight
		inFlight.Lock()             // every statement has a time limit, so this ends
		conns.wait(responseTimeout)
		return 0
	default:
		log.Error("the web server's socket failed", slog.String("cause", err.Error()))
		return 1
	}
}

// standardListener takes the socket on standard input, and leaves nothing there:
// once the listener is closed, the web server is refused at once and tries another
// process, instead of waiting for the end of this one.
func standardListener() (net.Listener, error) {
	l, err := net.FileListener(os.Stdin) // a duplicate
	if err != nil {
		return nil, err
	}
	_ = os.Stdin.Close()
	if nothing, err := os.Open(os.DevNull); err == nil {
		os.Stdin = nothing // under the number that has become free
	}
	return l, nil
}

// fastCGIVariable looks up what the web server says of a request.
func fastCGIVariable(r *http.Request, name string) string { return fcgi.ProcessEnv(r)[name] }

// responseTimeout is how long a program that ends waits for a request to be read, and
// for its response to be sent. Both end earlier if the web server closes a connection
// after each request.
const responseTimeout = time.Second
