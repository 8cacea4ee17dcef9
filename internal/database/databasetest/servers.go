package databasetest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/sqlitedriver"
)

// NewSQLiteFile makes an empty database and returns its path and a connection
// beside dbsep's.
func NewSQLiteFile(t testing.TB) (path string, beside *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "realtime.sqlite3")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	beside, err := sql.Open(sqlitedriver.Name, "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beside.Close() })
	return path, beside
}

// NewMariaDB makes an empty database on the real server, and returns dbsep's way
// to it and a connection beside it.
func NewMariaDB(t testing.TB) (source database.Source, beside *sql.DB) {
	t.Helper()
	server := mariadbtest.Start(t)
	name := server.Database(t)
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "unix", server.Socket, server.User, server.Password, name
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	beside = sql.OpenDB(connector)
	t.Cleanup(func() { beside.Close() })
	source = database.Source{
		DSN:  "DBI:mysql:database=" + name + ";mysql_socket=" + server.Socket,
		User: server.User, Password: server.Password,
	}
	return source, beside
}

// ConnectMariaDB is a connection whose settings no server decides.
func ConnectMariaDB(t testing.TB, server *mariadbtest.Server, name string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "unix", server.Socket, server.User, server.Password, name
	c.Params = map[string]string{
		"autocommit": "1", "sql_mode": "'STRICT_TRANS_TABLES'", "sql_select_limit": "18446744073709551615",
		"sql_safe_updates": "0", "sql_big_selects": "1", "character_set_client": "utf8mb4", "character_set_results": "utf8mb4",
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	return OpenDB(t, connector)
}

// SetGlobals changes the settings that a server gives its new sessions, until the
// test ends.
func SetGlobals(t testing.TB, server *mariadbtest.Server, settings map[string]string) {
	t.Helper()
	for name, value := range settings {
		var was string
		if err := server.Root.QueryRow("SELECT @@GLOBAL." + name).Scan(&was); err != nil {
			t.Fatal(err)
		}
		if _, err := strconv.ParseUint(was, 10, 64); err != nil {
			was = "'" + was + "'"
		}
		server.Exec(t, "SET GLOBAL "+name+" = "+value)
		t.Cleanup(func() { server.Exec(t, "SET GLOBAL "+name+" = "+was) })
	}
}

// LockMariaDB locks the rows of tables.
func LockMariaDB(t testing.TB, beside *sql.DB) func(table string) func() {
	return func(table string) func() {
		tx, err := beside.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(context.Background(), "SELECT * FROM "+table+" FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		return func() { _ = tx.Rollback() }
	}
}

// BlockMariaDB is the Block of a [Fixture].
func BlockMariaDB(t testing.TB, beside *sql.DB) func(table string) func() {
	return func(table string) func() {
		conn, err := beside.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "LOCK TABLES "+table+" WRITE"); err != nil {
			t.Fatal(err)
		}
		return sync.OnceFunc(func() {
			if _, err := conn.ExecContext(context.Background(), "UNLOCK TABLES"); err != nil {
				t.Error(err)
			}
			_ = conn.Close()
		})
	}
}

// BlockPostgres is the Block of a [Fixture].
func BlockPostgres(t testing.TB, beside *sql.DB) func(table string) func() {
	return func(table string) func() {
		tx, err := beside.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "LOCK TABLE "+table); err != nil {
			t.Fatal(err)
		}
		return func() { _ = tx.Rollback() }
	}
}

// NewPostgres makes an empty database on the real server, and returns dbsep's
// way to it and a connection beside it.
func NewPostgres(t testing.TB) (source database.Source, beside *sql.DB) {
	t.Helper()
	server := pgtest.Start(t)
	name := server.Database(t)
	source = database.Source{
		DSN:  fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", name, server.SocketDir, server.Port),
		User: server.User, Password: server.Password,
	}
	return source, server.Open(t, name)
}

// WaitMariaDB is the Wait, and RunningMariaDB the Running, of a [Fixture]. beside is a
// connection to the database.
func WaitMariaDB(seconds int) string { return fmt.Sprintf("SLEEP(%d)", seconds) }

func RunningMariaDB(t testing.TB, beside *sql.DB) func() int {
	return count(t, beside, "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND command <> 'Sleep' AND id <> CONNECTION_ID()")
}

// WaitPostgres and RunningPostgres are the same for PostgreSQL.
func WaitPostgres(seconds int) string {
	return fmt.Sprintf("(SELECT 1 FROM (SELECT pg_catalog.pg_sleep(%d)) slept)", seconds)
}

func RunningPostgres(t testing.TB, beside *sql.DB) func() int {
	return count(t, beside, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()")
}

// count is a function that reads a number, over one connection.
func count(t testing.TB, beside *sql.DB, text string) func() int {
	var one sync.Mutex
	return func() (n int) {
		one.Lock()
		defer one.Unlock()
		if err := beside.QueryRow(text).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
}

// WaitSQLite is the Wait of a SQLite file: it counts.
func WaitSQLite(seconds int) string {
	return fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT max(i) FROM n)", seconds*2_000_000)
}

// DatabaseOf is the name of a source's database.
func DatabaseOf(s database.Source) string {
	return s.DSN[strings.Index(s.DSN, "=")+1 : strings.Index(s.DSN, ";")]
}

func PostgresFixture(t *testing.T, db *database.DB, beside *sql.DB) Fixture {
	return Fixture{
		DB:     db,
		Widths: true,
		Pads:   true,
		// The server's own order is that of bytes: see pgtest.
		IgnoreCase: `COLLATE "und-x-icu"`,
		Types:      map[string]string{"DOUBLE": "DOUBLE PRECISION", "DATETIME": "TIMESTAMP", "BLOB": "BYTEA"},
		Setup:      Setup(t, beside),
		Wait:       WaitPostgres,
		Running:    RunningPostgres(t, beside),
		Block:      BlockPostgres(t, beside),
		Lock: func(table string) func() {
			tx, err := beside.Begin()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(t.Context(), "LOCK TABLE "+table+" IN EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			return func() { tx.Rollback() }
		},
	}
}

func OpenDB(t testing.TB, connector driver.Connector) *sql.DB {
	t.Helper()
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}
