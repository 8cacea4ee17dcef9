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
	version := regexp.MustCompile(`Ver ([0-9.]+)`).FindStringSubmatch(output(t, nil, "chroot", root, "mysqld", "--version"))
	if version == nil {
		t.Fatal("mysqld does not tell its version")
	}
	// Tests that start servers of their own take minutes.
	own := "-short=true"
	if testenv.Full() {
		own = "-short=false"
	}
	for _, c := range []struct{ feature, tests, only string }{
		{"every test of MariaDB passes", "dbsep/internal/database/mysql", "MariaDB"},
		{"the recorded requests", "dbsep/internal/replay", "^Test(Golden|Wire)$/^(ask|same_both_ways|keep|danger|decided|mariadb)$/^mariadb"},
		{"the tables of dbsep schema", "dbsep/internal/schema", "/^mysql$"},
	} {
		testenv.Feature(t, "mysql/"+version[1], c.feature, func(t *testing.T) {
			out := output(t, []string{mariadbtest.MySQLRoot + "=" + root}, "go", "test", "-count=1", own, "-v", "-run="+c.only, c.tests)
			if !regexp.MustCompile(`(?m)^--- PASS`).MatchString(out) {
				t.Errorf("no test ran:\n%s", out)
			}
		})
	}
}

// output runs a program to its end and returns what it writes.
func output(t *testing.T, environ []string, program string, arguments ...string) string {
	t.Helper()
	p := testenv.Start(t, environ, program, arguments...)
	<-p.Exited()
	if err := p.Err(); err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return p.Log.String()
}
