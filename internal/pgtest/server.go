package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"dbsep/internal/testserver"
)

// A Server is a running PostgreSQL server. Nobody gets in without a password.
type Server struct {
	SocketDir string // has its Unix socket
	Host      string // 127.0.0.1
	Port      int
	User      string // may make databases and owns those of the tests
	Password  string // holds characters that are awkward in DSNs, files and URLs
	CA        string // file of the certificate that its TLS is signed with, for "localhost" only

	account account
	testserver.Server
}

const (
	rootUser     = "root"
	rootPassword = "root of the tests"

	// password is as awkward as dbsep.conf can hold.
	password = `p#a;s=s:w'o"r\d %40/?&@é`
)

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

// Start returns the server, which the first call starts. Where PostgreSQL is
// not installed the test is skipped, but fails if the variable CI is set: there a
// test that is left out would go unseen.
func Start(t testing.TB) *Server {
	t.Helper()
	once.Do(start)
	switch {
	case missing && os.Getenv("CI") != "":
		t.Fatal("there is no PostgreSQL server: install postgresql")
	case missing:
		t.Skip("there is no PostgreSQL server, so nothing is tested against one: install postgresql")
	case failure != nil:
		t.Fatal(failure)
	}
	return running
}

func start() {
	bin := programs()
	if bin == "" {
		missing = true
		return
	}
	running, failure = launch(bin)
}

// programs is the folder of the server's programs. Debian keeps one for each
// version, none of them in the PATH; the latest is taken.
func programs() string {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, dir := range folders {
		_, err1 := os.Stat(filepath.Join(dir, "initdb"))
		_, err2 := os.Stat(filepath.Join(dir, "postgres"))
		if err1 == nil && err2 == nil {
			return dir
		}
	}
	return ""
}

func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// login makes the account that the tests use.
func (s *Server) login() error {
	_, err := s.Root.Exec("CREATE ROLE " + s.User + " LOGIN CREATEDB CREATEROLE PASSWORD '" + strings.ReplaceAll(s.Password, "'", "''") + "'")
	if err != nil {
		return fmt.Errorf("create the account of the tests: %w", err)
	}
	return nil
}

// connect makes a pool that takes several statements at once.
func (s *Server) connect(user, password, database string) (*sql.DB, error) {
	c, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d sslmode=disable", s.SocketDir, s.Port))
	if err != nil {
		return nil, err
	}
	c.User, c.Password, c.Database = user, password, database
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return stdlib.OpenDB(*c), nil
}

// Exec runs statements as the server's own account, outside of the tests'
// databases.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := s.Root.Exec(text); err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
	}
}

// Database makes an empty database that ends with the test, and returns its
// name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", count.Add(1))
	s.Exec(t, "CREATE DATABASE "+name+" OWNER "+s.User)
	t.Cleanup(func() { s.Exec(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return name
}

// Address is the server's host and port, with the colon between.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Open returns a connection to one of the server's databases, for setting it up
// and looking at its rows.
func (s *Server) Open(t testing.TB, name string) *sql.DB {
	t.Helper()
	db, err := s.connect(s.User, s.Password, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.PingContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}
