//go:build e2e

package outage

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"dbsep/internal/pgtest"
)

// postgresTriggers write the history.
var postgresTriggers = []string{
	`CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO history (what) VALUES ('update ' || NEW.id || ' ' || NEW.val);
		UPDATE totals SET n = n + 1 WHERE id = NEW.id;
		RETURN NULL;
	END $$`,
	`CREATE FUNCTION came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO history (what) VALUES ('store ' || NEW.name); RETURN NULL; END $$`,
	`CREATE FUNCTION went() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO history (what) VALUES ('destroy ' || OLD.name); RETURN NULL; END $$`,
	`CREATE TRIGGER counted AFTER UPDATE ON counters FOR EACH ROW EXECUTE FUNCTION counted()`,
	`CREATE TRIGGER came AFTER INSERT ON visits FOR EACH ROW EXECUTE FUNCTION came()`,
	`CREATE TRIGGER went AFTER DELETE ON visits FOR EACH ROW EXECUTE FUNCTION went()`,
}

// A postgres is a server, and the way to it as its owner.
type postgres struct {
	*server
	port string
	root *sql.DB
}

// newPostgres makes a server's folder and how it is started. What it confirms
// survives its own death, if not the machine's.
func newPostgres(t *testing.T) *postgres {
	t.Helper()
	bin := pgtest.Programs(t)
	dir := folder(t)
	port := freePort(t)
	as := ordinary(t, dir)
	runs(t, append(as, filepath.Join(bin, "initdb"), "--pgdata="+filepath.Join(dir, "data"), "--username=root", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")...)
	p := &postgres{port: port}
	p.server = &server{owner: t, name: "PostgreSQL", dir: dir, polite: syscall.SIGINT} // which is its fast shutdown
	p.program = append(as, filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"),
		"-c", "port="+port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir,
		"-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "jit=off")
	p.root = p.open(t, "root", "postgres")
	p.ready = p.root.PingContext
	return p
}

func (p *postgres) open(t *testing.T, account, name string) *sql.DB {
	t.Helper()
	c, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", p.dir, p.port, account, name))
	check(t, err)
	db := stdlib.OpenDB(*c)
	t.Cleanup(func() { db.Close() })
	return db
}

func (p *postgres) exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func (p *postgres) scene(t *testing.T, settings []string) *scene {
	t.Helper()
	name := fmt.Sprintf("site%d", databases.Add(1))
	p.exec(t, p.root, "CREATE DATABASE "+name)
	s := newScene(t, "PostgreSQL", p.open(t, "root", name), tables("BIGSERIAL PRIMARY KEY", postgresTriggers...),
		append([]string{"dsn=DBI:Pg:dbname=" + name + ";host=127.0.0.1;port=" + p.port, "dbuser=gateway", "dbpass="}, settings...)...)
	p.exec(t, s.DB, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gateway", "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gateway")
	return s
}

func TestPostgreSQL(t *testing.T) {
	p := newPostgres(t)
	p.start(t)
	p.exec(t, p.root, "CREATE ROLE gateway LOGIN")
	var all figures
	defer all.print(t, "PostgreSQL")
	for _, f := range []fault{
		{name: "server started again",
			begin: func(t *testing.T, _ *scene) { p.end(t) },
			end:   func(t *testing.T, _ *scene) { p.start(t) }},
		{name: "server killed (kill -9)",
			begin: func(*testing.T, *scene) { p.kill() },
			end:   func(t *testing.T, _ *scene) { p.start(t) }},
		{name: "a backend killed (kill -9), so that the server starts all others again", brief: true,
			begin: func(t *testing.T, _ *scene) { p.killBackend(t) },
			end:   func(t *testing.T, _ *scene) { p.await(t) }},
		{name: "connections killed", brief: true,
			begin: func(t *testing.T, _ *scene) {
				p.exec(t, p.root, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway'")
			}},
		{name: "server paused (SIGSTOP)",
			begin: func(t *testing.T, _ *scene) { p.pause(t) },
			end:   func(t *testing.T, _ *scene) { p.resume(t) }},
		{name: "server takes no writes (default_transaction_read_only)", fresh: true,
			begin: func(t *testing.T, _ *scene) { p.readOnly(t, "on") },
			end:   func(t *testing.T, _ *scene) { p.readOnly(t, "off") }},
	} {
		f.run(t, "PostgreSQL", &all, func(t *testing.T, settings []string) *scene {
			p.revive(t)
			return p.scene(t, settings).serve(t)
		})
	}
}

// killBackend kills one of the server's processes for the gateway.
func (p *postgres) killBackend(t *testing.T) {
	t.Helper()
	var pid int
	check(t, p.root.QueryRowContext(t.Context(), "SELECT pid FROM pg_stat_activity WHERE usename = 'gateway' LIMIT 1").Scan(&pid))
	check(t, syscall.Kill(pid, syscall.SIGKILL))
}

// readOnly changes the setting for everybody but root, also for the connections
// that there are.
func (p *postgres) readOnly(t *testing.T, on string) {
	t.Helper()
	p.exec(t, p.root, "ALTER SYSTEM SET default_transaction_read_only = "+on, "SELECT pg_reload_conf()")
}
