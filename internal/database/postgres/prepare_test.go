package postgres_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
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

// behind is a source whose connections go through a pooler with settings.
func behind(t *testing.T, source database.Source, settings ...string) database.Source {
	server := pgtest.Start(t)
	source.DSN = fmt.Sprintf("DBI:Pg:dbname=%s;host=%s;port=%d", databasetest.DatabaseOf(source), server.Host, server.Pooler(t, settings...))
	return source
}

// poolers are the ways in which a pooler gives its connections to clients.
func poolers() map[string][]string {
	all := map[string][]string{
		"session":     {"pool_mode = session", "default_pool_size = 20"},
		"transaction": {"pool_mode = transaction"},
		"statement":   {"pool_mode = statement"},
	}
	if os.Getenv(pgtest.PgbouncerRoot) != "" { // since pgbouncer 1.21
		all["transaction, prepares nothing"] = []string{"pool_mode = transaction", "max_prepared_statements = 0"}
		all["transaction, prepares itself"] = []string{"pool_mode = transaction", "max_prepared_statements = 200"}
	}
	return all
}

// Where a pooler loses a prepared statement it is run without, and no other one is ever run
// in its place.
func TestPostgresPreparedBehindAPoolerIsNeverLost(t *testing.T) {
	for name, settings := range poolers() {
		t.Run(name, func(t *testing.T) {
			source, beside := databasetest.NewPostgres(t)
			databasetest.Setup(t, beside)("CREATE TABLE counted (client INT, i INT)", "CREATE TABLE pairs (client INT, i INT)")
			source = behind(t, source, settings...)
			source.ServerPrepare, source.MaxConnections = true, 2
			var all sync.WaitGroup
			for client := range 8 {
				// Each has connections of its own, and sends statements that the others do not.
				db := databasetest.Open(t, source)
				all.Go(func() {
					for i := range 40 {
						// In a transaction a statement that is lost takes what was before it along.
						both := []sqlgen.Statement{
							{SQL: "INSERT INTO pairs (client, i) VALUES ($1, 1)", Args: []any{fmt.Sprint(client)}},
							{SQL: "INSERT INTO pairs (client, i) VALUES ($1, 2)", Args: []any{fmt.Sprint(client)}},
						}
						if name != "statement" { // which has no transactions
							if n, err := db.ExecAll(t.Context(), both); n != len(both) || err != nil {
								t.Errorf("%d statements, %v", n, errors.Join(err, errors.Unwrap(err)))
							}
						}
						want := fmt.Sprintf("%d.%d", client, i)
						got, err := readOnly(t, db, fmt.Sprintf("SELECT '%d.' || CAST($1 AS text)", client), fmt.Sprint(i))
						if err != nil || got != want {
							t.Errorf("%q, %v, want %q", got, errors.Join(err, errors.Unwrap(err)), want)
						}
						if _, err := readOnly(t, db, "SELECT 6 / CAST($1 AS int)", fmt.Sprint(i+1)); err != nil {
							t.Error(errors.Join(err, errors.Unwrap(err)))
						}
						insert := fmt.Sprintf("INSERT INTO counted (client, i) VALUES (%d, $1)", client)
						if n, err := db.Exec(t.Context(), sqlgen.Statement{SQL: insert, Args: []any{fmt.Sprint(i)}}); n != 1 || err != nil {
							t.Errorf("%d rows, %v", n, errors.Join(err, errors.Unwrap(err)))
						}
					}
				})
			}
			all.Wait()
			var rows, different int
			if err := beside.QueryRow("SELECT count(*), count(DISTINCT (client, i)) FROM counted").Scan(&rows, &different); err != nil || rows != 320 || different != 320 {
				t.Errorf("%d rows, %d different, %v", rows, different, err)
			}
			if err := beside.QueryRow("SELECT count(*) FROM pairs").Scan(&rows); err != nil || rows != 640 && name != "statement" {
				t.Errorf("%d rows of pairs, %v", rows, err)
			}
		})
	}
}

// Statements stay prepared behind poolers that lose none.
func TestPostgresKeepsStatementsBehindAPooler(t *testing.T) {
	for _, name := range []string{"session", "transaction, prepares itself"} {
		settings, known := poolers()[name]
		if !known {
			continue
		}
		t.Run(name, func(t *testing.T) {
			source, _ := databasetest.NewPostgres(t)
			source = behind(t, source, settings...)
			source.ServerPrepare, source.MaxConnections = true, 1
			db := databasetest.Open(t, source)
			for i := range 5 {
				if _, err := readOnly(t, db, "SELECT 6 / CAST($1 AS int)", fmt.Sprint(i+1)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := readOnly(t, db, "SELECT count(*) FROM pg_prepared_statements"); got != "2" || err != nil {
				t.Errorf("%s statements are on the server, %v", got, err)
			}
		})
	}
}

// What a trigger loses is no reason to run a statement again.
func TestPostgresTriggerThatLosesAStatement(t *testing.T) {
	source, beside := databasetest.NewPostgres(t)
	source.ServerPrepare, source.MaxConnections = true, 1
	databasetest.Setup(t, beside)(
		"CREATE TABLE v (id INT)",
		"CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'EXECUTE nobody'; RETURN NEW; END $$",
		"CREATE TRIGGER loses BEFORE INSERT ON v FOR EACH ROW EXECUTE FUNCTION lose()")
	db := databasetest.Open(t, source)
	_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v (id) VALUES ($1)", Args: []any{"1"}})
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || fault.Cause != sqlgen.Rejected {
		t.Errorf("%v", err)
	}
	for i := range 3 {
		if _, err := readOnly(t, db, "SELECT 6 / CAST($1 AS int)", fmt.Sprint(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := readOnly(t, db, "SELECT count(*) FROM pg_prepared_statements"); got != "2" || err != nil {
		t.Errorf("%s statements are on the server, %v", got, err)
	}
}

// A statement that its table's change makes another one is seen as it is now.
func TestPostgresFollowsATableThatChangesItsTypes(t *testing.T) {
	through := map[string]func(*testing.T, database.Source) database.Source{
		"prepared": func(_ *testing.T, s database.Source) database.Source { s.ServerPrepare = true; return s },
		"not":      func(_ *testing.T, s database.Source) database.Source { return s },
	}
	for name, settings := range poolers() {
		through["behind a pooler: "+name] = func(t *testing.T, s database.Source) database.Source {
			s.ServerPrepare = true
			return behind(t, s, settings...)
		}
	}
	for name, through := range through {
		t.Run(name, func(t *testing.T) {
			source, beside := databasetest.NewPostgres(t)
			run := databasetest.Setup(t, beside)
			run("CREATE TABLE v (id INT, c INT)", "INSERT INTO v VALUES (1, 1)")
			source = through(t, source)
			source.MaxConnections = 4
			db := databasetest.Open(t, source)
			for range 2 {
				for _, c := range []struct{ typ, want string }{
					{"text", "1"}, {"boolean", "1"}, {"numeric(5,2)", "1.00"}, {"bigint", "1"}, {"bytea", "\x31"}, {"varchar(9)", "1"},
				} {
					using := map[string]string{"boolean": "true", "bytea": `'\x31'::bytea`}[c.typ]
					run("ALTER TABLE v ALTER COLUMN c TYPE " + c.typ + " USING " + cmp.Or(using, "1"))
					var all sync.WaitGroup
					for range 4 {
						all.Go(func() {
							for range 4 {
								if got := databasetest.ReadColumn(t, db); got != c.want {
									t.Errorf("%s: %q", c.typ, got)
								}
							}
						})
					}
					all.Wait()
				}
			}
		})
	}
}
