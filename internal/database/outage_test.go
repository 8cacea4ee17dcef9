package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

// A killable is a real server whose sessions can be looked at and ended.
type killable struct {
	db     *database.DB
	beside *sql.DB
	hold   string // SQL that takes a lock
	free   string // SQL that gives it back
	lock   string // expression that waits for the lock and is 1 with it
	ours   string // SQL that lists dbsep's sessions
	waits  string // its condition for those that wait for the lock
	kill   string // SQL that ends a session
}

func killables(t *testing.T) map[string]*killable {
	maria, besideMaria := databasetest.NewMariaDB(t)
	maria.MaxConnections = 4
	postgres, besidePostgres := databasetest.NewPostgres(t)
	postgres.MaxConnections = 4
	postgres.DSN += ";application_name=victim;options='-c lock_timeout=0'"
	return map[string]*killable{
		"MariaDB": {
			db: databasetest.Open(t, maria), beside: besideMaria,
			hold: "DO GET_LOCK('held', 10)", free: "DO RELEASE_LOCK('held')", lock: "GET_LOCK('held', 10)",
			ours:  "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
			waits: " AND state = 'User lock'", kill: "KILL CONNECTION %s",
		},
		"PostgreSQL": {
			db: databasetest.Open(t, postgres), beside: besidePostgres,
			hold: "SELECT pg_advisory_lock(7)", free: "SELECT pg_advisory_unlock(7)", lock: "(SELECT 1 FROM (SELECT pg_advisory_xact_lock(7)) waited)",
			ours:  "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()",
			waits: " AND wait_event = 'advisory'", kill: "SELECT pg_terminate_backend(%s)",
		},
	}
}

// sessions lists those of dbsep.
func (k *killable) sessions(t *testing.T, condition string) (ids []string) {
	t.Helper()
	rows, err := k.beside.Query(k.ours + condition)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// end ends sessions and waits until they are gone.
func (k *killable) end(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		k.beside.Exec(fmt.Sprintf(k.kill, id)) // it may have ended by itself
	}
	for _, left := range k.sessions(t, "") {
		for _, id := range ids {
			if id == left {
				k.end(t, id)
			}
		}
	}
}

// held runs something while a lock is taken, beside.
func (k *killable) held(t *testing.T, run func()) {
	t.Helper()
	conn, err := k.beside.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, text := range []string{k.hold, k.free} {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			run()
		}
	}
}

// waiting waits until a statement of dbsep waits for the lock.
func (k *killable) waiting(t *testing.T) (id string) {
	for {
		if ids := k.sessions(t, k.waits); len(ids) > 0 {
			return ids[0]
		}
	}
}

// fill makes the pool have all its connections.
func (k *killable) fill(t *testing.T) {
	t.Helper()
	databasetest.Nest(t, k.db, 4)
	if ids := k.sessions(t, ""); len(ids) != 4 {
		t.Fatalf("%d connections", len(ids))
	}
}

// Whichever way a session ends while nobody uses it, the next statement has
// another one.
func TestConnectionThatEndedInThePoolIsReplaced(t *testing.T) {
	for name, k := range killables(t) {
		t.Run(name, func(t *testing.T) {
			databasetest.Setup(t, k.beside)("CREATE TABLE v (id INT)")
			for round := range 3 {
				k.fill(t)
				k.end(t, k.sessions(t, "")...)
				n, err := k.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT 1"})
				if n != 1 || err != nil {
					t.Errorf("round %d, a write: %d, %v, %v", round, n, err, errors.Unwrap(err))
				}
				k.fill(t)
				k.end(t, k.sessions(t, "")...)
				if got, err := databasetest.QueryText(t.Context(), k.db, "SELECT COUNT(*) FROM v"); got != fmt.Sprint(round+1) || err != nil {
					t.Errorf("round %d, a read: %s, %v, %v", round, got, err, errors.Unwrap(err))
				}
			}
		})
	}
}

// A session that ends under a read: the read comes to its rows all the same, on
// another one; the second time it is reported.
func TestReadWhoseConnectionEndsIsRepeatedOnce(t *testing.T) {
	for name, k := range killables(t) {
		t.Run(name, func(t *testing.T) {
			k.fill(t)
			type result struct {
				got string
				err error
			}
			results := make(chan result, 1)
			read := func() {
				got, err := databasetest.QueryText(t.Context(), k.db, "SELECT "+k.lock)
				results <- result{got, err}
			}
			k.held(t, func() {
				go read()
				k.end(t, k.waiting(t))
				k.end(t, k.waiting(t))
				if r := <-results; databasetest.CauseOf(r.err) != sqlgen.Unavailable {
					t.Errorf("ended twice: %q, %v", r.got, r.err)
				}
				go read()
				first := k.waiting(t)
				k.end(t, first)
				if second := k.waiting(t); second == first {
					t.Errorf("session %s has not ended", first)
				}
			})
			if r := <-results; r.got != "1" || r.err != nil {
				t.Errorf("ended once: %q, %v, %v", r.got, r.err, errors.Unwrap(r.err))
			}
		})
	}
}

// A session that ends under a write: it may have been done, so it is reported
// and not done again. (If it were, it would wait for the lock, and Exec with it.)
func TestWriteWhoseConnectionEndsIsNotRepeated(t *testing.T) {
	for name, k := range killables(t) {
		t.Run(name, func(t *testing.T) {
			databasetest.Setup(t, k.beside)("CREATE TABLE v (id INT)")
			k.held(t, func() {
				result := make(chan error, 1)
				go func() {
					_, err := k.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT " + k.lock})
					result <- err
				}()
				k.end(t, k.waiting(t))
				if err := <-result; databasetest.CauseOf(err) != sqlgen.Unavailable {
					t.Errorf("%v, %v", err, errors.Unwrap(err))
				}
			})
			var rows int
			if err := k.beside.QueryRow("SELECT COUNT(*) FROM v").Scan(&rows); err != nil || rows > 1 {
				t.Errorf("%d rows, %v", rows, err)
			}
		})
	}
}

// A server ends sessions that nobody uses for a while.
func TestIdleConnectionsThatTheServerEndsAreNotUsed(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	source.DSN += ";mysql_init_command=SET wait_timeout = 2"
	source.MaxConnections = 4
	maria := killables(t)["MariaDB"]
	maria.db, maria.beside = databasetest.Open(t, source), beside
	source, beside = databasetest.NewPostgres(t)
	source.DSN += ";application_name=victim;options='-c idle_session_timeout=2000'"
	source.MaxConnections = 4
	postgres := killables(t)["PostgreSQL"]
	postgres.db, postgres.beside = databasetest.Open(t, source), beside
	for name, k := range map[string]*killable{"MariaDB": maria, "PostgreSQL": postgres} {
		t.Run(name, func(t *testing.T) {
			databasetest.Setup(t, k.beside)("CREATE TABLE v (id INT)")
			databasetest.Nest(t, k.db, 4)
			for len(k.sessions(t, "")) > 0 {
			}
			if n, err := k.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT 1"}); n != 1 || err != nil {
				t.Errorf("%d, %v, %v", n, err, errors.Unwrap(err))
			}
		})
	}
}

// A server that is restarted, between requests and while requests come all the
// time.
func TestServersThatAreRestarted(t *testing.T) {
	maria, postgres := mariadbtest.New(t), pgtest.New(t)
	for name, c := range map[string]struct {
		source      database.Source
		halt, again func(testing.TB)
	}{
		"MariaDB": {database.Source{DSN: fmt.Sprintf("DBI:mysql:database=mysql;host=%s;port=%d", maria.Host, maria.Port), User: maria.User, Password: maria.Password}, maria.Halt, maria.Again},
		"PostgreSQL": {database.Source{DSN: fmt.Sprintf("DBI:Pg:dbname=postgres;host=%s;port=%d", postgres.Host, postgres.Port), User: postgres.User, Password: postgres.Password},
			postgres.Halt, postgres.Again},
	} {
		t.Run(name, func(t *testing.T) {
			c.source.MaxConnections = 4
			db := databasetest.Open(t, c.source)
			databasetest.Nest(t, db, 4)
			c.halt(t)
			c.again(t)
			if got, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); got != "7" || err != nil {
				t.Errorf("after a new start: %q, %v, %v", got, err, errors.Unwrap(err))
			}
			c.halt(t)
			for range 200 {
				if _, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); databasetest.CauseOf(err) != sqlgen.Unavailable {
					t.Errorf("while it is away: %v", err)
				}
			}
			c.again(t)
			if err := db.Ping(t.Context()); err != nil {
				t.Errorf("%v, %v", err, errors.Unwrap(err))
			}
			if got, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); got != "7" || err != nil || db.Broken() {
				t.Errorf("back again: %q, %v", got, err)
			}
		})
	}
}
