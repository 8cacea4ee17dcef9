package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/sqlgen"
)

// A grouper makes writes wait for each other, so that they share a transaction.
type grouper struct {
	t      *testing.T
	db     *database.DB
	beside *sql.DB
	path   string
}

// newGrouper returns a database with the statements of script.
func newGrouper(t *testing.T, script ...string) *grouper {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)(script...)
	db := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path, BusyTimeout: time.Minute, PoolTimeout: time.Minute})
	return &grouper{t, db, beside, path}
}

// A write is a statement and what becomes of it.
type write struct {
	sql     string
	timeout time.Duration // zero for none
	want    int64
	cause   sqlgen.Cause // where it fails
	fails   bool
}

// run runs writes, all but the first in one transaction at first, and returns how
// many transactions were committed in the end.
func (g *grouper) run(writes ...write) (transactions int) {
	g.t.Helper()
	before := g.committed()
	reading, err := g.beside.BeginTx(g.t.Context(), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := reading.ExecContext(g.t.Context(), "SELECT * FROM sqlite_master"); err != nil {
		g.t.Fatal(err)
	}
	waited := g.stats().Waited
	var all sync.WaitGroup
	for i, w := range writes {
		all.Go(func() { g.exec(w) })
		g.await(func(s database.PoolStats) bool { return s.InUse == 1 && s.Waited >= waited+int64(i) })
	}
	if err := reading.Rollback(); err != nil {
		g.t.Fatal(err)
	}
	all.Wait()
	return g.committed() - before
}

func (g *grouper) exec(w write) {
	ctx := g.t.Context()
	if w.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.timeout)
		defer cancel()
	}
	n, err := g.db.Exec(ctx, sqlgen.Statement{SQL: w.sql})
	var fault *sqlgen.Fault
	switch {
	case !w.fails && (err != nil || n != w.want):
		g.t.Errorf("%s: %d, %v, %v, want %d", w.sql, n, err, errors.Unwrap(err), w.want)
	case w.fails && (!errors.As(err, &fault) || fault.Cause != w.cause):
		g.t.Errorf("%s: %d, %v, want cause %v", w.sql, n, err, w.cause)
	}
}

func (g *grouper) stats() database.PoolStats {
	all := g.db.Stats()
	return all[len(all)-1]
}

func (g *grouper) await(condition func(database.PoolStats) bool) {
	g.t.Helper()
	for begun := time.Now(); !condition(g.stats()); {
		if time.Since(begun) > time.Minute {
			g.t.Fatalf("%+v", g.stats())
		}
	}
}

// committed is the file's change counter (fileformat2, section 1.3.7).
func (g *grouper) committed() int {
	g.t.Helper()
	header, err := os.ReadFile(g.path)
	if err != nil {
		g.t.Fatal(err)
	}
	return int(binary.BigEndian.Uint32(header[24:]))
}

func (g *grouper) want(query, text string) {
	g.t.Helper()
	if got, err := databasetest.QueryText(g.t.Context(), g.db, query); got != text || err != nil {
		g.t.Errorf("%s: %q, %v, want %q", query, got, err, text)
	}
}

func TestSQLiteWritesThatWaitAreCommittedTogether(t *testing.T) {
	g := newGrouper(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	var writes []write
	for i := range 1 + 64 + 5 { // the first by itself, as many as fit, the rest
		writes = append(writes, write{sql: fmt.Sprintf("INSERT INTO t VALUES (%d)", i), want: 1})
	}
	if n := g.run(writes...); n > 10 {
		t.Errorf("%d transactions", n)
	}
	g.want("SELECT count(*) FROM t", "70")
}

func TestSQLiteWriteThatFailsIsUndoneAlone(t *testing.T) {
	g := newGrouper(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)", "INSERT INTO t VALUES (1, 0)")
	if n := g.run(
		write{sql: "INSERT INTO t VALUES (2, 0)", want: 1},
		write{sql: "INSERT INTO t VALUES (3, 0)", want: 1},
		write{sql: "INSERT INTO t VALUES (4, 0), (3, 1)", fails: true, cause: sqlgen.Duplicate},
		write{sql: "INSERT OR FAIL INTO t VALUES (5, 0), (3, 2)", fails: true, cause: sqlgen.Duplicate},
		write{sql: "INSERT INTO nowhere VALUES (1)", fails: true, cause: sqlgen.UnknownTable},
		write{sql: "UPDATE t SET n = NULL", fails: true, cause: sqlgen.Constraint},
		write{sql: "UPDATE t SET n = n + 1", want: 3},
		write{sql: "DELETE FROM t WHERE id = 77", want: 0},
	); n > 3 {
		t.Errorf("%d transactions", n)
	}
	g.want("SELECT group_concat(id || ':' || n) FROM t", "1:1,2:1,3:1")
}

func TestSQLiteWriteThatEndsTheTransactionEndsNoOther(t *testing.T) {
	const (
		table    = "CREATE TABLE t (id INTEGER PRIMARY KEY)"
		rollback = "CREATE TRIGGER r BEFORE INSERT ON t WHEN new.id = 13 BEGIN SELECT RAISE(ROLLBACK, 'no'); END"
		endless  = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
	)
	for _, test := range []struct {
		name    string
		script  []string
		culprit write
	}{
		{"RAISE(ROLLBACK)", []string{table, rollback}, write{sql: "INSERT INTO t VALUES (13)", fails: true, cause: sqlgen.Rejected}},
		{"ON CONFLICT ROLLBACK", []string{table}, write{sql: "INSERT OR ROLLBACK INTO t VALUES (1)", fails: true, cause: sqlgen.Duplicate}},
		{"a time limit", []string{table}, write{sql: endless, timeout: 2 * time.Second, fails: true, cause: sqlgen.Timeout}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGrouper(t, test.script...)
			g.run(
				write{sql: "INSERT INTO t VALUES (1)", want: 1},
				write{sql: "INSERT INTO t VALUES (2)", want: 1},
				test.culprit,
				write{sql: "INSERT INTO t VALUES (3)", want: 1},
				write{sql: "INSERT INTO t VALUES (4)", want: 1},
			)
			g.want("SELECT group_concat(id) FROM t", "1,2,3,4")
		})
	}
}

// TestSQLiteWriteThatWaitsKeepsItsTime lets the time of a write run out while it waits
// for another one.
func TestSQLiteWriteThatWaitsKeepsItsTime(t *testing.T) {
	g := newGrouper(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	reading, err := g.beside.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.ExecContext(t.Context(), "SELECT * FROM t"); err != nil {
		t.Fatal(err)
	}
	var first sync.WaitGroup
	first.Go(func() { g.exec(write{sql: "INSERT INTO t VALUES (1)", want: 1}) })
	g.await(func(s database.PoolStats) bool { return s.InUse == 1 })
	g.exec(write{sql: "INSERT INTO t VALUES (2)", timeout: time.Millisecond, fails: true, cause: sqlgen.Timeout})
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	g.want("SELECT group_concat(id) FROM t", "1")
}

// TestSQLiteOtherProcessesWrite writes without a pause while another program, which
// waits as the sqlite3 shell and Asterisk do, writes as well.
func TestSQLiteOtherProcessesWrite(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			g := newGrouper(t, "PRAGMA journal_mode="+mode, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO t VALUES (1, 0)")
			databasetest.Setup(t, g.beside)("PRAGMA busy_timeout=1000")
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			var ours atomic.Int64
			for range 16 {
				all.Go(func() {
					for ctx.Err() == nil {
						g.exec(write{sql: "UPDATE t SET n = n + 1", want: 1})
						ours.Add(1)
					}
				})
			}
			const others = 20
			for i := range others {
				before := ours.Load()
				g.await(func(database.PoolStats) bool { return ours.Load() > before+100 })
				start := time.Now()
				if _, err := g.beside.ExecContext(t.Context(), "UPDATE t SET n = n + 1"); err != nil {
					t.Errorf("%d: %v", i, err)
				}
				t.Log(time.Since(start))
			}
			cancel()
			all.Wait()
			g.want("SELECT n FROM t", fmt.Sprint(ours.Load()+others))
		})
	}
}
