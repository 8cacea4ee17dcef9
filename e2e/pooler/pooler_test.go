//go:build e2e

package pooler

import (
	"regexp"
	"testing"

	"dbsep/internal/pgtest"
	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestNewerPgbouncer(t *testing.T) {
	root := testenv.Root(t, "trixie", "pgbouncer")
	version := regexp.MustCompile(`PgBouncer ([0-9.]+)`).FindStringSubmatch(testenv.Output(t, nil, "chroot", root, "pgbouncer", "--version"))
	if version == nil {
		t.Fatal("pgbouncer does not tell its version")
	}
	tests := "PreparedBehindAPooler|KeepsStatementsBehindAPooler|FollowsATable"
	if testenv.Full() {
		tests = "BehindAPooler|FollowsATable"
	}
	testenv.Feature(t, "pgbouncer/"+version[1], "prepared statements", func(t *testing.T) {
		out := testenv.Output(t, []string{pgtest.PgbouncerRoot + "=" + root}, "go", "test", "-count=1", "-v", "-run="+tests, "dbsep/internal/database/postgres")
		if !regexp.MustCompile(`(?m)^ *--- PASS: .*prepares_itself`).MatchString(out) {
			t.Errorf("no pooler prepared anything:\n%s", out)
		}
	})
}
