package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dbsep/internal/testserver"
)

// Pooler starts a pgbouncer in front of the server that gives each transaction any
// free connection, and returns its port on the server's host. It has few
// connections, so that clients change theirs all the time. It ends with the test.
func (s *Server) Pooler(t testing.TB) (port int) {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no pooler: install pgbouncer")
		}
		t.Skip("there is no pooler: install pgbouncer")
	}
	dir, err := folder(s.account)
	if err != nil {
		t.Fatal(err)
	}
	if port, err = testserver.FreePort(); err != nil {
		t.Fatal(err)
	}
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	for file, text := range map[string]string{
		users: fmt.Sprintf("%q \"%s\"\n", s.User, strings.ReplaceAll(s.Password, `"`, `""`)),
		config: fmt.Sprintf(`[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr = %[1]s
listen_port = %[3]d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
default_pool_size = 3
server_reset_query =
`, s.Host, s.Port, port, users),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.account.own(file); err != nil {
			t.Fatal(err)
		}
	}
	p, err := testserver.Start(dir, s.account.command(program, config), syscall.SIGINT)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log := p.Stop(); t.Failed() {
			t.Logf("the pooler: %s", log)
		}
	})
	err = p.Await(func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(port)))
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return port
}
