package mariadbtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"dbsep/internal/testserver"
)

// A product is a database server and how it is started.
type product struct {
	root    string   // the Debian root that has its programs; empty: this machine
	install string   // program that makes its folder
	making  []string // options for that
	program string   // that serves
	serving []string // options for that
}

// mariaDB is the server of this machine.
func mariaDB(install, program string) product {
	return product{
		install: install,
		making: []string{
			"--skip-test-db", "--auth-root-authentication-method=normal", "--skip-name-resolve",
			"--force", // where no name resolves at all
		},
		program: program,
		serving: []string{"--skip-slave-start", "--innodb-log-file-size=8M", "--aria-pagecache-buffer-size=8M"},
	}
}

// mySQL is the server of a Debian root.
func mySQL(root string) product {
	return product{
		root:    root,
		install: "mysqld",
		making:  []string{"--initialize-insecure", "--innodb-flush-method=nosync", "--innodb-doublewrite=0"},
		program: "mysqld",
		serving: []string{"--mysqlx=OFF", "--secure-file-priv="},
	}
}

// command is a program of the product, for a folder that it sees as dir.
func (p product) command(dir, program string, options ...string) *exec.Cmd {
	options = append([]string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data")}, options...)
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		options = append(options, "--user=root") // others need no option to run it
	}
	command := exec.Command(program, options...)
	if p.root != "" {
		command = exec.Command("chroot", append([]string{p.root, program}, options...)...)
	}
	// A server that starts removes the temporary tables of others in its folder.
	command.Env = append(os.Environ(), "TMPDIR="+dir)
	return command
}

// folder makes the server's folder. Not that of t.TempDir: its path is often longer than
// a socket's may be (107).
func (p product) folder() (dir string, err error) {
	if p.root == "" {
		return os.MkdirTemp("", "mariadb")
	}
	return os.MkdirTemp(filepath.Join(p.root, "tmp"), "mysql")
}

// launch makes an empty server in a temporary folder and waits until it takes
// connections.
func launch(p product) (*Server, error) {
	dir, err := p.folder()
	if err != nil {
		return nil, err
	}
	s := &Server{Socket: filepath.Join(dir, "socket"), Host: "127.0.0.1", MySQL: p.root != ""}
	if s.Port, err = testserver.FreePort(); err == nil {
		err = p.create(strings.TrimPrefix(dir, p.root))
	}
	if err == nil {
		s.CA, err = testserver.Certify(dir)
	}
	if err == nil {
		s.Process, err = testserver.Start(dir, p.serve(strings.TrimPrefix(dir, p.root), s), syscall.SIGTERM)
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

func (p product) create(dir string) error {
	if out, err := p.command(dir, p.install, p.making...).CombinedOutput(); err != nil {
		return fmt.Errorf("create a server's folder with %s: %w\n%s", p.install, err, out)
	}
	return nil
}

func (p product) serve(dir string, s *Server) *exec.Cmd {
	return p.command(dir, p.program, append([]string{
		"--socket=" + filepath.Join(dir, filepath.Base(s.Socket)), "--tmpdir=" + dir, "--bind-address=" + s.Host, "--port=" + strconv.Itoa(s.Port),
		"--pid-file=" + filepath.Join(dir, "pid"), "--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF",
		"--ssl-cert=" + filepath.Join(dir, testserver.CertFile), "--ssl-key=" + filepath.Join(dir, testserver.KeyFile),
		// Small and careless: nothing in it outlives the tests.
		"--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
		"--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--key-buffer-size=1M",
		"--max-connections=100", "--innodb-lock-wait-timeout=1",
	}, p.serving...)...)
}

// await connects until that succeeds.
func (s *Server) await() (err error) {
	if s.Root, err = connect(s.Socket); err != nil {
		return err
	}
	return s.Process.Await(s.Root.PingContext)
}
