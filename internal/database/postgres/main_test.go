package postgres_test

import (
	"testing"

	_ "dbsep/internal/database/postgres"
	"dbsep/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
