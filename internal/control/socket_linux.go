package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// prefix is what the addresses of this machine's servers begin with; the number of the
// process follows. They are abstract addresses, which need no folder and end with their
// process. In a container processes have numbers of their own, and a container can share
// its network with others, so the namespace of the numbers is a part of the address.
func prefix() string {
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return "@dbsep/" + namespace + "/"
}

func address(pid int) string { return prefix() + strconv.Itoa(pid) }

func listen() (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), "unix", address(os.Getpid()))
}

// dial connects to a server. It refuses an address that another process has taken.
func dial(ctx context.Context, pid int) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", address(pid))
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errors.New("it is no dbsep serve")
	}
	if err != nil {
		return nil, err
	}
	if owner, err := peer(c); err != nil || int(owner.Pid) != pid {
		_ = c.Close()
		return nil, errors.New("another process has taken its socket")
	}
	return c, nil
}

// mayAsk reports whether a client is root or has the account of this process.
func mayAsk(c net.Conn) bool {
	client, err := peer(c)
	return err == nil && (client.Uid == 0 || int(client.Uid) == os.Geteuid())
}

// peer is the process at the other end of a connection.
func peer(c net.Conn) (*syscall.Ucred, error) {
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return nil, err
	}
	var owner *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		owner, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	return owner, failed
}

// Servers returns the processes that are servers, in the order of their numbers.
func Servers(ctx context.Context) ([]int, error) {
	sockets, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return nil, fmt.Errorf("look for servers: %w", err)
	}
	var found []int
	for line := range strings.Lines(string(sockets)) {
		_, number, _ := strings.Cut(line, prefix())
		if pid, err := strconv.Atoi(strings.TrimSpace(number)); err == nil {
			found = append(found, pid)
		}
	}
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), func(pid int) bool {
		c, err := dial(ctx, pid)
		if err != nil {
			return true
		}
		_ = c.Close()
		return false
	}), nil
}
