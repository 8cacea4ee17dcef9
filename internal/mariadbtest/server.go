package mariadbtest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/testserver"
)

// A Server is a running MariaDB server.
type Server struct {
	Socket   string // path of its Unix socket
	Host     string // 127.0.0.1
	Port     int
	User     string // may do anything, over both
	MySQL    bool   // it is MySQL
	CA       string // file of the certificate that its TLS is signed with, for "localhost" only
	Password string // holds characters that are awkward in DSNs, files and URLs

	testserver.Server
}

// password is as awkward as dbsep.conf can hold.
const password = `p#a;s=s:w'o"r\d %40/?&@é`

var (
	once    sync.Once
	running *Server
	failure error
	missing bool
	count   atomic.Int64
)

// Main runs the tests of a package, ends the server that they started, and
// exits.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// Stop ends the server if one runs. Main does it; it is for packages whose
// TestMain has more to do.
func Stop() {
	if running != nil {
		running.Stop()
	}
}

// Start returns the server, which the first call starts. Where MariaDB is not
// installed the test is skipped, but fails if the variable CI is set: there a
// test that is left out would go unseen.
func Start(t testing.TB) *Server {
	t.Helper()
	once.Do(start)
	switch {
	case missing && os.Getenv("CI") != "":
		t.Fatal("there is no MariaDB server: install mariadb-server")
	case missing:
		t.Skip("there is no MariaDB server, so nothing is tested against one: install mariadb-server")
	case failure != nil:
		t.Fatal(failure)
	}
	return running
}

func start() {
	if p, found := chosen(); found {
		running, failure = launch(p)
	} else {
		missing = true
	}
}

// MySQLRoot is the environment variable that names a Debian root with MySQL, to be used
// instead of MariaDB.
const MySQLRoot = "DBSEP_TEST_MYSQL"

// chosen is the server that tests get.
func chosen() (p product, found bool) {
	if root := os.Getenv(MySQLRoot); root != "" {
		return mySQL(root), true
	}
	install, err1 := find("mariadb-install-db")
	program, err2 := find("mariadbd")
	return mariaDB(install, program), err1 == nil && err2 == nil
}

// find looks for a program where an ordinary user's PATH does not lead, too.
func find(program string) (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec"} {
		if path := filepath.Join(dir, program); exec.Command(path, "--version").Run() == nil {
			return path, nil
		}
	}
	return exec.LookPath(program)
}

// login makes the server known to its tests: the account that they use.
func (s *Server) login() error {
	s.User, s.Password = "dbsep", password
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(password)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		account := fmt.Sprintf("'%s'@'%s'", s.User, host)
		for _, text := range []string{
			fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s'", account, quoted),
			fmt.Sprintf("GRANT ALL ON *.* TO %s WITH GRANT OPTION", account),
		} {
			if _, err := s.Root.Exec(text); err != nil {
				return fmt.Errorf("create the account of the tests: %w", err)
			}
		}
	}
	return nil
}

// connect makes a pool of the server's own account, without a database.
func connect(socket string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.Logger = "root", "unix", socket, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Exec runs statements as root, outside of any database.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := s.Root.Exec(text); err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
	}
}

// ExecIn runs statements as root in a database, all on one connection.
func (s *Server) ExecIn(t testing.TB, database string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := s.Root.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, text := range append([]string{"USE `" + database + "`"}, statements...) {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
	}
}

// Database makes an empty database that ends with the test, and returns its
// name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", count.Add(1))
	s.Exec(t, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	t.Cleanup(func() { s.Exec(t, "DROP DATABASE IF EXISTS "+name) })
	return name
}

// Address is the server's host and port, with the colon between.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Open returns a connection to one of the server's databases, for setting it up
// and looking at its rows.
func (s *Server) Open(name string) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr, config.DBName = s.User, s.Password, "unix", s.Socket, name
	config.MultiStatements = true
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return sql.OpenDB(connector), nil
}
