package mariadbtest_test

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"

	"dbsep/internal/mariadbtest"
)

func TestMain(m *testing.M) { mariadbtest.Main(m) }

func TestTablesOutliveARestart(t *testing.T) {
	s := mariadbtest.Start(t)
	name := s.Database(t)
	s.ExecIn(t, name, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (7)")
	s.Halt(t)
	s.Again(t)
	s.ExecIn(t, name, "UPDATE t SET a = 8 WHERE a = 7")
}

func TestAccountLogsInOverSocketAndNetwork(t *testing.T) {
	s := mariadbtest.Start(t)
	name := s.Database(t)
	s.ExecIn(t, name, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (7)")
	tcp := mysql.NewConfig()
	tcp.Net, tcp.Addr = "tcp", s.Address()
	socket := mysql.NewConfig()
	socket.Net, socket.Addr = "unix", s.Socket
	for _, c := range []*mysql.Config{tcp, socket} {
		c.User, c.Passwd, c.DBName = s.User, s.Password, name
		connector, err := mysql.NewConnector(c)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		defer db.Close()
		var a int
		if err := db.QueryRow("SELECT a FROM t").Scan(&a); err != nil || a != 7 {
			t.Errorf("%s: %d, %v", c.Net, a, err)
		}
	}
}
