//go:build e2e

package outage

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/sqlitedriver"
	"dbsep/internal/testenv"
)

// The settings of the gateway. bound is the longest time that a response may take:
// reading the table's schema and the statement have statement_timeout each, in
// which the wait for a connection is included; a second is for a busy machine.
const (
	statementTimeout = 2 * time.Second
	connectionWait   = time.Second
	bound            = 2*statementTimeout + time.Second
)

// settings are short, so that a fault shows soon.
func settings(dir string) []string {
	return []string{
		"[log]", "level=debug",
		"[database]", "max_connections=8", "connect_timeout=1s", "busy_timeout=1s",
		"lastgood_file=" + filepath.Join(dir, "lastgood"),
		"[limits]", "statement_timeout=" + statementTimeout.String(), "pool_timeout=" + connectionWait.String(),
		"[lastgood]", "peers=1h", "ast_config=1h", "counters=1h",
	}
}

// A scene is a database with the tables of the load, and a gateway to it.
type scene struct {
	*testenv.Site
	command []string // that starts the gateway
	gateway *testenv.Process
	url     string
	load    *load
	settle  func(t *testing.T, s *scene) // makes DB show what there is when all is over; may be nil
}

// newScene makes a scene of a database that db leads to and that lines of
// dbsep.conf name. It fills it by statements.
func newScene(t *testing.T, kind string, db *sql.DB, statements []string, lines ...string) *scene {
	t.Helper()
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for i := range writers {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO counters VALUES ('c%d', 0)", i))
		check(t, err)
		_, err = db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO totals VALUES ('c%d', 0)", i))
		check(t, err)
	}
	dir := t.TempDir()
	s := &scene{Site: &testenv.Site{Kind: kind, Conf: filepath.Join(dir, "dbsep.conf"), DB: db, Folder: dir}}
	s.Configure(t, append(lines, settings(dir)...)...)
	return s
}

// serve starts the gateway, through a program that prepares its surroundings if
// there is one.
func (s *scene) serve(t *testing.T, through ...string) *scene {
	t.Helper()
	address := testenv.FreeAddress(t)
	s.command = append(through, testenv.Program(t), "serve", "--config", s.Conf, "--listen", address)
	s.url = "http://" + address
	s.start(t)
	return s
}

func (s *scene) start(t *testing.T) {
	t.Helper()
	address := strings.TrimPrefix(s.url, "http://")
	s.gateway = testenv.Start(t, nil, s.command[0], s.command[1:]...)
	testenv.WaitFor(t, "dbsep serve at "+address, s.gateway, testenv.Listening(address))
}

// crash kills the gateway right after the responses that the clients have had, and starts
// it again. Clients wait, since a response that breaks off would count as lost. What they
// have read must be in the file of stale responses before.
func (s *scene) crash(t *testing.T) {
	t.Helper()
	testenv.WaitFor(t, "the rows in the file", s.gateway, func(ctx context.Context) error {
		if n, err := s.kept(ctx, t.TempDir()); err != nil || n < len(questions) {
			return fmt.Errorf("it has %d: %w", n, err)
		}
		return nil
	})
	goOn := s.load.rest()
	defer goOn()
	s.gateway.Kill()
	s.start(t)
}

// kept counts the stale responses that nobody changes in a copy of the gateway's file, which
// is locked.
func (s *scene) kept(ctx context.Context, dir string) (n int, err error) {
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(filepath.Join(s.Folder, "lastgood") + suffix)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "copy"+suffix), text, 0o600)
		}
		if err != nil {
			return 0, err
		}
	}
	db, err := sql.Open(sqlitedriver.Name, filepath.Join(dir, "copy"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM entries JOIN tables ON tables.id = tbl WHERE name IN ('peers', 'ast_config')").Scan(&n)
	return n, err
}

// reload has the gateway read its configuration again and again while clients send
// requests: it then reads the schema of each table again, so that no outage spares
// it that.
func (s *scene) reload(ctx context.Context) {
	clock := time.NewTicker(300 * time.Millisecond)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			s.load.gate.RLock()
			_ = s.gateway.Process.Signal(syscall.SIGHUP)
			s.load.gate.RUnlock()
		}
	}
}

// namespace is a way to start a program for which some mounts are its own. The
// shell text makes them.
func namespace(text string) []string {
	return []string{"unshare", "--mount", "--map-root-user", "sh", "-c", text + ` && exec "$@"`, "sh"}
}

// inNamespace runs a shell text among the gateway's mounts.
func (s *scene) inNamespace(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := command(ctx, "nsenter", "--target", fmt.Sprint(s.gateway.Process.Pid), "--user", "--mount", "--preserve-credentials", "sh", "-c", text).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", text, err, out)
	}
}

// seen is a path as the gateway sees it.
func (s *scene) seen(path string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", s.gateway.Process.Pid), path)
}

// schema is what each database's own spelling is put into: the tables of the load,
// and a history that the database itself writes of all that is done.
const schema = `CREATE TABLE peers (id VARCHAR(40) PRIMARY KEY, secret VARCHAR(40));
INSERT INTO peers VALUES ('alice', 'one'), ('bob', 'two');
CREATE TABLE ast_config (id INT PRIMARY KEY, cat_metric INT, var_metric INT, commented INT, filename VARCHAR(40), category VARCHAR(40), var_name VARCHAR(40), var_val VARCHAR(40));
INSERT INTO ast_config VALUES (1, 0, 0, 0, 'x.conf', 'general', 'a', 'b');
CREATE TABLE counters (id VARCHAR(40) PRIMARY KEY, val INT);
CREATE TABLE totals (id VARCHAR(40) PRIMARY KEY, n INT);
CREATE TABLE visits (n NUMBERED, name VARCHAR(40), val VARCHAR(40));
CREATE INDEX visits_name ON visits (name);
CREATE TABLE history (n NUMBERED, what VARCHAR(60))`

// tables are the statements that make the tables. numbered is the type of a key
// that the database counts up by itself.
func tables(numbered string, triggers ...string) []string {
	return append(strings.Split(strings.ReplaceAll(schema, "NUMBERED", numbered), ";\n"), triggers...)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	check(t, os.WriteFile(file, []byte(text), 0o644))
}
