package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
	pollPause    = 20 * time.Millisecond
)

// A process is a program that serves, and the folder it lives in.
type process struct {
	dir    string
	cmd    *exec.Cmd
	log    *bytes.Buffer // read only once the process has ended
	exited chan struct{}
}

// launch makes an empty server in a temporary folder and waits until it takes
// connections.
func launch(bin string) (*Server, error) {
	a, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := folder(a)
	if err != nil {
		return nil, err
	}
	s := &Server{SocketDir: dir, Host: "127.0.0.1", User: "dbsep", Password: password, account: a}
	if s.Port, err = freePort(); err == nil {
		err = create(a, filepath.Join(bin, "initdb"), dir)
	}
	if err == nil {
		s.CA, err = certify(dir)
	}
	if err == nil {
		err = a.own(filepath.Join(dir, certFile), filepath.Join(dir, keyFile))
	}
	if err == nil {
		s.process, err = serve(dir, a.command(filepath.Join(bin, "postgres"), s.settings(dir)...))
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
	if s.process != nil {
		s.process.stop()
		err = fmt.Errorf("%w\n%s", err, s.process.log)
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

// freePort finds a port of which nobody makes use now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
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

func (s *Server) settings(dir string) []string {
	args := []string{"-D", filepath.Join(dir, "data")}
	for _, setting := range []string{
		"port=" + strconv.Itoa(s.Port), "listen_addresses=" + s.Host, "unix_socket_directories=" + dir,
		"ssl=on", "ssl_cert_file=" + filepath.Join(dir, certFile), "ssl_key_file=" + filepath.Join(dir, keyFile),
		"timezone=UTC", "lock_timeout=1s", "deadlock_timeout=50ms", "max_connections=100",
		// Small and careless: nothing in it outlives the tests.
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "autovacuum=off",
		"max_wal_size=256MB", "wal_level=minimal", "max_wal_senders=0", "log_min_messages=fatal", "jit=off",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// serve starts a program that goes on until it is stopped.
func serve(dir string, cmd *exec.Cmd) (*process, error) {
	p := &process{dir: dir, cmd: cmd, log: new(bytes.Buffer), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	dieWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// await connects until that succeeds.
func (s *Server) await() (err error) {
	if s.root, err = s.connect(rootUser, rootPassword, "postgres"); err != nil {
		return err
	}
	return s.process.await(func(ctx context.Context) error { return s.root.PingContext(ctx) })
}

// await tries something until it succeeds.
func (p *process) await(try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("the server ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("the server takes no connections after %v: %w", startTimeout, err)
		case <-time.After(pollPause):
		}
	}
}

// stop ends the server: politely, and by force where that takes too long.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGINT) // waits for nobody
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.cmd.Process.Kill()
		<-p.exited
	}
	os.RemoveAll(p.dir)
}
