package server

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// newcomers are the connections of a server on which nothing has been asked yet.
type newcomers struct {
	some atomic.Bool // there are any, or somebody waits: only then requests are of interest

	mu    sync.Mutex
	conns map[net.Conn]bool
	seen  int           // connections that there have been
	moved chan struct{} // has a place for word that something has changed; nil while nobody waits
}

// newcomerPatience is how long a server that ends waits for them to ask. A client
// that connects does so in order to ask at once.
const newcomerPatience = time.Second

// observe is the server's ConnState.
func (n *newcomers) observe(c net.Conn, state http.ConnState) {
	if state != http.StateNew && !n.some.Load() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if state == http.StateNew {
		if n.conns == nil {
			n.conns = make(map[net.Conn]bool)
		}
		n.conns[c] = true
		n.seen++
	} else {
		delete(n.conns, c)
	}
	n.some.Store(len(n.conns) > 0 || n.moved != nil)
	if n.moved != nil {
		select {
		case n.moved <- struct{}{}:
		default:
		}
	}
}

// wait returns when each of total connections has asked or gone, or after a while.
func (n *newcomers) wait(total int, bound time.Duration) {
	n.mu.Lock()
	n.moved = make(chan struct{}, 1)
	n.some.Store(true)
	n.mu.Unlock()
	tired := time.After(bound)
	for !n.settled(total) {
		select {
		case <-n.moved:
		case <-tired:
			return
		}
	}
}

func (n *newcomers) settled(total int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen >= total && len(n.conns) == 0
}
