//go:build unix

package cgi

import (
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"dbsep/internal/config"
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
	g := openGateway(setup.LoadForWeb, Variable)
	defer g.close()
	if err != nil {
		g.log.Error("standard input is no socket to listen on", slog.String("cause", err.Error()))
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
	s := NewServer(g, func() config.Limits { return g.limits }, nil)
	err = s.Serve(l)
	select {
	case <-ended:
		if err := s.End(g.limits.Drain); err != nil {
			g.log.Error(err.Error())
			return 1
		}
		return 0
	default:
		g.log.Error("the web server's socket failed", slog.String("cause", err.Error()))
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
