package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"dbsep/internal/testserver"
)

// launch makes an empty server in a temporary folder and waits until it takes
// connections.
func launch(bin string, settings ...string) (*Server, error) {
	a, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := folder(a)
	if err != nil {
		return nil, err
	}
	s := &Server{SocketDir: dir, Host: "127.0.0.1", User: "dbsep", Password: password, account: a}
	if s.Port, err = testserver.FreePort(); err == nil {
		err = create(a, filepath.Join(bin, "initdb"), dir)
	}
	if err == nil {
		s.CA, err = testserver.Certify(dir)
	}
	if err == nil {
		err = a.own(filepath.Join(dir, testserver.CertFile), filepath.Join(dir, testserver.KeyFile))
	}
	if err == nil {
		// An interrupt is PostgreSQL's fast shutdown, which waits for nobody.
		s.Process, err = testserver.Start(dir, a.command(filepath.Join(bin, "postgres"), s.settings(dir, settings...)...), syscall.SIGINT)
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

// folder makes a folder for a server. It is none of a test's own: their paths
// are often longer than a socket's may be (107), and another account enters it.
func folder(a account) (string, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return "", err
	}
	if err := a.own(dir); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func create(a account, initdb, dir string) error {
	file := filepath.Join(dir, "first")
	if err := os.WriteFile(file, []byte(rootPassword+"\n"), 0o600); err != nil {
		return err
	}
	if err := a.own(file); err != nil {
		return err
	}
	// The order of texts is that of their bytes, as in the recordings.
	cmd := a.command(initdb, "--pgdata="+filepath.Join(dir, "data"), "--username="+rootUser, "--pwfile="+file,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create a PostgreSQL server's folder: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) settings(dir string, more ...string) []string {
	args := []string{"-D", filepath.Join(dir, "data")}
	for _, setting := range append([]string{
		"port=" + strconv.Itoa(s.Port), "listen_addresses=" + s.Host, "unix_socket_directories=" + dir,
		"ssl=on", "ssl_cert_file=" + filepath.Join(dir, testserver.CertFile), "ssl_key_file=" + filepath.Join(dir, testserver.KeyFile),
		"timezone=UTC", "lock_timeout=1s", "deadlock_timeout=50ms", "max_connections=250",
		// Small and careless: nothing in it outlives the tests.
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "autovacuum=off",
		"max_wal_size=256MB", "wal_level=minimal", "max_wal_senders=0", "log_min_messages=fatal", "jit=off",
	}, more...) {
		args = append(args, "-c", setting)
	}
	return args
}

// await connects until that succeeds.
func (s *Server) await() (err error) {
	if s.Root, err = s.connect(rootUser, rootPassword, "postgres"); err != nil {
		return err
	}
	return s.Process.Await(s.Root.PingContext)
}
