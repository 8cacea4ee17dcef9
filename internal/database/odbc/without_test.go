//go:build !odbc

package odbc

import (
	"slices"
	"strings"
	"testing"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
)

func TestODBCIsNotAmongTheDatabasesOfThisBuild(t *testing.T) {
	if got, want := database.Names(), []string{"MariaDB/MySQL", "PostgreSQL", "SQLite"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A driver whose database has no package is refused with a hint.
func TestODBCWithoutDrivers(t *testing.T) {
	environ := databasetest.Environ("HOME", "/nosuch", "ODBCSYSINI", "/nosuch")
	for _, text := range []string{"DBI:ODBC:Driver=Firebird;Dbname=x", "DBI:ODBC:Driver=FreeTDS;Server=h;Database=db", "DBI:ODBC:Driver=/opt/sqlite/mysql/libfirebird.so;Dbname=x"} {
		_, err := database.Open(database.Source{DSN: text, Environ: environ})
		databasetest.WantProblems(t, text, err, "leads to the ODBC driver")
		if want := "install the Debian package of dbsep, or build with -tags odbc"; !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
