package odbc_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

// odbcIni makes a folder with an odbc.ini of one data source, "site", and
// returns the environment that leads to it.
func odbcIni(t testing.TB, lines ...string) func(string) string {
	t.Helper()
	dir := t.TempDir()
	text := "[site]\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "odbc.ini"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(name string) string {
		return map[string]string{"ODBCSYSINI": dir, "HOME": dir}[name]
	}
}

// one reads the one text of a query.
func one(t testing.TB, db *database.DB, query string) (text string) {
	t.Helper()
	err := db.Query(t.Context(), sqlgen.Statement{SQL: query}, func(columns [][]byte) error {
		text = string(columns[0])
		return nil
	})
	if err != nil {
		t.Fatal(query, err, errors.Unwrap(err))
	}
	return text
}

// What odbc.ini says leads to the same database as its driver does, without the
// driver.
func TestODBCLeadsToMariaDB(t *testing.T) {
	server := mariadbtest.Start(t)
	name := server.Database(t)
	environ := odbcIni(t, "Driver=/nosuch/libmaodbc.so", "SOCKET="+server.Socket, "DATABASE=mysql",
		"USER="+server.User, "PASSWORD="+server.Password, "INITSTMT=SET @said = 'once; twice'")
	db := databasetest.Open(t, database.Source{DSN: "DBI:ODBC:DSN=site;DATABASE=" + name, Environ: environ})
	if got := one(t, db, "SELECT CONCAT(DATABASE(), ' ', @said)"); got != name+" once; twice" {
		t.Error(got)
	}
	if db.Kind() != "MariaDB/MySQL" || db.Through() != "the ODBC driver libmaodbc.so" || db.Account() != server.User {
		t.Errorf("%s through %s as %s", db.Kind(), db.Through(), db.Account())
	}
	network := fmt.Sprintf("DBI:ODBC:Driver=libmaodbc.so;SERVER=localhost;PORT=%d;DATABASE=%s;UID=%s;PWD={%s}", server.Port, name, server.User, server.Password)
	if got := one(t, databasetest.Open(t, database.Source{DSN: network}), "SELECT DATABASE()"); got != name {
		t.Error(got)
	}
}

func TestODBCLeadsToPostgres(t *testing.T) {
	server := pgtest.Start(t)
	name := server.Database(t)
	environ := odbcIni(t, "Driver=psqlodbcw.so", "Servername="+server.SocketDir, fmt.Sprint("Port=", server.Port), "Database="+name,
		"ConnSettings=SET search_path TO voice; SET statement_timeout TO '7s'", "ReadOnly=1")
	db := databasetest.Open(t, database.Source{DSN: "DBI:ODBC:site", User: server.User, Password: server.Password, Environ: environ})
	if got := one(t, db, "SELECT concat_ws(' ', current_database(), current_setting('search_path'), current_setting('statement_timeout'))"); got != name+" voice 7s" {
		t.Error(got)
	}
	_, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "CREATE TABLE t (a integer)"})
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || fault.Cause != sqlgen.ReadOnly {
		t.Errorf("a write: %v", err)
	}
}

func TestODBCLeadsToSQLite(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, beside)("CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (a INTEGER REFERENCES a (id))")
	insert := sqlgen.Statement{SQL: "INSERT INTO b VALUES (?)", Args: []any{"7"}}
	loose := databasetest.Open(t, database.Source{DSN: "DBI:ODBC:Driver=libsqlite3odbc.so;Database=" + path})
	if _, err := loose.Exec(t.Context(), insert); err != nil {
		t.Error(err)
	}
	strict := databasetest.Open(t, database.Source{DSN: "DBI:ODBC:Driver=libsqlite3odbc.so;FKSupport=1;Database=" + path})
	_, err := strict.Exec(t.Context(), insert)
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) || fault.Cause != sqlgen.Constraint {
		t.Errorf("a row without the other: %v", err)
	}
}

// What pqopt holds is for PostgreSQL's package to understand. It may be a
// password, so it is not repeated.
func TestODBCOptionsThatPostgresDoesNotHave(t *testing.T) {
	_, err := database.Open(database.Source{DSN: "DBI:ODBC:Driver=psqlodbcw.so;Database=db;pqopt={s3cret=}"})
	if err == nil || !strings.Contains(err.Error(), "sets pqopt to something") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}
