//go:build !odbc

package database

import "testing"

// A driver that no kind stands for is refused with what mends it.
func TestODBCWithoutDrivers(t *testing.T) {
	environ := environment("HOME", "/nosuch", "ODBCSYSINI", "/nosuch")
	for _, text := range []string{"DBI:ODBC:Driver=Firebird;Dbname=x", "DBI:ODBC:Driver=FreeTDS;Server=h;Database=db", "DBI:ODBC:Driver=/opt/sqlite/mysql/libfirebird.so;Dbname=x"} {
		_, err := Open(Source{DSN: text, Environ: environ})
		wantProblems(t, text, err, "leads to the ODBC driver")
	}
}
