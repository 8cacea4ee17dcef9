package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
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
	maria, besideMaria := newMariaDB(t)
	maria.MaxConnections = 4
	postgres, besidePostgres := newPostgres(t)
	postgres.MaxConnections = 4
	postgres.DSN += ";application_name=victim;options='-c lock_timeout=0'"
	return map[string]*killable{
		"MariaDB": {
			db: open(t, maria), beside: besideMaria,
			hold: "DO GET_LOCK('held', 10)", free: "DO RELEASE_LOCK('held')", lock: "GET_LOCK('held', 10)",
			ours:  "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
			waits: " AND state = 'User lock'", kill: "KILL CONNECTION %s",
		},
		"PostgreSQL": {
			db: open(t, postgres), beside: besidePostgres,
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
	nest(t, k.db, 4)
	if ids := k.sessions(t, ""); len(ids) != 4 {
		t.Fatalf("%d connections", len(ids))
	}
}

// nest runs a statement within a statement, so that the pool has n connections.
func nest(t *testing.T, db *database.DB, n int) {
	t.Helper()
	err := db.Query(t.Context(), sqlgen.Statement{SQL: "SELECT 1"}, func([][]byte) error {
		if n > 1 {
			nest(t, db, n-1)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
}

func ask(ctx context.Context, db *database.DB, text string) (answer string, err error) {
	err = db.Query(ctx, sqlgen.Statement{SQL: text}, func(columns [][]byte) error {
		answer = string(columns[0])
		return nil
	})
	return answer, err
}

func causeOf(err error) sqlgen.Cause {
	var fault *sqlgen.Fault
	if errors.As(err, &fault) {
		return fault.Cause
	}
	return -1
}

// Whichever way a session ends while nobody uses it, the next statement has
// another one.
func TestConnectionThatEndedInThePoolIsReplaced(t *testing.T) {
	for name, k := range killables(t) {
		t.Run(name, func(t *testing.T) {
			setup(t, k.beside)("CREATE TABLE v (id INT)")
			for round := range 3 {
				k.fill(t)
				k.end(t, k.sessions(t, "")...)
				n, err := k.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT 1"})
				if n != 1 || err != nil {
					t.Errorf("round %d, a write: %d, %v, %v", round, n, err, errors.Unwrap(err))
				}
				k.fill(t)
				k.end(t, k.sessions(t, "")...)
				if got, err := ask(t.Context(), k.db, "SELECT COUNT(*) FROM v"); got != fmt.Sprint(round+1) || err != nil {
					t.Errorf("round %d, a read: %s, %v, %v", round, got, err, errors.Unwrap(err))
				}
			}
		})
	}
}

// A session that ends under a read: the read comes to its rows all the same, on
// another one; the second time it is told.
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
				got, err := ask(t.Context(), k.db, "SELECT "+k.lock)
				results <- result{got, err}
			}
			k.held(t, func() {
				go read()
				k.end(t, k.waiting(t))
				k.end(t, k.waiting(t))
				if r := <-results; causeOf(r.err) != sqlgen.Unavailable {
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

// A session that ends under a write: it may have been done, so it is told and
// not done again. (If it were, it would wait for the lock, and Exec with it.)
func TestWriteWhoseConnectionEndsIsNotRepeated(t *testing.T) {
	for name, k := range killables(t) {
		t.Run(name, func(t *testing.T) {
			setup(t, k.beside)("CREATE TABLE v (id INT)")
			k.held(t, func() {
				result := make(chan error, 1)
				go func() {
					_, err := k.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT " + k.lock})
					result <- err
				}()
				k.end(t, k.waiting(t))
				if err := <-result; causeOf(err) != sqlgen.Unavailable {
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
	source, beside := newMariaDB(t)
	source.DSN += ";mysql_init_command=SET wait_timeout = 2"
	source.MaxConnections = 4
	maria := killables(t)["MariaDB"]
	maria.db, maria.beside = open(t, source), beside
	source, beside = newPostgres(t)
	source.DSN += ";application_name=victim;options='-c idle_session_timeout=2000'"
	source.MaxConnections = 4
	postgres := killables(t)["PostgreSQL"]
	postgres.db, postgres.beside = open(t, source), beside
	for name, k := range map[string]*killable{"MariaDB": maria, "PostgreSQL": postgres} {
		t.Run(name, func(t *testing.T) {
			setup(t, k.beside)("CREATE TABLE v (id INT)")
			nest(t, k.db, 4)
			for len(k.sessions(t, "")) > 0 {
			}
			if n, err := k.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT 1"}); n != 1 || err != nil {
				t.Errorf("%d, %v, %v", n, err, errors.Unwrap(err))
			}
		})
	}
}

func TestMariaDBGivesWayToADeadlockAndGoesOn(t *testing.T) {
	source, beside := newMariaDB(t)
	setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, c INT)", "INSERT INTO v VALUES (1, 0), (2, 0)",
		"CREATE TABLE w (id INT PRIMARY KEY, c INT)", "INSERT INTO w VALUES (1, 0), (2, 0)",
		// Each statement locks the other's row as well, a little later.
		"CREATE TRIGGER other BEFORE UPDATE ON v FOR EACH ROW BEGIN UPDATE w SET c = c + 1 WHERE id = NEW.id; DO SLEEP(0.1); UPDATE w SET c = c + 1 WHERE id = 3 - NEW.id; END")
	deadlocks := func() (n int) {
		if err := beside.QueryRow("SELECT COUNT FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := deadlocks()
	db := open(t, source)
	var all sync.WaitGroup
	for _, id := range []string{"1", "2"} {
		all.Go(func() {
			n, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "UPDATE v SET c = c + 1 WHERE id = ?", Args: []any{id}})
			if n != 1 || err != nil {
				t.Errorf("%d, %v, %v", n, err, errors.Unwrap(err))
			}
		})
	}
	all.Wait()
	var sum int
	if err := beside.QueryRow("SELECT SUM(c) FROM w").Scan(&sum); err != nil || sum != 4 {
		t.Errorf("%d updates came to stay, %v", sum, err)
	}
	if deadlocks() == before {
		t.Error("there was no deadlock")
	}
}

// A server that has no place for more connections: those that there are serve
// all, and whoever has none is told.
func TestMariaDBWithoutRoomForMoreConnections(t *testing.T) {
	source, beside := newMariaDB(t)
	server := mariadbtest.Start(t)
	name := databaseOf(source)
	server.Exec(t, "CREATE OR REPLACE USER few@localhost WITH MAX_USER_CONNECTIONS 2", "GRANT ALL ON "+name+".* TO few@localhost")
	t.Cleanup(func() { server.Exec(t, "DROP USER few@localhost") })
	setup(t, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	source.User, source.Password, source.MaxConnections = "few", "", 8
	db := open(t, source)
	if got, err := ask(t.Context(), db, "SELECT 1"); got != "1" || err != nil {
		t.Fatal(got, err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if got, err := ask(t.Context(), db, "SELECT c FROM v"); got != "2" || err != nil {
					t.Errorf("%q, %v, %v", got, err, errors.Unwrap(err))
					return
				}
			}
		})
	}
	all.Wait()
	if _, err := ask(t.Context(), open(t, source), "SELECT 1"); causeOf(err) != sqlgen.Busy && db.Stats()[0].Open == 2 {
		t.Errorf("%v", err)
	}
	db.Close()
	other := open(t, source)
	for {
		if got, err := ask(t.Context(), other, "SELECT 1"); err == nil && got == "1" {
			break
		} else if causeOf(err) != sqlgen.Busy {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// An account is not locked for a password that is tried by every request.
func TestMariaDBIsNotAskedForEveryWrongPassword(t *testing.T) {
	source, beside := newMariaDB(t)
	source.Password = "wrong"
	refused := func() (n int) {
		var name string
		if err := beside.QueryRow("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db, before := open(t, source), refused()
	for range 200 {
		if _, err := ask(t.Context(), db, "SELECT 1"); causeOf(err) != sqlgen.Denied {
			t.Fatal(err)
		}
	}
	if n := refused() - before; n == 0 || n > 100 {
		t.Errorf("%d logins for 200 requests", n)
	}
}

// A server that is paused takes connections and says nothing. After three
// statements nobody waits for it any more.
func TestMariaDBThatIsPaused(t *testing.T) {
	server := mariadbtest.New(t)
	name := server.Database(t)
	db := open(t, database.Source{
		DSN:  fmt.Sprintf("DBI:mysql:database=%s;host=%s;port=%d", name, server.Host, server.Port),
		User: server.User, Password: server.Password, MaxConnections: 4,
	})
	nest(t, db, 4)
	server.Pause(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			if _, err := ask(ctx, db, "SELECT 1"); causeOf(err) != sqlgen.Timeout {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if !db.Broken() {
		t.Error("the breaker is closed")
	}
	// One of two may be the one that is let through after the pause; the other one
	// does not wait.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answers := make(chan error, 2)
	for range cap(answers) {
		go func() {
			_, err := ask(ctx, db, "SELECT 1")
			answers <- err
		}()
	}
	if err := <-answers; causeOf(err) != sqlgen.Unavailable {
		t.Errorf("%v", err)
	}
	server.Resume(t)
	<-answers
	if err := db.Ping(t.Context()); err != nil || db.Broken() {
		t.Errorf("%v, broken %v", err, db.Broken())
	}
	if got, err := ask(t.Context(), db, "SELECT 1"); got != "1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// A server that is started anew, between requests and while it is asked all the
// time.
func TestServersThatAreStartedAnew(t *testing.T) {
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
			db := open(t, c.source)
			nest(t, db, 4)
			c.halt(t)
			c.again(t)
			if got, err := ask(t.Context(), db, "SELECT 7"); got != "7" || err != nil {
				t.Errorf("after a new start: %q, %v, %v", got, err, errors.Unwrap(err))
			}
			c.halt(t)
			for range 200 {
				if _, err := ask(t.Context(), db, "SELECT 7"); causeOf(err) != sqlgen.Unavailable {
					t.Errorf("while it is away: %v", err)
				}
			}
			c.again(t)
			if err := db.Ping(t.Context()); err != nil {
				t.Errorf("%v, %v", err, errors.Unwrap(err))
			}
			if got, err := ask(t.Context(), db, "SELECT 7"); got != "7" || err != nil || db.Broken() {
				t.Errorf("back again: %q, %v", got, err)
			}
		})
	}
}
