package mysql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/sqlgen"
)

// foundSettings are settings of servers that administrators have made, or a
// distribution for them.
var foundSettings = map[string]map[string]string{
	"without autocommit": {"autocommit": "0"},
	"without modes":      {"sql_mode": "''"},
	"with the modes of ANSI": {
		"sql_mode": "'ANSI,NO_BACKSLASH_ESCAPES'",
	},
	"with limits for beginners": {
		"sql_select_limit": "1", "sql_safe_updates": "1", "sql_big_selects": "0", "max_join_size": "1",
	},
	"with latin1 and a time zone of its own": {
		"character_set_server": "latin1", "collation_server": "latin1_german2_ci", "character_set_client": "latin1",
		"character_set_connection": "latin1", "character_set_results": "latin1", "time_zone": "'+05:30'",
	},
	"with few connections": {"max_connections": "20"},
	"with an init_connect": {
		"init_connect": "\"SET autocommit=0, sql_mode='', sql_select_limit=1, sql_safe_updates=1, sql_big_selects=0, max_join_size=1, NAMES latin1\"",
	},
}

// ordinaryAccount makes an account that has the rights to one database alone: a
// server has no init_connect for those with more.
func ordinaryAccount(t testing.TB, server *mariadbtest.Server, database string) (user string) {
	t.Helper()
	user = "ordinary_" + database
	server.Exec(t, fmt.Sprintf("CREATE USER '%s'@'localhost' IDENTIFIED BY 'secret'", user),
		fmt.Sprintf("GRANT ALL ON `%s`.* TO '%s'@'localhost'", database, user))
	t.Cleanup(func() { server.Exec(t, fmt.Sprintf("DROP USER '%s'@'localhost'", user)) })
	return user
}

func TestMariaDBAsServersAreFound(t *testing.T) {
	for name, settings := range foundSettings {
		t.Run(name, func(t *testing.T) {
			server := mariadbtest.Start(t)
			connections := 16
			if server.MySQL {
				connections = 8 // the place of one that was closed is taken for a while
			}
			databasetest.SetGlobals(t, server, settings)
			databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
				name := server.Database(t)
				beside := databasetest.ConnectMariaDB(t, server, name)
				return databasetest.Fixture{
					DB: databasetest.Open(t, database.Source{
						DSN:  "DBI:mysql:database=" + name + ";mysql_socket=" + server.Socket,
						User: ordinaryAccount(t, server, name), Password: "secret", MaxConnections: connections,
					}),
					Widths: true, Setup: databasetest.Setup(t, beside), Lock: databasetest.LockMariaDB(t, beside),
					Wait: databasetest.WaitMariaDB, Running: databasetest.RunningMariaDB(t, beside),
				}
			})
		})
	}
}

// A write that is acknowledged is visible to others, also where the server or the DSN
// switches autocommit off.
func TestMariaDBCommitsWhatItAcknowledges(t *testing.T) {
	server := mariadbtest.Start(t)
	for _, command := range []string{"", ";mysql_init_command=SET autocommit=0", ";mysql_init_command=SET sql_mode='', autocommit=0"} {
		source, beside := databasetest.NewMariaDB(t)
		databasetest.SetGlobals(t, server, map[string]string{"autocommit": "0"})
		source.DSN += command
		if _, err := beside.Exec("CREATE TABLE t (id INT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		db := databasetest.Open(t, source)
		table, err := db.Describe(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		s, err := sqlgen.Store(db.Dialect(), table, []sqlgen.Field{{Name: "id", Value: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Exec(t.Context(), s); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		var rows int
		if err := beside.QueryRow("SELECT count(*) FROM t").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("with %q others see %d rows, %v; want 1", command, rows, err)
		}
	}
}

// A value that does not fit is refused, also where the server by itself would change
// it. For a lenient statement the server changes it.
func TestMariaDBIsStrictUnlessSetNotToBe(t *testing.T) {
	server := mariadbtest.Start(t)
	databasetest.SetGlobals(t, server, map[string]string{"sql_mode": "''"})
	name := server.Database(t)
	beside := databasetest.ConnectMariaDB(t, server, name)
	source := database.Source{
		DSN:  "DBI:mysql:database=" + name + ";mysql_socket=" + server.Socket,
		User: server.User, Password: server.Password, MaxConnections: 1,
	}
	run := databasetest.Setup(t, beside)
	run("CREATE TABLE t (id INT PRIMARY KEY, password VARCHAR(4), n INT, d DATE, l VARCHAR(10) CHARACTER SET latin1) ENGINE=InnoDB",
		"CREATE TABLE m LIKE t", "ALTER TABLE m ENGINE=MyISAM", "INSERT INTO t (id) VALUES (1)", "INSERT INTO m (id) VALUES (1), (2)")
	db := databasetest.Open(t, source)
	for _, table := range []string{"t", "m"} {
		described, err := db.Describe(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct {
			column, value, changed string
		}{
			{"password", "987654", "9876"}, {"n", "abc", "0"}, {"n", "99999999999", "2147483647"}, {"d", "2026-02-31", "0000-00-00"}, {"l", "中", "?"},
		} {
			for range 2 {
				for _, lenient := range []bool{false, true} {
					s, err := sqlgen.Update(db.Dialect(), described, []sqlgen.Field{{Name: "id >", Value: "0"}}, []sqlgen.Field{{Name: f.column, Value: f.value}})
					if err != nil {
						t.Fatal(err)
					}
					s.Lenient = lenient
					_, err = db.Exec(t.Context(), s)
					var got sql.NullString
					if err := beside.QueryRow("SELECT CAST(`" + f.column + "` AS CHAR) FROM " + table + " WHERE id = 1").Scan(&got); err != nil {
						t.Fatal(err)
					}
					run("UPDATE " + table + " SET `" + f.column + "` = NULL")
					var fault *sqlgen.Fault
					switch {
					case lenient && server.MySQL && f.column == "l": // it makes no other character of one that the column lacks
						if databasetest.CauseOf(err) != sqlgen.BadValue || got.Valid {
							t.Errorf("%s=%s of %s became %q, %v; want bad-value", f.column, f.value, table, got.String, err)
						}
					case lenient && (err != nil || got.String != f.changed):
						t.Errorf("%s=%s of %s became %q, %v; the server makes it %q", f.column, f.value, table, got.String, err, f.changed)
					case !lenient && (!errors.As(err, &fault) || fault.Cause != sqlgen.BadValue || got.Valid):
						t.Errorf("%s=%s of %s became %q, %v; want bad-value", f.column, f.value, table, got.String, err)
					}
				}
			}
		}
	}
}

// A pooler in front of the server would keep a connection to it for each client
// that sets something.
func TestMariaDBSetsNothingThatIsSet(t *testing.T) {
	server := mariadbtest.Start(t)
	sets := func() string {
		var name, count string
		if err := server.Root.QueryRow("SHOW GLOBAL STATUS LIKE 'Com_set_option'").Scan(&name, &count); err != nil {
			t.Fatal(err)
		}
		return count
	}
	source, beside := databasetest.NewMariaDB(t)
	databasetest.Setup(t, beside)("CREATE TABLE t (id INT PRIMARY KEY)")
	db := databasetest.Open(t, source)
	before := sets()
	if _, err := db.Describe(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if after := sets(); after != before {
		t.Errorf("a connection to a server with the usual settings set something: %s statements, were %s", after, before)
	}
}

// A command of the source has the last word on the character set.
func TestMariaDBRunsTheCommandOfItsSource(t *testing.T) {
	source, _ := databasetest.NewMariaDB(t)
	for command, want := range map[string]string{
		"": "utf8mb4", "SET NAMES latin1": "latin1", "SET @x = 1": "utf8mb4",
	} {
		s := source
		if command != "" {
			s.DSN += ";mysql_init_command=" + command
		}
		got := ""
		err := databasetest.Open(t, s).Query(t.Context(), sqlgen.Statement{SQL: "SELECT @@character_set_client"}, func(columns [][]byte) error {
			got = string(columns[0])
			return nil
		})
		if err != nil || got != want {
			t.Errorf("%q: the character set is %q, %v; want %q", command, got, err, want)
		}
	}
}
