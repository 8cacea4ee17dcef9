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

// PgbouncerRoot is the variable with a folder of another Debian whose pgbouncer is run.
const PgbouncerRoot = "DBSEP_TEST_PGBOUNCER"

// pgbouncer is the command line of the program.
func pgbouncer() []string {
	if root := os.Getenv(PgbouncerRoot); root != "" { // with its own libraries
		loader, err := filepath.Glob(root + "/usr/lib/*/ld-linux-*.so.*")
		if err != nil || len(loader) == 0 {
			return []string{root + "/usr/sbin/pgbouncer"}
		}
		return []string{loader[0], "--library-path", filepath.Dir(loader[0]), root + "/usr/sbin/pgbouncer"}
	}
	if program, err := exec.LookPath("pgbouncer"); err == nil {
		return []string{program}
	}
	return []string{"/usr/sbin/pgbouncer"}
}

// Pooler starts a pgbouncer in front of the server that gives each transaction any
// free connection, where settings do not say otherwise, and returns its port on the
// server's host. It has few connections, so that clients change theirs all the time. It
// ends with the test.
func (s *Server) Pooler(t testing.TB, settings ...string) (port int) {
	t.Helper()
	program := pgbouncer()
	if _, err := os.Stat(program[0]); err != nil {
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
%s
`, s.Host, s.Port, port, users, strings.Join(settings, "\n")),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.account.own(file); err != nil {
			t.Fatal(err)
		}
	}
	p, err := testserver.Start(dir, s.account.command(program[0], append(program[1:], config)...), syscall.SIGINT)
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
