package auth

import (
	"container/list"
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"dbsep/gateway"
)

// A clientConn is counted until it is closed.
type clientConn struct {
	net.Conn
	clients  *Clients
	from     netip.Addr // invalid for a unix socket
	loopback bool       // its listener is for programs of this machine only

	place atomic.Int32 // one of those below
	asked atomic.Bool  // a request has come
	gone  atomic.Bool  // it was closed for another connection

	memberships []membership            // protected by clients.mu
	cancel      context.CancelCauseFunc // of its requests; protected by clients.mu
}

// The places of connections.
const (
	none int32 = iota
	lent       // until another connection needs it
	kept       // until the connection is closed
)

// A group is connections that are limited together.
type group struct {
	open    int
	pending list.List // of those that may be closed for others, the oldest first
}

// oldest returns the connection to be closed for another one; nil: none may be.
func (g *group) oldest() *clientConn {
	if e := g.pending.Front(); e != nil {
		return e.Value.(*clientConn)
	}
	return nil
}

// A membership is a connection's in a group.
type membership struct {
	*group
	element *list.Element // of pending; nil: the connection stays
}

func (c *clientConn) join(g *group, pending bool) {
	m := membership{group: g}
	if pending {
		m.element = g.pending.PushBack(c)
	}
	g.open++
	c.memberships = append(c.memberships, m)
}

func (c *clientConn) leave() {
	for _, m := range c.memberships {
		m.open--
		if m.element != nil {
			m.pending.Remove(m.element)
		}
	}
	c.memberships = c.memberships[:0]
}

// drop ends what is read from the connection, and the waits of its request. Its server
// then closes it.
func (c *clientConn) drop() {
	c.gone.Store(true)
	c.place.Store(none)
	_ = c.Conn.SetReadDeadline(past)
	if c.cancel != nil {
		c.cancel(tooManyClients())
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

func (c *clientConn) SetReadDeadline(t time.Time) error {
	return c.unlessGone(c.Conn.SetReadDeadline(t))
}

func (c *clientConn) SetDeadline(t time.Time) error {
	return c.unlessGone(c.Conn.SetDeadline(t))
}

// unlessGone lets no deadline replace that of drop.
func (c *clientConn) unlessGone(err error) error {
	if c.gone.Load() {
		return c.Conn.SetReadDeadline(past)
	}
	return err
}

func (c *clientConn) Close() error {
	c.clients.mu.Lock()
	c.clients.leave(c)
	c.clients.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite closes the writing side, so that the client reads everything before the
// connection is closed.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// connKey is the key of a context under which its connection is found.
type connKey struct{}

// ConnContext lets the requests of a connection be authorized, for
// http.Server.ConnContext.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	c, ok := conn.(*clientConn)
	if !ok {
		return ctx
	}
	c.clients.mu.Lock()
	defer c.clients.mu.Unlock()
	ctx, c.cancel = context.WithCancelCause(context.WithValue(ctx, connKey{}, c))
	if c.gone.Load() {
		c.cancel(tooManyClients())
	}
	return ctx
}

// connOf returns the connection of a request; nil if it is not counted.
func connOf(ctx context.Context) *clientConn {
	c, _ := ctx.Value(connKey{}).(*clientConn)
	if c != nil && !c.asked.Load() {
		c.asked.Store(true)
	}
	return c
}

// admit lets a connection keep its place, since a request was authorized.
func (c *clientConn) admit() *gateway.Error {
	if c == nil || c.place.Load() == kept || c.clients.move(c, true) {
		return nil
	}
	return tooManyClients()
}

// suspend lends the place of a connection to others while its client is in doubt.
func suspend(ctx context.Context) {
	if c := connOf(ctx); c != nil && c.place.Load() == kept {
		c.clients.move(c, false)
	}
}

// HasPlace reports whether the connection of a request may stay open after the
// response.
func HasPlace(ctx context.Context) bool {
	c := connOf(ctx)
	return c == nil || c.place.Load() != none
}

func tooManyClients() *gateway.Error { return &gateway.Error{Code: gateway.TooManyClients} }
