package database_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/database"
	"dbsep/database/databasetest"
	"dbsep/internal/mariadbtest"
)

// newMariaDB makes an empty database on the real server, and returns dbsep's way
// to it and a connection beside it.
func newMariaDB(t testing.TB) (source database.Source, beside *sql.DB) {
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

func TestMariaDB(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) databasetest.Fixture {
		source, beside := newMariaDB(t)
		return databasetest.Fixture{
			DB:     open(t, source),
			Widths: true,
			Setup:  setup(t, beside),
			Lock: func(table string) func() {
				tx, err := beside.Begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.ExecContext(context.Background(), "SELECT * FROM "+table+" FOR UPDATE"); err != nil {
					t.Fatal(err)
				}
				return func() { tx.Rollback() }
			},
		}
	})
}
