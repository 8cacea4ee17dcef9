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

	"github.com/coreos/go-systemd/v22/activation"

	"dbsep/internal/config"
)

// A listener listens on a configured address, or on a socket that systemd has opened.
type listener struct {
	net.Listener
	address string // as configured; empty: systemd has opened the socket
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
// named "status" for monitoring, the other for clients.
func systemdListeners() (clients, status *listener, err error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, fmt.Errorf("take the sockets of systemd: %w", err)
	}
	for name, ls := range named {
		for _, l := range ls {
			switch {
			case l == nil:
			case name == "status" && status == nil:
				status = &listener{Listener: l}
			case name != "status" && clients == nil:
				clients = &listener{Listener: l}
			default:
				return nil, nil, errors.New("systemd has opened more sockets than one for clients and one named status: correct dbsep.socket")
			}
		}
	}
	return clients, status, nil
}

// chooseListen is the hint if the address for clients cannot be opened.
const chooseListen = "choose another address for [server] listen"

// openListener opens an address of the configuration. The hint says how to choose
// another one.
func openListener(ctx context.Context, hint, address string, c config.Server) (*listener, error) {
	l, err := Listen(ctx, address, c)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; %s", address, err, hint)
	}
	return &listener{l, address}, nil
}

// Listen opens host:port or unix:/path. A socket that an earlier process left behind
// is replaced.
func Listen(ctx context.Context, address string, c config.Server) (net.Listener, error) {
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
	if err := setSocketMode(path, c); err != nil {
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

// setSocketMode gives an open socket the group and the mode of a configuration.
func (l *listener) setSocketMode(c config.Server) error {
	if l == nil {
		return nil
	}
	if path, isUnix := strings.CutPrefix(l.address, "unix:"); isUnix {
		return setSocketMode(path, c)
	}
	return nil
}

func setSocketMode(path string, c config.Server) error {
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
