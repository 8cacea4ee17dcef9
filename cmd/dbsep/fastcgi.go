//go:build unix

package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// startedAsFastCGI tells whether standard input is a listening socket, which is
// how a web server starts a FastCGI program (FastCGI specification 2.2).
func startedAsFastCGI() bool {
	listening, err := syscall.GetsockoptInt(0, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && listening == 1
}

// serveFastCGI answers requests from the socket on standard input until the web
// server ends the program. What is in flight then finishes first.
func serveFastCGI() int {
	answers, log := webGateway(fastCGIVariable)
	l, err := net.FileListener(os.Stdin)
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
	var inFlight sync.WaitGroup
	conns := &countedListener{Listener: l}
	h := abortable(answers, func() {})
	err = fcgi.Serve(conns, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inFlight.Add(1)
		defer inFlight.Done()
		h.ServeHTTP(w, r)
	}))
	select {
	case <-ended:
		inFlight.Wait() // every statement is bounded, so this is too
		conns.wait(answerTimeout)
		return 0
	default:
		log.Error("the web server's socket failed", slog.String("cause", err.Error()))
		return 1
	}
}

// fastCGIVariable looks up what the web server says of a request.
func fastCGIVariable(r *http.Request, name string) string { return fcgi.ProcessEnv(r)[name] }

// answerTimeout is how long a program that ends waits for answers to leave, and
// for connections that the web server keeps open.
const answerTimeout = time.Second
