package pgtest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"dbsep/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestAccountLogsInOverSocketAndNetworkWithItsPasswordOnly(t *testing.T) {
	s := pgtest.Start(t)
	name := s.Database(t)
	if _, err := s.Open(t, name).Exec("CREATE TABLE t (a integer); INSERT INTO t VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	socket := fmt.Sprintf("host=%s port=%d", s.SocketDir, s.Port)
	plain := fmt.Sprintf("host=%s port=%d sslmode=disable", s.Host, s.Port)
	verified := "sslmode=verify-full sslrootcert=" + s.CA
	for _, login := range []struct {
		text, password string
		want           bool
	}{
		{socket, s.Password, true},
		{plain, s.Password, true},
		{fmt.Sprintf("host=localhost port=%d %s", s.Port, verified), s.Password, true},
		{fmt.Sprintf("host=127.0.0.1 port=%d %s", s.Port, verified), s.Password, false},
		{socket, "wrong", false},
		{plain + " passfile=/nosuch", "", false},
	} {
		c, err := pgx.ParseConfig(login.text)
		if err != nil {
			t.Fatal(err)
		}
		c.User, c.Password = s.User, login.password
		c.LookupFunc = func(context.Context, string) ([]string, error) { return []string{s.Host}, nil } // of localhost, on every machine
		c.Database = name
		db := stdlib.OpenDB(*c)
		defer db.Close()
		var a int
		if err := db.QueryRow("SELECT a FROM t").Scan(&a); (err == nil && a == 7) != login.want {
			t.Errorf("%s: %d, %v", login.text, a, err)
		}
	}
}
