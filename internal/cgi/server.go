package cgi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/fcgi"
	"sync"
	"time"

	"dbsep/internal/config"
	"dbsep/internal/configfile"
	"dbsep/internal/fastcgi"
)

// A Server responds over FastCGI to the requests of web servers, which come from dbsep-cgi or
// from the web servers themselves.
type Server struct {
	handler http.Handler
	limits  func() config.Limits // of the configuration as it is now
	version func() string        // of that configuration's file: see configfile; nil: nobody asks

	serving sync.WaitGroup
	mu      sync.Mutex
	changed *sync.Cond // the connections, or ending
	open    map[*serverConn]bool
	ending  bool
}

// NewServer returns a server that does not serve yet. version may be nil.
func NewServer(h http.Handler, limits func() config.Limits, version func() string) *Server {
	s := &Server{handler: h, limits: limits, version: version, open: make(map[*serverConn]bool)}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Serve accepts connections until the listener is closed, at most [limits] max_clients at a
// time: others wait.
func (s *Server) Serve(l net.Listener) error {
	s.serving.Add(1)
	defer s.serving.Done()
	for {
		s.awaitPlace()
		accepted, err := l.Accept()
		if err != nil {
			return err
		}
		c := s.newConn(accepted)
		// One call for each connection, so that its handler knows it.
		_ = fcgi.Serve(&oneConn{Listener: l, conn: c}, c)
	}
}

// awaitPlace waits until one more connection may be open.
func (s *Server) awaitPlace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) >= s.limits().MaxClients && !s.ending {
		s.changed.Wait()
	}
}

// End finishes the requests in flight, for as long as limit. The listener is closed already. A
// connection without a request may still send one that is on its way.
func (s *Server) End(limit time.Duration) error {
	s.mu.Lock()
	s.ending = true
	s.changed.Broadcast()
	for c := range s.open {
		c.endSoon()
	}
	s.mu.Unlock()
	overdue := time.AfterFunc(limit, s.closeAll)
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) > 0 {
		s.changed.Wait()
	}
	if !overdue.Stop() {
		return errors.New("requests of web servers were still in flight after [limits] drain_timeout and were broken off")
	}
	return nil
}

func (s *Server) closeAll() {
	s.mu.Lock()
	conns := make([]*serverConn, 0, len(s.open))
	for c := range s.open {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	net.Listener
	conn net.Conn
}

func (l *oneConn) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

// A serverConn is a connection of a server, and handles its requests. It is closed when a
// response is aborted, so that the other side sees that it is incomplete.
type serverConn struct {
	*fastCGIConn
	server *Server
	gone   context.Context // ends when nothing can be read any more
	leave  context.CancelFunc
	busy   bool // a request has begun, and its handler has not returned; server.mu guards it
}

func (s *Server) newConn(accepted net.Conn) *serverConn {
	c := &serverConn{fastCGIConn: newFastCGIConn(accepted), server: s}
	c.gone, c.leave = context.WithCancel(context.Background())
	if s.version != nil {
		c.values = map[string]func() string{configfile.VersionVariable: s.version}
	}
	c.observe = c.see
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = true
	_ = c.SetReadDeadline(time.Now().Add(s.limits().Read))
	if s.ending {
		c.endSoon()
	}
	return c
}

// see limits the time for a request to arrive. While its handler runs, there is no limit: a
// connection whose reading fails is closed.
func (c *serverConn) see(head fastcgi.Head) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	switch {
	case head.Kind == fastcgi.BeginRequest:
		c.busy = true
		_ = c.SetReadDeadline(time.Now().Add(c.server.limits().Read))
	case head.Kind == fastcgi.Stdin && head.Length == 0:
		_ = c.SetReadDeadline(time.Time{})
	}
}

// endSoon closes the connection in a while unless it has a request. server.mu is locked.
func (c *serverConn) endSoon() {
	if !c.busy {
		_ = c.SetReadDeadline(time.Now().Add(responseTimeout))
	}
}

func (c *serverConn) Read(p []byte) (int, error) {
	n, err := c.fastCGIConn.Read(p)
	if err != nil {
		c.leave()
	}
	return n, err
}

func (c *serverConn) Close() error {
	c.leave()
	c.server.mu.Lock()
	delete(c.server.open, c)
	c.server.changed.Broadcast()
	c.server.mu.Unlock()
	return c.fastCGIConn.Close()
}

func (c *serverConn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer c.handled()
	r = fastCGIRequest(r)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(c.gone, cancel)()
	abortable(c.server.handler, func() { _ = c.Close() }).ServeHTTP(serverResponse{w, c}, r.WithContext(ctx))
}

func (c *serverConn) handled() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = false
	if c.server.ending {
		c.endSoon()
	}
}

// A serverResponse can be given up when its reader is slow.
type serverResponse struct {
	http.ResponseWriter
	conn net.Conn
}

func (w serverResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// SetWriteDeadline is for http.ResponseController.
func (w serverResponse) SetWriteDeadline(t time.Time) error { return w.conn.SetWriteDeadline(t) }

// Variable looks up what a web server says of a request that came over FastCGI.
func Variable(r *http.Request, name string) string { return fcgi.ProcessEnv(r)[name] }

// responseTimeout is how long a server that ends waits for a request that is on its way, and
// for its last response to be sent. Both end earlier if the web server closes a connection
// after each request.
const responseTimeout = time.Second
