package replay

import (
	"flag"
	"os"
	"testing"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
)

var update = flag.Bool("update", false, "rewrite testdata/decided.txt; then read every line that changed")

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	defer mariadbtest.Stop()
	defer pgtest.Stop()
	dir, err := os.MkdirTemp("", "dbsep-replay-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	programFolder = dir
	return m.Run()
}
