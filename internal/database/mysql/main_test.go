package mysql_test

import (
	"testing"

	_ "dbsep/internal/database/mysql"
	"dbsep/internal/mariadbtest"
)

func TestMain(m *testing.M) { mariadbtest.Main(m) }
