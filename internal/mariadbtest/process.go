package mariadbtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"dbsep/internal/testserver"
)

// launch makes an empty server in a temporary folder and waits until it takes
// connections.
func launch(install, program string) (*Server, error) {
	// Not t.TempDir: its path is often longer than a socket's may be (107).
	dir, err := os.MkdirTemp("", "mariadb")
	if err != nil {
		return nil, err
	}
	s := &Server{Socket: filepath.Join(dir, "socket"), Host: "127.0.0.1"}
	if s.Port, err = testserver.FreePort(); err == nil {
		err = create(install, dir)
	}
	if err == nil {
		s.CA, err = testserver.Certify(dir)
	}
	if err == nil {
		s.Process, err = run(program, dir, s)
	}
	if err == nil {
		err = s.await()
	}
	if err == nil {
		err = s.login()
	}
	if err == nil {
		return s, nil
	}
	if s.Process != nil {
		err = fmt.Errorf("%w\n%s", err, s.Process.Stop())
	}
	os.RemoveAll(dir)
	return nil, err
}

// account is the option that lets root run a server; others need none.
func account() []string {
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		return []string{"--user=root"}
	}
	return nil
}

func create(install, dir string) error {
	args := append([]string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--skip-test-db",
		"--auth-root-authentication-method=normal", "--skip-name-resolve", "--force", // where no name resolves at all
	}, account()...)
	command := exec.Command(install, args...)
	// A server that starts removes the temporary tables of others in its folder.
	command.Env = append(os.Environ(), "TMPDIR="+dir)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("create a MariaDB server's folder: %w\n%s", err, out)
	}
	return nil
}

func run(program, dir string, s *Server) (*testserver.Process, error) {
	args := append([]string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--socket=" + s.Socket, "--tmpdir=" + dir,
		"--bind-address=" + s.Host, "--port=" + strconv.Itoa(s.Port), "--pid-file=" + filepath.Join(dir, "pid"),
		"--skip-name-resolve", "--skip-log-bin", "--skip-slave-start", "--performance-schema=OFF",
		"--ssl-cert=" + filepath.Join(dir, testserver.CertFile), "--ssl-key=" + filepath.Join(dir, testserver.KeyFile),
		// Small and careless: nothing in it outlives the tests.
		"--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
		"--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=8M",
		"--max-connections=100", "--innodb-lock-wait-timeout=1",
	}, account()...)
	return testserver.Start(dir, exec.Command(program, args...), syscall.SIGTERM)
}

// await connects until that succeeds.
func (s *Server) await() (err error) {
	if s.Root, err = connect(s.Socket); err != nil {
		return err
	}
	return s.Process.Await(s.Root.PingContext)
}
