package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServiceOfSystemd starts the server as systemd does, with its sockets open
// and with a notification socket, and reads its notifications.
func TestServiceOfSystemd(t *testing.T) {
	dir := sampleSite(t)
	watcher := newWatcher(t, filepath.Join(dir, "notify"))
	clients, state := filepath.Join(dir, "clients"), filepath.Join(dir, "state")
	service := exec.Command("sh", "-c", "export LISTEN_PID=$$; exec dbsep serve")
	service.Env = append(os.Environ(), "DBSEP_CONF="+filepath.Join(dir, "dbsep.conf"), "GORACE=atexit_sleep_ms=0",
		"NOTIFY_SOCKET="+watcher.name, "WATCHDOG_USEC=100000", "LISTEN_FDS=2", "LISTEN_FDNAMES=status:dbsep.socket")
	service.ExtraFiles = []*os.File{opened(t, state), opened(t, clients)}
	service.Stderr = os.Stderr
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Process.Kill() })
	signalled := func(s os.Signal) {
		if err := service.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}

	watcher.waitFor(t, "READY=1")
	watcher.waitFor(t, "WATCHDOG=1")
	watcher.waitFor(t, "WATCHDOG=1")
	for _, test := range []struct{ socket, path, want string }{
		{clients, "/ps_endpoints/single?id=bob", "id=bob&"},
		{state, "/livez", "ok\n"},
		{state, "/ps_endpoints/update?id=bob", "-1\n"},
	} {
		if got := get(t, test.socket, test.path); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s at %s: got %q, want %q first", test.path, filepath.Base(test.socket), got, test.want)
		}
	}

	signalled(syscall.SIGHUP)
	watcher.waitFor(t, "RELOADING=1")
	watcher.waitFor(t, "READY=1")
	if got := get(t, clients, "/ps_endpoints/single?id=bob"); !strings.HasPrefix(got, "id=bob&") {
		t.Errorf("after the reload: got %q", got)
	}
	signalled(syscall.SIGTERM)
	watcher.waitFor(t, "STOPPING=1")
	if err := service.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
}

// A watcher receives the notifications of a service, in place of systemd.
type watcher struct {
	net.PacketConn
	name string
}

func newWatcher(t *testing.T, name string) *watcher {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &watcher{c, name}
}

// waitFor returns when the service has reported a state. Until then it may only
// send watchdog notifications.
func (w *watcher) waitFor(t *testing.T, state string) {
	t.Helper()
	if err := w.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var packet [256]byte
	for {
		n, _, err := w.ReadFrom(packet[:])
		if err != nil {
			t.Fatalf("waiting for %s: %v", state, err)
		}
		switch got := string(packet[:n]); got {
		case state:
			return
		case "WATCHDOG=1":
		default:
			t.Fatalf("got %s, want %s", got, state)
		}
	}
}

// opened opens a socket for another process, as systemd does.
func opened(t *testing.T, path string) *os.File {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// get sends a request to a socket and returns the body of the response.
func get(t *testing.T, socket, target string) string {
	t.Helper()
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}}
	response, err := client.Get("http://localhost" + target)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
