package auth

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// Clients limits the open connections of clients. A connection over the limit is still
// accepted, so that its first request gets an error response. A connection over twice
// the limit is closed at once.
type Clients struct {
	refused func() // is called for each connection over the limit

	mu               sync.Mutex
	most, perAddress int
	proxies          []netip.Prefix // exempt from perAddress
	open             int
	from             map[netip.Addr]int
}

// NewClients returns a limit for all connections, and for those from one address.
func NewClients(most, perAddress int, refused func()) *Clients {
	return &Clients{most: most, perAddress: perAddress, refused: refused, from: make(map[netip.Addr]int)}
}

// SetLimits changes the limits for new connections. The limit by address does not apply to
// the networks of proxies, whose connections belong to many clients.
func (c *Clients) SetLimits(most, perAddress int, proxies []netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most, c.perAddress, c.proxies = most, perAddress, proxies
}

// Listener counts the connections that a listener accepts.
func (c *Clients) Listener(l net.Listener) net.Listener { return &countedListener{l, c} }

// Open returns how many connections are open.
func (c *Clients) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

type countedListener struct {
	net.Listener
	clients *Clients
}

func (l *countedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		counted := &countedConn{Conn: conn, clients: l.clients, from: address(conn.RemoteAddr().String())}
		if l.clients.enter(counted) {
			return counted, nil
		}
		_ = conn.Close()
	}
}

// enter counts a new connection, and marks it if it is over the limit. It reports
// whether the connection may stay open.
func (c *Clients) enter(conn *countedConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	c.from[conn.from]++
	counts := conn.from.IsValid() && // clients of a unix socket have no address each
		!slices.ContainsFunc(c.proxies, func(n netip.Prefix) bool { return n.Contains(conn.from) })
	conn.surplus = c.open > c.most || counts && c.from[conn.from] > c.perAddress
	if conn.surplus {
		c.refused()
	}
	if c.open > 2*c.most || counts && c.from[conn.from] > 2*c.perAddress {
		c.leave(conn)
		return false
	}
	return true
}

// leave counts a closed connection. The caller holds the lock.
func (c *Clients) leave(conn *countedConn) {
	c.open--
	if c.from[conn.from]--; c.from[conn.from] == 0 {
		delete(c.from, conn.from)
	}
}

// A countedConn is counted until it is closed.
type countedConn struct {
	net.Conn
	clients *Clients
	from    netip.Addr
	surplus bool
	once    sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() {
		c.clients.mu.Lock()
		defer c.clients.mu.Unlock()
		c.clients.leave(c)
	})
	return c.Conn.Close()
}

// CloseWrite closes the writing side, so that the client reads everything before the
// connection is closed.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// surplusKey marks the context of a connection over the limit.
type surplusKey struct{}

// ConnContext marks the requests of a connection over the limit, for
// http.Server.ConnContext.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn() // under TLS
	}
	if c, ok := conn.(*countedConn); ok && c.surplus {
		return context.WithValue(ctx, surplusKey{}, true)
	}
	return ctx
}

func surplus(ctx context.Context) bool { return ctx.Value(surplusKey{}) != nil }
