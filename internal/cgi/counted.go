//go:build unix

package cgi

import (
	"net"
	"sync"
	"time"
)

// A countedListener knows whether its connections are closed. net/http/fcgi sends the
// response after the handler has returned, and then closes the connection unless the
// web server keeps it.
type countedListener struct {
	net.Listener
	open sync.WaitGroup
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &countedConn{c, sync.OnceFunc(l.open.Done)}, nil
}

// wait returns when all connections are closed, or after a while.
func (l *countedListener) wait(limit time.Duration) {
	closed := make(chan struct{})
	go func() {
		l.open.Wait()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(limit):
	}
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
