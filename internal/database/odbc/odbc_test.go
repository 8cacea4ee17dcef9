//go:build odbc

package odbc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

func TestODBCIsAmongTheDatabasesOfThisBuild(t *testing.T) {
	if got, want := database.Names(), []string{"MariaDB/MySQL", "ODBC", "PostgreSQL", "SQLite"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// unknownDriver is one of Debian's drivers under a name by which dbsep does not
// know it, so that the driver itself is used.
func unknownDriver(t testing.TB, library string) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/odbc/" + library)
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no %s: install odbc-mariadb and libsqliteodbc", library)
	}
	path := filepath.Join(t.TempDir(), "libother.so")
	if err := os.Symlink(found[0], path); err != nil {
		t.Fatal(err)
	}
	return path
}

// throughMariaDB is MariaDB's driver on an empty database of the real server, and
// SQL beside it.
func throughMariaDB(t testing.TB) (source database.Source, run func(...string), lock func(string) func()) {
	t.Helper()
	server := mariadbtest.Start(t)
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "unix", server.Socket, server.User, server.Password, server.Database(t)
	c.Params = map[string]string{"sql_mode": "'ANSI_QUOTES,STRICT_TRANS_TABLES'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	beside := databasetest.OpenDB(t, connector)
	source = database.Source{
		// OPTION=2 counts the rows that are matched.
		DSN:  fmt.Sprintf("DBI:ODBC:Driver=%s;Socket=%s;Database=%s;OPTION=2;CHARSET=utf8mb4", unknownDriver(t, "libmaodbc.so"), server.Socket, c.DBName),
		User: server.User, Password: server.Password,
	}
	return source, databasetest.Setup(t, beside), databasetest.LockMariaDB(t, beside)
}

// throughSQLite is SQLite's driver on an empty file. What runs beside it goes
// through the driver too: two libraries of SQLite in one process lose each
// other's locks.
func throughSQLite(t testing.TB) (source database.Source, run func(...string), lock func(string) func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "realtime.sqlite3")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	source = database.Source{
		DSN:            fmt.Sprintf("DBI:ODBC:Driver=%s;Database=%s;Timeout=1000;LongNames=1", unknownDriver(t, "libsqlite3odbc.so"), path),
		MaxConnections: 1,
	}
	beside := databasetest.Open(t, source)
	run = func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := beside.Exec(context.Background(), sqlgen.Statement{SQL: text}); err != nil {
				t.Fatalf("%.300s: %v", text, err)
			}
		}
	}
	lock = func(string) func() {
		run("BEGIN IMMEDIATE")
		return sync.OnceFunc(func() { run("ROLLBACK") })
	}
	return source, run, lock
}

func TestODBC(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
			server := pgtest.Start(t)
			name := server.Database(t)
			f := databasetest.PostgresFixture(t, databasetest.Open(t, database.Source{
				DSN: fmt.Sprintf("DBI:ODBC:Driver=%s;Servername=%s;Port=%d;Database=%s",
					unknownDriver(t, "psqlodbcw.so"), server.SocketDir, server.Port, name),
				User: server.User, Password: server.Password,
			}), server.Open(t, name))
			f.NoKeys, f.NoPlans, f.NoTransactions, f.DatabaseOrder = true, true, true, true
			return f
		})
	})
	t.Run("MariaDB", func(t *testing.T) {
		databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
			source, run, lock := throughMariaDB(t)
			return databasetest.Fixture{DB: databasetest.Open(t, source), Setup: run, Lock: lock, Widths: true, NoKeys: true, NoPlans: true, FixedTypes: true, NoTransactions: true, DatabaseOrder: true, Wait: databasetest.WaitMariaDB}
		})
	})
	t.Run("SQLite", func(t *testing.T) {
		databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
			source, run, lock := throughSQLite(t)
			return databasetest.Fixture{
				Wait: databasetest.WaitSQLite,
				DB:   databasetest.Open(t, source), Setup: run, Lock: lock, FoldsTables: true, Declares: true, NoKeys: true, NoPlans: true, FixedTypes: true, NoTransactions: true, DatabaseOrder: true,
				Undivided: true, // the driver knows SQLite's first result code only
				// The driver looks for arguments in names, and for texts in quotes.
				Refused: []string{"?", "quo'te", `dou"ble`, `ta"ble`},
			}
		})
	})
}

// A long text is never cut, in columns of all types, and comes back with every
// character.
func TestODBCLongTexts(t *testing.T) {
	for name, through := range map[string]func(testing.TB) (database.Source, func(...string), func(string) func()){
		"MariaDB": throughMariaDB, "SQLite": throughSQLite,
	} {
		t.Run(name, func(t *testing.T) {
			source, run, _ := through(t)
			db := databasetest.Open(t, source)
			run(`CREATE TABLE "v" ("id" INTEGER, "c" LONGTEXT)`)
			table, err := db.Describe(t.Context(), "v")
			if err != nil {
				t.Fatal(err)
			}
			for _, length := range []int{79, 80, 81, 254, 255, 256, 2046, 2047, 2048, 2049, 4000, 4001, 8000, 65535, 65536, 1 << 20} {
				text := strings.Repeat("é€😀x", length/4+1)
				for _, s := range []func() (sqlgen.Statement, error){
					func() (sqlgen.Statement, error) {
						return sqlgen.Destroy(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}})
					},
					func() (sqlgen.Statement, error) {
						return sqlgen.Store(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}, {Name: "c", Value: text}})
					},
				} {
					statement, err := s()
					if err != nil {
						t.Fatal(err)
					}
					if _, err := db.Exec(t.Context(), statement); err != nil {
						t.Fatalf("%d: %v", length, err)
					}
				}
				if got := databasetest.ReadColumn(t, db); got != text {
					t.Errorf("%d: %d bytes came back, want %d", length, len(got), len(text))
				}
			}
		})
	}
}

func TestODBCRowLimit(t *testing.T) {
	t.Run("MariaDB", func(t *testing.T) {
		source, run, _ := throughMariaDB(t)
		databasetest.RowLimit(t, source, run, "LONGTEXT", "LONGBLOB", func(n int) string { return fmt.Sprintf("repeat('x', %d)", n) })
	})
	t.Run("SQLite", func(t *testing.T) {
		source, run, _ := throughSQLite(t)
		databasetest.RowLimit(t, source, run, "LONGTEXT", "BLOB", func(n int) string {
			return fmt.Sprintf("substr(replace(hex(zeroblob(%d)), '0', 'x'), 1, %d)", (n+1)/2, n)
		})
	})
}

// The sessions of MariaDB's own driver are those that requests rely on, too.
func TestODBCSettlesTheSessionsOfMariaDB(t *testing.T) {
	server := mariadbtest.Start(t)
	databasetest.SetGlobals(t, server, map[string]string{"autocommit": "0", "sql_mode": "''", "sql_select_limit": "1"})
	name := server.Database(t)
	beside := databasetest.ConnectMariaDB(t, server, name)
	databasetest.Setup(t, beside)("CREATE TABLE `t` (`id` INT PRIMARY KEY, `c` VARCHAR(4))", "INSERT INTO `t` VALUES (1, 'a'), (2, 'b')")
	db := databasetest.Open(t, database.Source{
		DSN: fmt.Sprintf("DBI:ODBC:Driver=%s;Socket=%s;Database=%s;OPTION=2;CHARSET=utf8mb4",
			unknownDriver(t, "libmaodbc.so"), server.Socket, name),
		User: server.User, Password: server.Password,
	})
	table, err := db.Describe(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	update := func(value string, lenient bool) error {
		s, err := sqlgen.Update(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}}, []sqlgen.Field{{Name: "c", Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		s.Lenient = lenient
		_, err = db.Exec(t.Context(), s)
		return err
	}
	var fault *sqlgen.Fault
	if err := update("long text", false); !errors.As(err, &fault) || fault.Cause != sqlgen.BadValue {
		t.Errorf("a value that is too long: %v, want bad-value", err)
	}
	if err := update("long text", true); err != nil {
		t.Errorf("a value that is too long, where that is allowed: %v", err)
	}
	rows := 0
	s, err := sqlgen.Multi(db.Dialect(), table, []sqlgen.Field{{Name: "id >", Value: "0"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Query(t.Context(), s, func([][]byte) error { rows++; return nil }); err != nil || rows != 2 {
		t.Errorf("%d rows, %v; want 2", rows, err)
	}
	var stored string
	if err := beside.QueryRow("SELECT `c` FROM `t` WHERE `id` = 1").Scan(&stored); err != nil || stored != "long" {
		t.Errorf("others see %q, %v; want what was stored", stored, err)
	}
}
