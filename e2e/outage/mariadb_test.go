//go:build e2e

package outage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/testenv"
)

// mariadbTriggers write the history.
var mariadbTriggers = []string{
	`CREATE TRIGGER counted AFTER UPDATE ON counters FOR EACH ROW BEGIN
		INSERT INTO history (what) VALUES (CONCAT('update ', NEW.id, ' ', NEW.val));
		UPDATE totals SET n = n + 1 WHERE id = NEW.id;
	END`,
	`CREATE TRIGGER came AFTER INSERT ON visits FOR EACH ROW INSERT INTO history (what) VALUES (CONCAT('store ', NEW.name))`,
	`CREATE TRIGGER went AFTER DELETE ON visits FOR EACH ROW INSERT INTO history (what) VALUES (CONCAT('destroy ', OLD.name))`,
}

// A mariadb is a server, and the way to it as root.
type mariadb struct {
	*server
	socket string
	port   string
	root   *sql.DB
	crowd  []*sql.Conn // see gather
}

// databases counts the databases of all servers.
var databases atomic.Int64

// newMariaDB makes a server's folder and how it is started. What it confirms
// survives its own death, if not the machine's.
func newMariaDB(t *testing.T, port string, options ...string) *mariadb {
	t.Helper()
	program := testenv.Installed(t, "mariadbd", "mariadb-server-core")
	dir := folder(t)
	as := ordinary(t, dir)
	runs(t, append(as, "env", "TMPDIR="+dir, testenv.Installed(t, "mariadb-install-db", "mariadb-server-core"), "--no-defaults", "--datadir="+filepath.Join(dir, "data"),
		"--skip-test-db", "--auth-root-authentication-method=normal", "--skip-name-resolve", "--force")...)
	m := &mariadb{socket: filepath.Join(dir, "socket"), port: port}
	m.server = &server{owner: t, name: "MariaDB", dir: dir, polite: syscall.SIGTERM}
	m.program = append(as, append([]string{
		program, "--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--socket=" + m.socket, "--tmpdir=" + dir,
		"--pid-file=" + filepath.Join(dir, "pid"), "--port=" + port, "--skip-name-resolve", "--performance-schema=OFF",
		"--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-method=nosync", "--innodb-lock-wait-timeout=1",
	}, options...)...)
	m.root = m.open(t, "root", "", "")
	m.ready = m.root.PingContext
	return m
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(testenv.FreeAddress(t))
	check(t, err)
	return port
}

// open returns a pool of an account's connections.
func (m *mariadb) open(t *testing.T, account, password, name string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.Logger = account, password, "unix", m.socket, name, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	check(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func (m *mariadb) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := m.root.ExecContext(context.WithoutCancel(t.Context()), text); err != nil { // cleanups come here, too
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// scene makes a database and a gateway to it, whose account may do no more than
// a PBX needs.
func (m *mariadb) scene(t *testing.T, host string, settings []string) *scene {
	t.Helper()
	name := fmt.Sprintf("site%d", databases.Add(1))
	m.exec(t, "CREATE DATABASE "+name, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+name+".* TO gateway@'%' IDENTIFIED BY 'gateway'")
	return newScene(t, "MariaDB", m.open(t, "root", "", name), tables("BIGINT AUTO_INCREMENT PRIMARY KEY", mariadbTriggers...),
		append([]string{"dsn=DBI:mysql:database=" + name + ";host=" + host + ";port=" + m.port, "dbuser=gateway", "dbpass=gateway"}, settings...)...)
}

func TestMariaDB(t *testing.T) {
	m := newMariaDB(t, freePort(t))
	home := "--bind-address=127.0.0.1"
	m.start(t, home)
	var all figures
	defer all.print(t, "MariaDB")
	for _, f := range []fault{
		{name: "server started again",
			begin: func(t *testing.T, _ *scene) { m.end(t) },
			end:   func(t *testing.T, _ *scene) { m.start(t, home) }},
		{name: "server killed (kill -9)",
			begin: func(*testing.T, *scene) { m.kill() },
			end:   func(t *testing.T, _ *scene) { m.start(t, home) }},
		{name: "server killed, and dbsep too (kill -9)",
			begin: func(t *testing.T, s *scene) { m.kill(); s.crash(t) },
			end:   func(t *testing.T, _ *scene) { m.start(t, home) }},
		{name: "dbsep killed (kill -9), then the server",
			begin: func(t *testing.T, s *scene) { s.crash(t); m.kill(); s.crash(t) },
			end:   func(t *testing.T, _ *scene) { m.start(t, home) }},
		{name: "server paused (SIGSTOP)",
			begin: func(t *testing.T, _ *scene) { m.pause(t) },
			end:   func(t *testing.T, _ *scene) { m.resume(t) }},
		{name: "too many connections", begin: m.gather, end: m.disperse},
		{name: "server takes no writes (read_only)", fresh: true,
			begin: func(t *testing.T, _ *scene) { m.exec(t, "SET GLOBAL read_only = 1") },
			end:   func(t *testing.T, _ *scene) { m.exec(t, "SET GLOBAL read_only = 0") }},
		{name: "idle connections closed by the server (wait_timeout)", unseen: true, fresh: true,
			before: func(t *testing.T) {
				m.exec(t, "SET GLOBAL wait_timeout = 1")
				t.Cleanup(func() { m.exec(t, "SET GLOBAL wait_timeout = 28800") })
			},
			begin: m.forget},
		{name: "connections killed", begin: m.cut, brief: true},
		{name: "deadlocks", unseen: true, fresh: true, begin: m.knot},
	} {
		f.run(t, "MariaDB", &all, func(t *testing.T, settings []string) *scene {
			m.revive(t)
			return m.scene(t, "127.0.0.1", settings).serve(t)
		})
	}
	m.testMove(t, &all)
}

// testMove lets the server come back at another address, to which its name leads
// then.
func (m *mariadb) testMove(t *testing.T, all *figures) {
	hosts := filepath.Join(folder(t), "hosts")
	at := func(t *testing.T, address string) {
		write(t, hosts, "127.0.0.1 localhost\n"+address+" db.example.org\n")
	}
	f := fault{name: "the name leads to another address",
		begin: func(t *testing.T, _ *scene) { m.kill() },
		end: func(t *testing.T, _ *scene) {
			at(t, "127.0.0.2")
			m.start(t, "--bind-address=127.0.0.2")
		}}
	f.run(t, "MariaDB", all, func(t *testing.T, settings []string) *scene {
		m.revive(t)
		at(t, "127.0.0.1")
		return m.scene(t, "db.example.org", settings).serve(t, namespace("mount --bind "+hosts+" /etc/hosts")...)
	})
}

// connections lists those of the gateway, also those that have not logged in yet.
func (m *mariadb) connections(t *testing.T) (all []int) {
	t.Helper()
	rows, err := m.root.QueryContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE user IN ('gateway', 'unauthenticated user')")
	check(t, err)
	defer rows.Close()
	for rows.Next() {
		var id int
		check(t, rows.Scan(&id))
		all = append(all, id)
	}
	check(t, rows.Err())
	return all
}

// cut kills all connections of the gateway.
func (m *mariadb) cut(t *testing.T, _ *scene) {
	t.Helper()
	for _, id := range m.connections(t) {
		var none *mysql.MySQLError
		if _, err := m.root.ExecContext(t.Context(), fmt.Sprintf("KILL CONNECTION %d", id)); err != nil && !(errors.As(err, &none) && none.Number == 1094) {
			t.Fatal(err)
		}
	}
}

// gather takes all of the server's connections, those of the gateway too.
func (m *mariadb) gather(t *testing.T, s *scene) {
	t.Helper()
	m.exec(t, "SET GLOBAL max_connections = 10", "CREATE USER IF NOT EXISTS crowd@localhost IDENTIFIED BY 'crowd'")
	t.Cleanup(func() { m.disperse(t, s) })
	others := m.open(t, "crowd", "crowd", "")
	for until := time.Now().Add(patience); ; {
		m.cut(t, s)
		for full := false; !full; {
			conn, err := others.Conn(t.Context())
			var refusal *mysql.MySQLError
			switch full = errors.As(err, &refusal) && refusal.Number == 1040; {
			case err == nil:
				m.crowd = append(m.crowd, conn)
			case !full:
				t.Fatal(err)
			}
		}
		if len(m.connections(t)) == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the gateway keeps its connections")
		}
	}
}

func (m *mariadb) disperse(t *testing.T, _ *scene) {
	t.Helper()
	m.exec(t, "SET GLOBAL max_connections = 150")
	for _, conn := range m.crowd {
		check(t, conn.Close())
	}
	m.crowd = nil
}

// forget lets the clients send no requests until the server, whose wait_timeout is
// a second, has closed the connections that the gateway has.
func (m *mariadb) forget(t *testing.T, s *scene) {
	t.Helper()
	defer s.load.rest()()
	idle := m.connections(t)
	for until := time.Now().Add(patience); slices.ContainsFunc(m.connections(t), func(id int) bool { return slices.Contains(idle, id) }); {
		if time.Now().After(until) {
			t.Fatal("the server keeps idle connections")
		}
	}
}

// knot locks what the gateway's updates lock in the other order, until the server
// has ended some deadlocks at the cost of the gateway, which has done less.
func (m *mariadb) knot(t *testing.T, s *scene) {
	t.Helper()
	deadlocks := func() (n int) {
		check(t, m.root.QueryRowContext(t.Context(), "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Innodb_deadlocks'").Scan(&n))
		return n
	}
	_, err := s.DB.ExecContext(t.Context(), "CREATE TABLE heavy (n BIGINT AUTO_INCREMENT PRIMARY KEY)")
	check(t, err)
	heavy := "INSERT INTO heavy VALUES (NULL)" + strings.Repeat(", (NULL)", 200)
	want := deadlocks() + 10
	for until := time.Now().Add(patience); deadlocks() < want; {
		if time.Now().After(until) {
			t.Fatal("there are no deadlocks")
		}
		s.lockBackwards(t, heavy)
	}
}

func (s *scene) lockBackwards(t *testing.T, heavy string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tx, err := s.DB.BeginTx(ctx, nil)
	check(t, err)
	defer tx.Rollback()
	for _, text := range []string{heavy, "SELECT n FROM totals WHERE id = 'c0' FOR UPDATE", "SELECT SLEEP(0.02)", "SELECT val FROM counters WHERE id = 'c0' FOR UPDATE"} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			var own *mysql.MySQLError
			if errors.As(err, &own) && own.Number == 1213 {
				return
			}
			t.Fatal(err)
		}
	}
}
