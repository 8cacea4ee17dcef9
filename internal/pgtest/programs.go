package pgtest

import (
	"os"
	"testing"
)

// Programs is the folder of the server's programs, for tests that run a server of
// their own. Where PostgreSQL is not installed it does as [Start].
func Programs(t testing.TB) string {
	t.Helper()
	dir := programs()
	switch {
	case dir == "" && os.Getenv("CI") != "":
		t.Fatal("there is no PostgreSQL server: install postgresql")
	case dir == "":
		t.Skip("there is no PostgreSQL server, so nothing is tested against one: install postgresql")
	}
	return dir
}
