package testenv

import (
	"fmt"
	"testing"

	"dbsep/internal/pgtest"
)

// Postgres makes a site of a database of its own on the test server and fills it.
func Postgres(t testing.TB, script string) *Site {
	t.Helper()
	server := pgtest.Start(t)
	name := server.Database(t)
	db := server.Open(t, name)
	_, err := db.ExecContext(t.Context(), Script(t, script))
	check(t, err)
	return newSite(t, "PostgreSQL", openFolder(t), db,
		fmt.Sprintf("dsn=DBI:Pg:dbname=%s;host=%s;port=%d", name, server.Host, server.Port),
		"dbuser="+server.User, "dbpass="+server.Password)
}
