package mysql_test

import (
	"context"
	"database/sql"
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

// prepareSome prepares statements beside dbsep, as another program does, until there are
// so many or there is no place.
func prepareSome(t *testing.T, beside *sql.DB, most int) (prepared []*sql.Stmt, full error) {
	conn, err := beside.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for n := range most {
		stmt, err := conn.PrepareContext(t.Context(), fmt.Sprintf("SELECT %d", n))
		if err != nil {
			return prepared, err
		}
		t.Cleanup(func() { stmt.Close() })
		prepared = append(prepared, stmt)
	}
	return prepared, nil
}

// manyShapes sends many statements that differ, from many clients at once.
func manyShapes(t *testing.T, db *database.DB, clients int) {
	t.Helper()
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := range 50 {
				want := fmt.Sprint(1000*client + n)
				if got, err := databasetest.QueryText(t.Context(), db, "SELECT "+want); got != want || err != nil {
					t.Errorf("%q, %v, %v", got, err, errors.Unwrap(err))
					return
				}
				if _, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v SELECT " + want}); err != nil {
					t.Errorf("%v, %v", err, errors.Unwrap(err))
					return
				}
			}
		})
	}
	all.Wait()
}

// Statements that differ, on many connections, leave most of what the server keeps to
// other programs.
func TestMariaDBLeavesPreparedStatementsToOthers(t *testing.T) {
	databasetest.SetGlobals(t, mariadbtest.Start(t), map[string]string{"max_prepared_stmt_count": "200"})
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT)")
	source.MaxConnections = 40
	db := databasetest.Open(t, source)
	databasetest.Nest(t, db, 40)
	manyShapes(t, db, 60)
	if _, err := prepareSome(t, beside, 100); err != nil {
		t.Errorf("another program: %v", err)
	}
}

// Where other programs have most of them, all requests are served nevertheless; where
// they have all, the cause is reported.
func TestMariaDBWithFewPreparedStatementsLeft(t *testing.T) {
	server := mariadbtest.Start(t)
	others := preparedStatements(t, server)
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT)")
	source.MaxConnections = 8
	db := databasetest.Open(t, source) // whose connections believe that there is room for more
	databasetest.Nest(t, db, 8)
	databasetest.SetGlobals(t, server, map[string]string{"max_prepared_stmt_count": "200"})
	taken, _ := prepareSome(t, beside, 180)
	manyShapes(t, db, 20)
	more, full := prepareSome(t, beside, 200)
	if full == nil {
		t.Fatalf("there is room for more than %d and %d statements", len(taken), len(more))
	}
	db.Close()
	for preparedStatements(t, server) > others+len(taken)+len(more) { // the server ends a connection a little after its client
		time.Sleep(time.Millisecond)
	}
	more, full = prepareSome(t, beside, 200)
	if full == nil {
		t.Fatalf("there is room for %d more statements", len(more))
	}
	source.PoolTimeout = 1
	db = databasetest.Open(t, source)
	_, err := databasetest.QueryText(context.Background(), db, "SELECT 1")
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || fault.Cause != sqlgen.Busy || fault.Hint == "" {
		t.Errorf("%v, %v", err, errors.Unwrap(err))
	}
}

// preparedStatements is how many the server keeps for all its clients.
func preparedStatements(t *testing.T, server *mariadbtest.Server) (n int) {
	var name string
	if err := server.Root.QueryRow("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'").Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A connection that has statements drops them for the next one.
func TestMariaDBDropsStatementsOfAConnection(t *testing.T) {
	server := mariadbtest.Start(t)
	source, _ := databasetest.NewMariaDB(t)
	source.MaxConnections = 1
	db := databasetest.Open(t, source)
	connection, err := databasetest.QueryText(t.Context(), db, "SELECT CONNECTION_ID()")
	if err != nil {
		t.Fatal(err)
	}
	databasetest.SetGlobals(t, server, map[string]string{"max_prepared_stmt_count": fmt.Sprint(preparedStatements(t, server) + 3)})
	for n := range 20 {
		got, err := databasetest.QueryText(t.Context(), db, fmt.Sprintf("SELECT CONNECTION_ID() + %d - %d", n, n))
		if got != connection || err != nil {
			t.Fatalf("statement %d: connection %s after %s, %v, %v", n, got, connection, err, errors.Unwrap(err))
		}
	}
}

// Where a connection has none, those that nobody uses are closed.
func TestMariaDBDropsStatementsOfIdleConnections(t *testing.T) {
	server := mariadbtest.Start(t)
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE v (id INT PRIMARY KEY)", "INSERT INTO v VALUES (1)")
	source.MaxConnections = 8
	db := databasetest.Open(t, source)
	databasetest.Nest(t, db, 8)
	// A statement that fails is dropped, and others that the connection has with it.
	all := preparedStatements(t, server)
	databasetest.SetGlobals(t, server, map[string]string{"max_prepared_stmt_count": fmt.Sprint(all)})
	if _, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES (1)"}); databasetest.CauseOf(err) != sqlgen.Duplicate {
		t.Fatal(err)
	}
	for t.Context().Err() == nil && preparedStatements(t, server) == all {
	}
	if _, err := prepareSome(t, beside, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := databasetest.QueryText(t.Context(), db, "SELECT 7"); got != "7" || err != nil {
		t.Errorf("%q, %v, %v", got, err, errors.Unwrap(err))
	}
}
