package auth

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// An Admission says how many places for connections there are, and who gets one.
type Admission struct {
	MaxClients    int
	MaxPerAddress int            // of them
	Allow         []netip.Prefix // none: every address
	Proxies       []netip.Prefix // may send a PROXY header; their connections belong to many addresses

	// Proof is set where a password or a certificate shows who a client is. Until it
	// has, its connection is pending.
	Proof bool
}

// Clients limits the open connections of clients. Each takes a place, of which there
// are so many in all, and for one address. While all are taken, a new connection takes
// that of the oldest pending one, whose client is not known yet.
//
// A connection that gets no place is accepted all the same, so that its first request
// gets a response. A few of these are open at a time, and a new one closes the oldest.
// Those of strangers, whose address is not allowed, are always among them.
type Clients struct {
	refused func() // is called for each connection without a place because all are taken
	dropped func() // is called for each connection that is closed before its first request

	mu      sync.Mutex
	rules   Admission
	placed  group
	from    map[netip.Addr]*group // those with a place, by address
	surplus group                 // those without one
}

// maxSurplus limits the connections without a place.
const maxSurplus = 512

// NewClients returns clients without a place for any, until Admit is called.
func NewClients(refused, dropped func()) *Clients {
	return &Clients{refused: refused, dropped: dropped, from: make(map[netip.Addr]*group)}
}

// Admit sets the rules for connections that come.
func (c *Clients) Admit(rules Admission) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rules = rules
}

// Open returns how many places are taken.
func (c *Clients) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.placed.open
}

// Listener counts the connections that a listener accepts.
func (c *Clients) Listener(l net.Listener) net.Listener {
	tcp, ok := l.Addr().(*net.TCPAddr)
	return &clientListener{l, c, ok && tcp.IP.IsLoopback()}
}

type clientListener struct {
	net.Listener
	clients  *Clients
	loopback bool
}

func (l *clientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &clientConn{Conn: conn, clients: l.clients, from: address(conn.RemoteAddr().String()), loopback: l.loopback}
	l.clients.enter(c)
	return c, nil
}

// enter counts a new connection.
func (c *Clients) enter(conn *clientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	proxied := isProxy(conn.from, c.rules.Proxies)
	if !proxied && !allowed(conn.from, c.rules.Allow) {
		c.tolerate(conn)
		return
	}
	if !c.place(conn, !c.rules.Proof && !proxied) {
		c.refused()
		c.tolerate(conn)
	}
}

// place gives a connection a place, and reports whether there was one. The connection
// of a known client keeps it. The caller holds the lock.
func (c *Clients) place(conn *clientConn, known bool) bool {
	own := c.ownGroup(conn.from)
	full := &c.placed
	switch {
	case own != nil && own.open >= c.rules.MaxPerAddress:
		full = own
	case c.placed.open < c.rules.MaxClients:
		full = nil
	}
	if full != nil {
		oldest := full.oldest()
		if oldest == nil {
			return false
		}
		c.refused()
		c.drop(oldest)
	}
	conn.join(&c.placed, !known)
	if own != nil {
		c.from[conn.from] = own
		conn.join(own, !known)
	}
	conn.place.Store(lent)
	if known {
		conn.place.Store(kept)
	}
	return true
}

// ownGroup returns the group of an address; nil if its connections count only among
// all: those of a proxy, and those of a unix socket, which have no address.
func (c *Clients) ownGroup(from netip.Addr) *group {
	if !from.IsValid() || isProxy(from, c.rules.Proxies) {
		return nil
	}
	if own := c.from[from]; own != nil {
		return own
	}
	return new(group)
}

// tolerate lets a connection stay open without a place. The caller holds the lock.
func (c *Clients) tolerate(conn *clientConn) {
	if c.surplus.open >= maxSurplus {
		c.drop(c.surplus.oldest())
	}
	conn.join(&c.surplus, true)
	conn.place.Store(none)
}

// move gives a connection a place again: one that it keeps, since its client is known
// now, or one that others may take. It reports whether there was one.
func (c *Clients) move(conn *clientConn, known bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.gone.Load() {
		return false
	}
	c.leave(conn)
	if c.place(conn, known) {
		return true
	}
	c.tolerate(conn)
	return false
}

// drop closes a connection for another one. If its request waits to be authorized, it
// waits no longer, and the response is sent. The caller holds the lock.
func (c *Clients) drop(conn *clientConn) {
	c.leave(conn)
	if !conn.asked.Load() {
		c.dropped()
	}
	conn.drop()
}

// leave takes a connection out of its groups. The caller holds the lock.
func (c *Clients) leave(conn *clientConn) {
	conn.leave()
	if own := c.from[conn.from]; own != nil && own.open == 0 {
		delete(c.from, conn.from)
	}
}

// IsProxy reports whether a peer is in the networks that may send a PROXY header.
func IsProxy(peer net.Addr, proxies []netip.Prefix) bool {
	return isProxy(address(peer.String()), proxies)
}

// isProxy does so for an address. A unix socket has none: who may connect to it is up to
// the mode of its file.
func isProxy(from netip.Addr, proxies []netip.Prefix) bool {
	return within(from, proxies) || !from.IsValid() && len(proxies) > 0
}

// allowed reports whether clients of an address may connect: where networks are named,
// from these. A unix socket has no address: the mode of its file decides there.
func allowed(from netip.Addr, networks []netip.Prefix) bool {
	return len(networks) == 0 || !from.IsValid() || within(from, networks)
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}
