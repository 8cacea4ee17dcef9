package testenv

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Relay is in front of a server, so that the server can be unavailable for a
// while and its connections be counted.
type Relay struct {
	Address string // does not change
	server  string

	mu       sync.Mutex
	accepted int
	listener net.Listener
	conns    map[net.Conn]bool
}

// NewRelay opens a relay to a server's address.
func NewRelay(t testing.TB, server string) *Relay {
	t.Helper()
	r := &Relay{Address: "127.0.0.1:0", server: server, conns: map[net.Conn]bool{}}
	r.Open(t)
	t.Cleanup(r.Cut)
	return r
}

// Port is the port of the relay's address.
func (r *Relay) Port() string {
	_, port, _ := net.SplitHostPort(r.Address)
	return port
}

// Open lets connections through, at the same address as before.
func (r *Relay) Open(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", r.Address)
	check(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener, r.Address = l, l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.join(l, c)
		}
	}()
}

// Restore lets connections through if the relay is cut.
func (r *Relay) Restore(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	cut := r.listener == nil
	r.mu.Unlock()
	if cut {
		r.Open(t)
	}
}

// Accepted counts the connections that there have been.
func (r *Relay) Accepted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

// Cut ends all connections and refuses new ones.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener == nil {
		return
	}
	r.listener.Close()
	r.listener = nil
	for c := range r.conns {
		c.Close()
	}
	clear(r.conns)
}

func (r *Relay) join(l net.Listener, c net.Conn) {
	d, err := net.Dial("tcp", r.server)
	if err != nil {
		c.Close()
		return
	}
	if !r.keep(l, c, d) {
		return
	}
	go func() {
		io.Copy(d, c)
		d.Close()
	}()
	io.Copy(c, d)
	c.Close()
}

// keep notes connections that Cut has to end, unless it has come before.
func (r *Relay) keep(l net.Listener, conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		if r.listener != l {
			c.Close()
			continue
		}
		r.conns[c] = true
	}
	r.accepted++
	return r.listener == l
}
