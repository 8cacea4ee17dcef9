package mariadbtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
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

// A process is mariadbd and the folder it lives in.
type process struct {
	dir    string
	cmd    *exec.Cmd
	log    *bytes.Buffer // read only once the process has ended
	exited chan struct{}
}

// launch makes an empty server in a temporary folder and waits until it takes
// connections.
func launch(install, program string) (*Server, error) {
	// Not t.TempDir: its path is often longer than a socket's may be (107).
	dir, err := os.MkdirTemp("", "mariadb")
	if err != nil {
		return nil, err
	}
	s := &Server{Socket: filepath.Join(dir, "socket"), Host: "127.0.0.1"}
	if s.Port, err = freePort(); err == nil {
		err = create(install, dir)
	}
	if err == nil {
		s.CA, err = certify(dir)
	}
	if err == nil {
		s.process, err = run(program, dir, s)
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

// freePort finds a port of which nobody makes use now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
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
	if out, err := exec.Command(install, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("create a MariaDB server's folder: %w\n%s", err, out)
	}
	return nil
}

func run(program, dir string, s *Server) (*process, error) {
	args := append([]string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--socket=" + s.Socket, "--tmpdir=" + dir,
		"--bind-address=" + s.Host, "--port=" + strconv.Itoa(s.Port), "--pid-file=" + filepath.Join(dir, "pid"),
		"--skip-name-resolve", "--skip-log-bin", "--skip-slave-start", "--performance-schema=OFF",
		"--ssl-cert=" + filepath.Join(dir, certFile), "--ssl-key=" + filepath.Join(dir, keyFile),
		// Small and careless: nothing in it outlives the tests.
		"--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
		"--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=8M",
		"--max-connections=100", "--innodb-lock-wait-timeout=1",
	}, account()...)
	p := &process{dir: dir, cmd: exec.Command(program, args...), log: new(bytes.Buffer), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	dieWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a MariaDB server: %w", err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// await connects until that succeeds.
func (s *Server) await() (err error) {
	if s.root, err = connect(s.Socket); err != nil {
		return err
	}
	deadline := time.After(startTimeout)
	for {
		if err = s.root.Ping(); err == nil {
			return nil
		}
		select {
		case <-s.process.exited:
			return errors.New("the MariaDB server ended while it started")
		case <-deadline:
			return fmt.Errorf("the MariaDB server takes no connections after %v: %w", startTimeout, err)
		case <-time.After(pollPause):
		}
	}
}

// stop ends the server: politely, and by force where that takes too long.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.cmd.Process.Kill()
		<-p.exited
	}
	os.RemoveAll(p.dir)
}
