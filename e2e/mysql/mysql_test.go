//go:build e2e

package mysql

import (
	"regexp"
	"testing"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestMySQL(t *testing.T) {
	root := testenv.UnstableRoot(t, "mysql-server-core")
	version := regexp.MustCompile(`Ver ([0-9.]+)`).FindStringSubmatch(testenv.Output(t, nil, "chroot", root, "mysqld", "--version"))
	if version == nil {
		t.Fatal("mysqld does not tell its version")
	}
	// Tests that start servers of their own take minutes, and so does all that Asterisk does.
	own, asterisk := "-short=true", "^TestAsterisk$/^MariaDB$/^(PJSIP|queue)"
	if testenv.Full() {
		own, asterisk = "-short=false", "^Test(Asterisk|StaleResponses)$/^MariaDB$"
	}
	for _, c := range []struct{ feature, tests, only string }{
		{"every test of MariaDB passes", "dbsep/internal/database/mysql", "MariaDB"},
		{"explained requests", "dbsep/internal/explain", "^TestExplain$/^mariadb$"},
		{"the recorded requests", "dbsep/internal/replay", "^Test(Golden|Wire)$/^(ask|same_both_ways|keep|danger|decided|mariadb)$/^mariadb"},
		{"the tables of dbsep schema", "dbsep/internal/schema", "/^mysql$"},
		{"a real Asterisk", "dbsep/e2e/asterisk", asterisk},
		{"what dbsep check finds", "dbsep/cmd/dbsep", "^TestColumnsThatCannotBeWritten$/.*/^MariaDB$|^TestValuesThatAsteriskReadsOtherwise$/^MariaDB$"},
	} {
		testenv.Feature(t, "mysql/"+version[1], c.feature, func(t *testing.T) {
			out := testenv.Output(t, []string{mariadbtest.MySQLRoot + "=" + root}, "go", "test", "-tags=e2e", "-count=1", "-timeout=1h", own, "-v", "-run="+c.only, c.tests)
			if !regexp.MustCompile(`(?m)^--- PASS`).MatchString(out) {
				t.Errorf("no test ran:\n%s", out)
			}
		})
	}
}
