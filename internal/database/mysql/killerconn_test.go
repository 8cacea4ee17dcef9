package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/mariadbtest"
)

// Beside the sessions there is one connection, and none without them.
func TestMariaDBKeepsAConnectionAsLongAsThereAreSessions(t *testing.T) {
	server := mariadbtest.Start(t)
	source, _ := databasetest.NewMariaDB(t)
	source.User, source.Password = "counted", ""
	server.Exec(t, "CREATE USER counted@localhost", "GRANT ALL ON "+databasetest.DatabaseOf(source)+".* TO counted@localhost")
	t.Cleanup(func() { server.Exec(t, "DROP USER counted@localhost") })
	connector := open(database.NewOpenContext(source, new(database.Diagnostics))).Writes.Connector.Connector
	want := func(want int) {
		t.Helper()
		for n := -1; n != want && t.Context().Err() == nil; {
			if err := server.Root.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'counted'").Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		var sessions []*session
		for range 3 {
			conn, err := connector.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := conn.(*session)
			if _, err := s.PrepareContext(t.Context(), "SELECT 1"); err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		want(4)
		for _, s := range sessions[1:] {
			s.Close()
		}
		want(2)
		sessions[0].Interrupt()
		sessions[0].Close()
		if err := sessions[0].End(t.Context()); err != nil {
			t.Error(err)
		}
		want(0)
	}
}

// A statement of a server that has been started since is not there any more; who has its
// id now is somebody else.
func TestStatementThatEndedWithItsServer(t *testing.T) {
	s := &session{born: time.Now().Add(-time.Minute)}
	if err := (&killerConn{started: time.Now()}).kill(context.Background(), s, false); !errors.Is(err, errEnded) {
		t.Error(err)
	}
}

// An accommodating server takes everything, and lists one session.
type accommodating struct {
	driverConn
	executed []string
}

func (a *accommodating) ExecContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Result, error) {
	a.executed = append(a.executed, text)
	return driver.RowsAffected(0), nil
}

func (a *accommodating) QueryContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Rows, error) {
	count := "0"
	if strings.HasSuffix(text, " = 7") {
		count = "1"
	}
	return &fakeRows{[][2]string{{count}}}, nil
}

func TestSessionThatAServerDoesNotListHasEnded(t *testing.T) {
	server := &accommodating{}
	c := &killerConn{driverConn: server}
	for _, test := range []struct {
		id    uint64
		again bool
		want  error
		text  string
	}{
		{7, false, nil, "KILL QUERY 7"},
		{8, false, nil, "KILL QUERY 8"},
		{7, true, nil, "KILL CONNECTION 7"},
		{8, true, errEnded, "KILL CONNECTION 8"},
	} {
		server.executed = nil
		err := c.kill(t.Context(), &session{settings: settings{id: test.id}, born: time.Now()}, test.again)
		if got := slices.Compact(server.executed); !errors.Is(err, test.want) || !slices.Equal(got, []string{test.text}) {
			t.Errorf("%+v: %v, %q", test, err, got)
		}
	}
}
