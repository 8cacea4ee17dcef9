//go:build e2e

package webserver

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dbsep/internal/testenv"
)

const scripts = "../../internal/replay/testdata/asterisk-"

// A site is a PBX's database that can be away for a while. Its
// dbsep.conf holds what the Perl script's users have in theirs, and nothing more.
type site struct {
	*testenv.Site
	outage *testenv.Outage

	// A store into rt_bulk waits from hold to release. The error of held says
	// that none of the processes has one waiting yet.
	hold, release string
	held          func(pids []int) error
}

// sites makes a site of each kind.
var sites = map[string]func(t *testing.T) *site{"SQLite": sqlite, "MariaDB": mariadb}

func sqlite(t *testing.T) *site {
	s := &site{Site: testenv.SQLite(t, scripts+"sqlite.sql"), hold: "BEGIN IMMEDIATE", release: "ROLLBACK"}
	s.held = s.fileOpen
	s.prepare(t, "no")
	return s
}

func mariadb(t *testing.T) *site {
	s := &site{Site: testenv.MariaDB(t, scripts+"mysql.sql"), hold: "LOCK TABLES rt_bulk WRITE", release: "UNLOCK TABLES"}
	s.held = s.waiting
	s.prepare(t, "yes")
	return s
}

// prepare adds the last of the old keys, and a table for long values.
func (s *site) prepare(t *testing.T, backslash string) {
	t.Helper()
	s.Configure(t, "backslash_is_escape="+backslash)
	s.outage = testenv.NewOutage(t, s.Site)
	s.exec(t, "CREATE TABLE long_text (id VARCHAR(40) PRIMARY KEY, val LONGTEXT)")
}

// exec runs statements past dbsep.
func (s *site) exec(t *testing.T, statements string) {
	t.Helper()
	_, err := s.DB.ExecContext(t.Context(), statements)
	check(t, err)
}

// value reads one value past dbsep.
func (s *site) value(t *testing.T, query string) string {
	t.Helper()
	var v sql.NullString
	check(t, s.DB.QueryRowContext(t.Context(), query).Scan(&v))
	return v.String
}

// holdStores makes stores wait until the returned function is called.
func (s *site) holdStores(t *testing.T) (release func()) {
	t.Helper()
	c, err := s.DB.Conn(t.Context())
	check(t, err)
	_, err = c.ExecContext(t.Context(), s.hold)
	check(t, err)
	return func() {
		t.Helper()
		_, err := c.ExecContext(t.Context(), s.release)
		check(t, err)
		check(t, c.Close())
	}
}

// fileOpen checks that one of the processes has the file open for a write, which is
// its second time: the first is to look at it, and to read.
func (s *site) fileOpen(pids []int) error {
	for _, pid := range pids {
		open := 0
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && target == filepath.Join(s.Folder, "site.db") {
				open++
			}
		}
		if open > 1 {
			return nil
		}
	}
	return fmt.Errorf("none of the processes %v has the database open twice", pids)
}

// waiting checks that a statement waits for a lock on a table.
func (s *site) waiting([]int) error {
	var n int
	err := s.DB.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%'").Scan(&n)
	if err == nil && n == 0 {
		err = errors.New("no statement waits")
	}
	return err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
