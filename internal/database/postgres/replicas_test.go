package postgres_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/pgtest"
	"dbsep/sqlgen"
)

func TestPostgresReadsFromAnotherServer(t *testing.T) {
	first, second := pgtest.Start(t), pgtest.New(t)
	source := database.Source{
		DSN:  fmt.Sprintf("DBI:Pg:dbname=postgres;host=%s;port=%d;target_session_attrs=read-write", first.Host, first.Port),
		User: first.User, Password: first.Password,
		ReadReplicas: second.Address(),
	}
	db := databasetest.Open(t, source)
	if want := first.Address() + "/postgres, reads from " + second.Address(); db.Address() != want {
		t.Errorf("the address is %s, want %s", db.Address(), want)
	}
	const where = "SELECT inet_server_port()"
	if got, err := databasetest.QueryText(t.Context(), db, where); got != strconv.Itoa(second.Port) || err != nil {
		t.Errorf("%s, %v, %v", got, err, errors.Unwrap(err))
	}
	// A write is not for the other: there is nothing of the kind there.
	t.Cleanup(func() { first.Exec(t, "DROP TABLE IF EXISTS only_here") })
	first.Exec(t, "CREATE TABLE only_here (id INT)", "GRANT ALL ON only_here TO "+first.User)
	if n, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO only_here VALUES (1)"}); n != 1 || err != nil {
		t.Errorf("%d, %v, %v", n, err, errors.Unwrap(err))
	}
	second.Halt(t)
	if got, err := databasetest.QueryText(t.Context(), db, where); got != strconv.Itoa(first.Port) || err != nil {
		t.Errorf("the other is away: %s, %v, %v", got, err, errors.Unwrap(err))
	}
}
