package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/sqlgen"
)

func TestMariaDBGivesWayToADeadlockAndGoesOn(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY, c INT)", "INSERT INTO v VALUES (1, 0), (2, 0)",
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
	db := databasetest.Open(t, source)
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
// all, and who has none gets an error.
func TestMariaDBWithoutRoomForMoreConnections(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	server := mariadbtest.Start(t)
	name := databasetest.DatabaseOf(source)
	server.Exec(t, "CREATE USER few@localhost WITH MAX_USER_CONNECTIONS 2", "GRANT ALL ON "+name+".* TO few@localhost")
	t.Cleanup(func() { server.Exec(t, "DROP USER few@localhost") })
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 2)")
	source.User, source.Password, source.MaxConnections = "few", "", 8
	db := databasetest.Open(t, source)
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT 1"); got != "1" || err != nil {
		t.Fatal(got, err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if got, err := databasetest.QueryText(t.Context(), db, "SELECT c FROM v"); got != "2" || err != nil {
					t.Errorf("%q, %v, %v", got, err, errors.Unwrap(err))
					return
				}
			}
		})
	}
	all.Wait()
	if _, err := databasetest.QueryText(t.Context(), databasetest.Open(t, source), "SELECT 1"); databasetest.CauseOf(err) != sqlgen.Busy && db.Stats()[0].Open == 2 {
		t.Errorf("%v", err)
	}
	db.Close()
	other := databasetest.Open(t, source)
	for {
		if got, err := databasetest.QueryText(t.Context(), other, "SELECT 1"); err == nil && got == "1" {
			break
		} else if databasetest.CauseOf(err) != sqlgen.Busy {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// An account is not locked for a password that is tried by every request.
func TestMariaDBGetsNoLoginForEveryWrongPassword(t *testing.T) {
	source, beside := databasetest.NewMariaDB(t)
	source.Password = "wrong"
	refused := func() (n int) {
		var name string
		if err := beside.QueryRow("SHOW GLOBAL STATUS LIKE 'Aborted_connects'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db, before := databasetest.Open(t, source), refused()
	for range 200 {
		if _, err := databasetest.QueryText(t.Context(), db, "SELECT 1"); databasetest.CauseOf(err) != sqlgen.Denied {
			t.Fatal(err)
		}
	}
	for t.Context().Err() == nil && refused() == before { // MySQL counts after its response
	}
	if n := refused() - before; n > 100 {
		t.Errorf("%d logins for 200 requests", n)
	}
}

// A server that is paused takes connections and says nothing. After three
// statements nobody waits for it any more.
func TestMariaDBThatIsPaused(t *testing.T) {
	server := mariadbtest.New(t)
	name := server.Database(t)
	db := databasetest.Open(t, database.Source{
		DSN:  fmt.Sprintf("DBI:mysql:database=%s;host=%s;port=%d", name, server.Host, server.Port),
		User: server.User, Password: server.Password, MaxConnections: 4,
	})
	databasetest.Nest(t, db, 4)
	server.Pause(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			if _, err := databasetest.QueryText(ctx, db, "SELECT 1"); databasetest.CauseOf(err) != sqlgen.Timeout {
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
	results := make(chan error, 2)
	for range cap(results) {
		go func() {
			_, err := databasetest.QueryText(ctx, db, "SELECT 1")
			results <- err
		}()
	}
	if err := <-results; databasetest.CauseOf(err) != sqlgen.Unavailable {
		t.Errorf("%v", err)
	}
	server.Resume(t)
	<-results
	if err := db.Ping(t.Context()); err != nil || db.Broken() {
		t.Errorf("%v, broken %v", err, db.Broken())
	}
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT 1"); got != "1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
