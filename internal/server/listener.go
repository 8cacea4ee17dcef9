package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"dbsep/internal/auth"
	"dbsep/internal/config"
)

// A front is an address that clients connect to. It stays open while one
// generation of the server takes the place of another: each takes connections
// from its own share of it.
type front struct {
	net.Listener
	named  string // as the configuration has it; empty for one of systemd
	conns  chan net.Conn
	failed chan error
	closed chan struct{}
	once   sync.Once
}

// acceptPause keeps a process that may open no more files from spinning.
const acceptPause = 20 * time.Millisecond

// newFront counts connections with clients, unless it is nil.
func newFront(l net.Listener, named string, clients *auth.Clients) *front {
	if clients != nil {
		l = clients.Listener(l)
	}
	f := &front{Listener: l, named: named, conns: make(chan net.Conn), failed: make(chan error, 1), closed: make(chan struct{})}
	go f.accept()
	return f
}

func (f *front) accept() {
	for {
		c, err := f.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var passing interface{ Temporary() bool }
		if err != nil && errors.As(err, &passing) && passing.Temporary() {
			select { // a client that left at once, or no more files for the moment
			case <-time.After(acceptPause):
			case <-f.closed:
			}
			continue
		}
		if err != nil {
			f.failed <- err
			return
		}
		f.offer(c)
	}
}

// offer gives a connection to the share that takes it.
func (f *front) offer(c net.Conn) {
	select {
	case f.conns <- c:
	case <-f.closed:
		_ = c.Close()
	}
}

// failing is told why no more connections come. It is nil for no front.
func (f *front) failing() <-chan error {
	if f == nil {
		return nil
	}
	return f.failed
}

func (f *front) close() {
	f.once.Do(func() {
		close(f.closed)
		_ = f.Listener.Close()
	})
}

// share returns a listener whose end does not end the front.
func (f *front) share() *share { return &share{front: f, done: make(chan struct{})} }

// A share hands out connections until it is closed. It knows how many: whoever
// closes it can wait for each of them.
type share struct {
	*front
	done chan struct{}

	mu     sync.Mutex
	closed bool
	handed int
}

func (s *share) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return s.hand(c)
	case <-s.done:
	case <-s.front.closed:
	}
	return nil, net.ErrClosed
}

// hand gives a connection out, or back where the share has been closed since.
func (s *share) hand(c net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.handed++
		return c, nil
	}
	go s.front.offer(c)
	return nil, net.ErrClosed
}

func (s *share) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	return nil
}

// total is how many connections a closed share has handed out.
func (s *share) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handed
}

// activated returns the sockets that systemd has opened for the process: that
// named "status" for the state of the server, the other for clients.
func activated(counted *auth.Clients) (clients, status *front, err error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, fmt.Errorf("take the sockets of systemd: %w", err)
	}
	for name, ls := range named {
		for _, l := range ls {
			switch {
			case l == nil:
			case name == "status" && status == nil:
				status = newFront(l, "", nil)
			case name != "status" && clients == nil:
				clients = newFront(l, "", counted)
			default:
				return nil, nil, errors.New("systemd has opened more sockets than one for clients and one named status: correct dbsep.socket")
			}
		}
	}
	return clients, status, nil
}

// chooseListen is the hint where an address for clients cannot be opened.
const chooseListen = "choose another address for [server] listen"

// openFront opens an address of the configuration. The hint says how to choose
// another one.
func openFront(ctx context.Context, hint, address string, c config.Server, clients *auth.Clients) (*front, error) {
	l, err := Listen(ctx, address, c)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; %s", address, err, hint)
	}
	return newFront(l, address, clients), nil
}

// Listen opens host:port or unix:/path. A socket that an earlier process left
// behind, on which nobody listens, is replaced.
func Listen(ctx context.Context, address string, c config.Server) (net.Listener, error) {
	var lc net.ListenConfig
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return lc.Listen(ctx, "tcp", address)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil && abandoned(ctx, path) {
		l, err = lc.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := hand(path, c); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// abandoned removes a socket on which nobody listens any more.
func abandoned(ctx context.Context, path string) bool {
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return false
	}
	file, err := os.Stat(path)
	return err == nil && file.Mode()&os.ModeSocket != 0 && os.Remove(path) == nil
}

// hand gives a socket that is open the group and the mode of a configuration.
func (f *front) hand(c config.Server) error {
	if f == nil {
		return nil
	}
	if path, isUnix := strings.CutPrefix(f.named, "unix:"); isUnix {
		return hand(path, c)
	}
	return nil
}

// hand gives a socket its group and its mode.
func hand(path string, c config.Server) error {
	if c.SocketGroup != "" {
		g, err := user.LookupGroup(c.SocketGroup)
		if err != nil {
			return fmt.Errorf("[server] socket_group: %w", err)
		}
		id, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("[server] socket_group: %w", err)
		}
		if err := os.Chown(path, -1, id); err != nil {
			return fmt.Errorf("[server] socket_group: %w", err)
		}
	}
	return os.Chmod(path, c.SocketMode)
}
