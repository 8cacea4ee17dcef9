package testenv

import (
	"fmt"
	"testing"

	"dbsep/internal/mariadbtest"
)

// ODBCDriver is what extconfig.conf says of Asterisk's own driver for MariaDB.
const ODBCDriver = "odbc,site"

const odbcFile = "odbc.ini"

// WriteODBC writes the files by which Asterisk's own driver reaches a site on MariaDB,
// with an account for it: dbsep's password has what these files cannot hold.
func (a *Asterisk) WriteODBC(t testing.TB, s *Site) {
	t.Helper()
	server := mariadbtest.Start(t)
	var database string
	check(t, s.DB.QueryRowContext(t.Context(), "SELECT database()").Scan(&database))
	server.Exec(t, "CREATE USER IF NOT EXISTS native@127.0.0.1 IDENTIFIED BY 'native'", "GRANT ALL ON "+database+".* TO native@127.0.0.1")
	t.Cleanup(func() { server.Exec(t, "DROP USER IF EXISTS native@127.0.0.1") })
	a.Write(t, odbcFile, fmt.Sprintf("[site]\nDriver = MariaDB Unicode\nSERVER = %s\nPORT = %d\nDATABASE = %s\nCHARSET = utf8mb4\nOPTIONS = 2\n",
		server.Host, server.Port, database))
	a.Write(t, "res_odbc.conf", "[site]\nenabled = yes\ndsn = site\nusername = native\npassword = native\npre-connect = yes\nmax_connections = 20\n")
}
