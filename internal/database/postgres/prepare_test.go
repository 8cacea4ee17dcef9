package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

func TestPostgresWithPreparedStatements(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
		source, beside := databasetest.NewPostgres(t)
		source.ServerPrepare = true
		return databasetest.PostgresFixture(t, databasetest.Open(t, source), beside)
	})
}

// readOnly reads the one value of a statement's one row.
func readOnly(t *testing.T, db *database.DB, text string, args ...any) (value string, err error) {
	t.Helper()
	err = db.Query(t.Context(), sqlgen.Statement{SQL: text, Args: args}, func(columns [][]byte) error {
		value = string(columns[0])
		return nil
	})
	return value, err
}

func TestPostgresKeepsStatementsOnlyWhereItMay(t *testing.T) {
	for prepares, want := range map[bool]string{false: "0", true: "2"} {
		source, _ := databasetest.NewPostgres(t)
		source.MaxConnections, source.ServerPrepare = 1, prepares
		db := databasetest.Open(t, source)
		for i := range 3 {
			if _, err := readOnly(t, db, "SELECT 6 / CAST($1 AS int)", fmt.Sprint(i+1)); err != nil {
				t.Fatal(err)
			}
			if _, err := readOnly(t, db, "SELECT 7 / CAST($1 AS int)", "0"); err == nil {
				t.Fatal("divided by zero")
			}
		}
		// The first, and this one; the one that failed is dropped.
		got, err := readOnly(t, db, "SELECT count(*) FROM pg_prepared_statements")
		if got != want || err != nil {
			t.Errorf("%v: %s statements are on the server, %v, want %s", prepares, got, err, want)
		}
	}
}

// The more connections there may be, the less each of them keeps.
func TestPostgresKeepsFewStatementsOnManyConnections(t *testing.T) {
	source, _ := databasetest.NewPostgres(t)
	source.MaxConnections, source.ServerPrepare = 1000, true
	db := databasetest.Open(t, source)
	for i := range 10 {
		if _, err := readOnly(t, db, fmt.Sprintf("SELECT %d / CAST($1 AS int)", i), "1"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := readOnly(t, db, "SELECT count(*) FROM pg_prepared_statements"); got != "2" || err != nil {
		t.Errorf("%s statements are on the server, %v", got, err)
	}
}

// A pooler makes prepared statements fail, and no other one be run in their place.
func TestPostgresPreparedBehindAPoolerIsNeverAnother(t *testing.T) {
	source, _ := databasetest.NewPostgres(t)
	source.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", databasetest.DatabaseOf(source), pgtest.Start(t).Host, pgtest.Start(t).Pooler(t))
	var all sync.WaitGroup
	for client := range 8 {
		// Each has connections of its own, and sends queries that the others do not.
		own := source
		own.ServerPrepare, own.MaxConnections = true, 1
		db := databasetest.Open(t, own)
		all.Go(func() {
			for i := range 20 {
				want := fmt.Sprintf("%d.%d", client, i)
				got, err := readOnly(t, db, fmt.Sprintf("SELECT '%d.' || CAST($1 AS text)", client), fmt.Sprint(i))
				var fault *sqlgen.Fault
				switch {
				case err == nil && got != want:
					t.Errorf("%q, want %q", got, want)
				case err != nil && (!errors.As(err, &fault) || !strings.Contains(fault.Hint, "server_prepare")):
					t.Errorf("%v, %v", err, errors.Unwrap(err))
				}
			}
		})
	}
	all.Wait()
}

// A statement that its table's change makes another one is seen as it is now.
func TestPostgresFollowsATableThatChangesItsTypes(t *testing.T) {
	for _, prepares := range []bool{false, true} {
		source, beside := databasetest.NewPostgres(t)
		source.MaxConnections, source.ServerPrepare = 1, prepares
		run := databasetest.Setup(t, beside)
		run("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 5)")
		db := databasetest.Open(t, source)
		for typ, want := range map[string]string{"text": "5", "numeric(5,2)": "5.00", "bigint": "5", "varchar(9)": "5"} {
			run("ALTER TABLE v ALTER COLUMN c TYPE " + typ + " USING 5")
			if got := databasetest.ReadColumn(t, db); got != want {
				t.Errorf("%v: %s: %q", prepares, typ, got)
			}
		}
	}
}
