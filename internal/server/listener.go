package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"

	"dbsep/internal/config"
)

// A listener listens on a configured address, or on a socket that systemd has opened.
type listener struct {
	net.Listener
	address string // as configured; empty: systemd has opened the socket
}

// socketAccess says who may connect to a unix socket.
type socketAccess struct {
	mode  fs.FileMode
	group string // empty: the process's own
	key   string // of the setting that names the group
}

// clientAccess is that of the clients' socket and of the status listener's.
func clientAccess(c config.Server) socketAccess {
	return socketAccess{c.SocketMode, c.SocketGroup, "socket_group"}
}

func cgiAccess(c config.Server) socketAccess {
	return socketAccess{c.CGISocketMode, c.CGISocketGroup, "cgi_socket_group"}
}

// sendBufferBytes is how much the system keeps of what a client does not read. By itself it
// keeps up to 4 MiB, which no memory of the process, but MemoryMax of systemd has.
const sendBufferBytes = 128 << 10

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBufferBytes)
	}
	return conn, err
}

// systemdListeners returns the sockets that systemd has opened for the process: that
// named "status" for monitoring, that named "cgi" for web servers, the other for clients.
func systemdListeners() (clients, status, cgi *listener, err error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("take the sockets of systemd: %w", err)
	}
	for name, ls := range named {
		for _, l := range ls {
			switch {
			case l == nil:
			case name == "status" && status == nil:
				status = &listener{Listener: l}
			case name == "cgi" && cgi == nil:
				cgi = &listener{Listener: l}
			case name != "status" && name != "cgi" && clients == nil:
				clients = &listener{Listener: l}
			default:
				return nil, nil, nil, errors.New("systemd has opened more sockets than one for clients, one named status and one named cgi: correct dbsep.socket")
			}
		}
	}
	return clients, status, cgi, nil
}

// chooseListen is the hint if the address for clients cannot be opened.
const chooseListen = "choose another address for [server] listen"

// openListener opens an address of the configuration. The hint says how to choose
// another one.
func openListener(ctx context.Context, hint, address string, access socketAccess) (*listener, error) {
	l, err := listen(ctx, address, access)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; %s", address, err, hint)
	}
	return &listener{l, address}, nil
}

// Listen opens host:port or unix:/path. A socket that an earlier process left behind
// is replaced.
func Listen(ctx context.Context, address string, c config.Server) (net.Listener, error) {
	return listen(ctx, address, clientAccess(c))
}

func listen(ctx context.Context, address string, access socketAccess) (net.Listener, error) {
	var lc net.ListenConfig
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return lc.Listen(ctx, "tcp", address)
	}
	lc.Control = closeToOthers // until it has its group and its mode
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil && removeUnusedSocket(ctx, path) {
		l, err = lc.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := access.set(path); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// removeUnusedSocket removes a socket that no process listens on, and reports whether
// it has.
func removeUnusedSocket(ctx context.Context, path string) bool {
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return false
	}
	file, err := os.Stat(path)
	return err == nil && file.Mode()&os.ModeSocket != 0 && os.Remove(path) == nil
}

// setAccess gives an open socket the group and the mode of a configuration.
func (l *listener) setAccess(access socketAccess) error {
	if l == nil {
		return nil
	}
	if path, isUnix := strings.CutPrefix(l.address, "unix:"); isUnix {
		return access.set(path)
	}
	return nil
}

// set gives a socket its group and its mode.
func (a socketAccess) set(path string) error {
	if a.group != "" {
		g, err := user.LookupGroup(a.group)
		if err != nil {
			return fmt.Errorf("[server] %s: %w", a.key, err)
		}
		id, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("[server] %s: %w", a.key, err)
		}
		if err := os.Chown(path, -1, id); err != nil {
			return fmt.Errorf("[server] %s: %w", a.key, err)
		}
	}
	return os.Chmod(path, a.mode)
}
