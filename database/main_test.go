package database_test

import (
	"testing"

	"dbsep/internal/mariadbtest"
)

func TestMain(m *testing.M) { mariadbtest.Main(m) }
