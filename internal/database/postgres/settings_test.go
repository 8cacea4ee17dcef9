package postgres_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"dbsep/internal/database/databasetest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

// foundSettings are settings of accounts that administrators have made.
var foundSettings = map[string][]string{
	"backslashes in literals that escape": {"standard_conforming_strings = off", "escape_string_warning = on", "backslash_quote = off"},
	"a time limit for statements":         {"statement_timeout = '900ms'", "idle_session_timeout = '1h'"},
	"serializable transactions":           {"default_transaction_isolation = serializable"},
	"formats of elsewhere": {"TimeZone = 'Asia/Kolkata'", "IntervalStyle = 'sql_standard'", "bytea_output = 'escape'", "extra_float_digits = 0",
		"client_encoding = 'LATIN1'"},
}

func TestPostgresAsServersAreFound(t *testing.T) {
	server := pgtest.Start(t)
	for name, settings := range foundSettings {
		t.Run(name, func(t *testing.T) {
			databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
				source, beside := databasetest.NewPostgres(t)
				keepConnections(t, beside)
				fixture := databasetest.PostgresFixture(t, databasetest.Open(t, source), beside)
				for _, s := range settings {
					server.Exec(t, fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET %s", source.User, databasetest.DatabaseOf(source), s))
				}
				return fixture
			})
		})
	}
}

// keepConnections makes the connections that a test has beside dbsep's, before the account
// gets settings that are not for them.
func keepConnections(t *testing.T, beside *sql.DB) {
	t.Helper()
	const all = 3
	beside.SetMaxOpenConns(all)
	beside.SetMaxIdleConns(all)
	for range all {
		conn, err := beside.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
}

// A time limit of the account does not cut a response that takes longer than it.
func TestPostgresLongResponseIsNotCut(t *testing.T) {
	server := pgtest.Start(t)
	source, _ := databasetest.NewPostgres(t)
	server.Exec(t, fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET statement_timeout = '900ms'", source.User, databasetest.DatabaseOf(source)))
	for _, c := range []struct {
		options string
		cut     bool
	}{
		{"", false}, {";options='-c statement_timeout=900'", true},
	} {
		s := source
		s.DSN += c.options
		_, err := databasetest.QueryText(t.Context(), databasetest.Open(t, s), "SELECT 1 FROM pg_sleep(1)")
		if (err != nil) != c.cut {
			t.Errorf("with %q: %v", c.options, err)
		}
	}
}

// An account whose transactions only read reads. The DSN may let it write.
func TestPostgresAccountThatOnlyReadsByDefault(t *testing.T) {
	server := pgtest.Start(t)
	source, beside := databasetest.NewPostgres(t)
	databasetest.Setup(t, beside)("CREATE TABLE t (id INT)", "INSERT INTO t VALUES (7)")
	server.Exec(t, fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET default_transaction_read_only = on", source.User, databasetest.DatabaseOf(source)))
	for options, writes := range map[string]bool{"": false, ";options='-c default_transaction_read_only=off'": true} {
		s := source
		s.DSN += options
		db := databasetest.Open(t, s)
		if got, err := databasetest.QueryText(t.Context(), db, "SELECT id FROM t WHERE id = 7"); got != "7" || err != nil {
			t.Errorf("with %q: %q, %v", options, got, err)
		}
		_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO t VALUES (1)"})
		var fault *sqlgen.Fault
		if writes && err != nil || !writes && (!errors.As(err, &fault) || fault.Cause != sqlgen.ReadOnly) {
			t.Errorf("with %q: %v", options, err)
		}
	}
}
