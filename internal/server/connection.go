package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"

	"dbsep/gateway"
	"dbsep/internal/auth"
)

// A connectionListener accepts the connections of clients, with what has to happen
// between the network and net/http: the PROXY protocol, TLS, and the replacement of
// what net/http responds by itself.
type connectionListener struct {
	net.Listener
	server *httpServer
}

func (l *connectionListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	plain := &bufferedConn{Conn: conn, in: bufio.NewReaderSize(conn, 512)}
	c := &connection{Conn: plain, plain: plain, server: l.server}
	if c.tls = c.currentTLS(); c.tls != nil {
		c.Conn, c.encrypted = tls.Server(plain, c.tls), true
	}
	l.server.silent.Add(1)
	c.heard = sync.OnceFunc(l.server.silent.Done)
	return c, nil
}

// A bufferedConn can be looked at before it is read.
type bufferedConn struct {
	net.Conn
	in *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *bufferedConn) CloseWrite() error { return closeWrite(c.Conn) }

// closeWrite ends what is sent on a connection, as far as it can.
func closeWrite(c net.Conn) error {
	if c, ok := c.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// A connection is a client's. Asterisk takes any text that net/http responds by
// itself, to a request that is not valid HTTP, for a row or a number of rows: such a
// response never leaves; the client gets that of the gateway instead.
type connection struct {
	net.Conn  // plain, or TLS over it
	plain     *bufferedConn
	encrypted bool // TLS is spoken
	server    *httpServer
	heard     func() // notes that a handler has a request, or that there will be none

	began   sync.Once // the rest is known once it has
	failed  error     // nothing can be read
	refusal error     // of all requests
	notTLS  bool      // plain HTTP came in place of TLS
	client  net.Addr  // that a PROXY header names; nil: the peer itself

	handled atomic.Bool // a handler has the request
	lingers atomic.Bool // the client may still send when the connection is closed

	mu     sync.Mutex
	tls    *tls.Config          // under which state has been verified
	state  *tls.ConnectionState // nil: plain HTTP
	head   []byte               // the beginning of the request that no handler has yet
	unread int64                // bytes of the handled request's body that are still to come; unknown if negative
}

// headBytes is how much of a request is kept while no handler has it.
const headBytes = 16 << 10

// begin reads what comes before HTTP.
func (c *connection) begin() {
	c.began.Do(func() {
		_ = c.SetDeadline(time.Now().Add(c.server.ReadHeaderTimeout))
		if c.failed = c.readProxyHeader(); c.failed == nil && c.encrypted {
			c.failed = c.shakeHands()
		}
		_ = c.SetDeadline(time.Time{})
	})
}

// readProxyHeader reads a header of the PROXY protocol if there is one. Where it may
// not be, the connection continues, so that its requests can be refused.
func (c *connection) readProxyHeader() error {
	header, err := proxyproto.Read(c.plain.in)
	var network net.Error
	switch {
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
	case errors.As(err, &network):
		return err
	case err != nil:
		c.refusal = &gateway.Error{Code: gateway.BadRequest, Err: err, Hint: "let the proxy send a valid PROXY protocol header, version 1 or 2"}
	case c.server.proxies == nil || !auth.IsProxy(c.plain.RemoteAddr(), c.server.proxies()):
		c.refusal = &gateway.Error{Code: gateway.UnexpectedProxy}
	case header.Command.IsProxy():
		if tcp, ok := header.SourceAddr.(*net.TCPAddr); ok {
			c.client = tcp
		}
	}
	return nil
}

// tlsHandshake is the first byte of a TLS connection.
const tlsHandshake = 22

// shakeHands begins TLS. A client that sends plain HTTP gets a response in plain HTTP,
// and no other than a refusal.
func (c *connection) shakeHands() error {
	first, err := c.plain.in.Peek(1)
	if err == nil && first[0] != tlsHandshake {
		c.notTLS = true
		c.server.tlsFailed(c.plain.RemoteAddr(), nil)
		if c.refusal == nil {
			c.refusal = &gateway.Error{Code: gateway.HTTPSRequired}
		}
		return nil
	}
	secure := c.Conn.(*tls.Conn)
	if err == nil {
		err = secure.HandshakeContext(context.Background()) // the connection has its deadline
	}
	if err != nil {
		c.server.tlsFailed(c.plain.RemoteAddr(), err)
		return io.EOF
	}
	state := secure.ConnectionState()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = &state
	return nil
}

// stream is what HTTP is read from and written to.
func (c *connection) stream() net.Conn {
	if c.notTLS {
		return c.plain
	}
	return c.Conn
}

// RemoteAddr is the client's address.
func (c *connection) RemoteAddr() net.Addr {
	c.begin()
	if c.client != nil {
		return c.client
	}
	return c.plain.RemoteAddr()
}

func (c *connection) Read(p []byte) (int, error) {
	c.begin()
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := c.stream().Read(p)
	c.note(p[:n])
	return n, err
}

// note keeps the beginning of a request.
func (c *connection) note(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unread < 0 {
		return
	}
	body := min(c.unread, int64(len(p)))
	c.unread -= body
	p = p[body:]
	c.head = append(c.head, p[:min(len(p), headBytes-len(c.head))]...)
}

// handle notes that a handler has the request: what is written from now on is the
// handler's. Bytes behind the request belong to the next.
func (c *connection) handle(r *http.Request) {
	c.heard()
	c.handled.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	end := bytes.Index(c.head, []byte("\r\n\r\n"))
	if end < 0 || r.ContentLength < 0 {
		c.head, c.unread = c.head[:0], -1
		return
	}
	whole := int64(end+len("\r\n\r\n")) + r.ContentLength
	here := min(whole, int64(len(c.head)))
	c.head = c.head[:copy(c.head, c.head[here:])]
	c.unread = whole - here
}

// await notes that the response has been sent, and the next request is awaited.
func (c *connection) await() {
	c.mu.Lock()
	c.unread = 0
	c.mu.Unlock()
	c.handled.Store(false)
}

func (c *connection) Write(p []byte) (int, error) {
	if !c.handled.Load() && bytes.HasPrefix(p, []byte("HTTP/1.")) {
		return len(p), c.replace(p)
	}
	return c.stream().Write(p)
}

func (c *connection) CloseWrite() error { return closeWrite(c.stream()) }

func (c *connection) Close() error {
	if c.lingers.Swap(false) {
		c.linger()
	}
	return c.Conn.Close()
}

// connectionKey is the key of a context under which its connection is found.
type connectionKey struct{}

// withConnection is a server's ConnContext.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	c := conn.(*connection)
	return context.WithValue(auth.ConnContext(ctx, c.plain.Conn), connectionKey{}, c)
}

// observe is a server's ConnState.
func observe(conn net.Conn, state http.ConnState) {
	switch c := conn.(*connection); state {
	case http.StateIdle:
		c.await()
	case http.StateClosed, http.StateHijacked:
		c.heard()
	}
}

// authorized passes requests to a handler, except those of connections that the
// configuration does not allow.
func (s *httpServer) authorized(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(connectionKey{}).(*connection)
		c.handle(r)
		err := c.refusal
		if err == nil {
			r.TLS, err = c.verified()
		}
		if err != nil {
			w.Header().Set("Connection", "close")
			s.refuse(w, r, err)
		} else {
			h.ServeHTTP(w, r)
		}
		if w.Header().Get("Connection") != "" {
			c.lingers.Store(true)
		}
	})
}

// currentTLS is the TLS configuration of new connections; nil: plain HTTP.
func (c *connection) currentTLS() *tls.Config {
	if c.server.tls == nil {
		return nil
	}
	return c.server.tls()
}

// verified returns the state of TLS for a request. Its error is the reason why the
// connection may not be used any longer: a reload has changed the TLS configuration.
func (c *connection) verified() (*tls.ConnectionState, error) {
	now := c.currentTLS()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now == c.tls {
		return c.state, nil
	}
	state, err := verify(c.state, now)
	if err == nil {
		c.tls, c.state = now, state
	}
	return state, err
}
