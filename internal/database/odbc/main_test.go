package odbc_test

import (
	"os"
	"testing"

	_ "dbsep/internal/database/all"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	mariadbtest.Stop()
	pgtest.Stop()
	os.Exit(code)
}
