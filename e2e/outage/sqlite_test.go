//go:build e2e

package outage

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"dbsep/internal/sqlitedriver"
)

// sqliteTriggers write the history.
var sqliteTriggers = []string{
	`CREATE TRIGGER counted AFTER UPDATE ON counters BEGIN
		INSERT INTO history (what) VALUES ('update ' || NEW.id || ' ' || NEW.val);
		UPDATE totals SET n = n + 1 WHERE id = NEW.id;
	END`,
	`CREATE TRIGGER came AFTER INSERT ON visits BEGIN INSERT INTO history (what) VALUES ('store ' || NEW.name); END`,
	`CREATE TRIGGER went AFTER DELETE ON visits BEGIN INSERT INTO history (what) VALUES ('destroy ' || OLD.name); END`,
}

func openSQLite(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open(sqlitedriver.Name, "file:"+file+"?_busy_timeout=10000")
	check(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// A sqliteScene is a file in a folder of its own.
func sqliteScene(t *testing.T, settings []string) (s *scene, file string) {
	t.Helper()
	file = filepath.Join(folder(t), "site.db")
	return newScene(t, "SQLite", openSQLite(t, file), tables("INTEGER PRIMARY KEY", sqliteTriggers...),
		append([]string{"dsn=DBI:SQLite:dbname=" + file}, settings...)...), file
}

func TestSQLite(t *testing.T) {
	var all figures
	defer all.print(t, "SQLite")
	var file string
	var lock *sql.Conn
	for _, f := range []fault{
		{name: "file locked by another program",
			begin: func(t *testing.T, s *scene) { lock = s.lock(t, "EXCLUSIVE") },
			end:   func(t *testing.T, _ *scene) { unlock(t, lock) }},
		{name: "file system read-only", // a write that it breaks off is rolled back only afterwards, and nothing can be read until then
			begin: func(t *testing.T, s *scene) {
				s.inNamespace(t, "mount --bind "+filepath.Dir(file)+".ro "+filepath.Dir(file))
			},
			end: func(t *testing.T, s *scene) { s.inNamespace(t, "umount --lazy "+filepath.Dir(file)) }},
		{name: "file replaced by a copy of it (mv)", brief: true,
			begin: func(t *testing.T, s *scene) { s.replace(t, file) }},
		{name: "file gone",
			begin: func(t *testing.T, s *scene) {
				lock = s.lock(t, "EXCLUSIVE") // what comes after this is not in the file that goes
				check(t, os.Rename(file, file+".away"))
				unlock(t, lock)
			},
			end: func(t *testing.T, _ *scene) { check(t, os.Rename(file+".away", file)) }},
	} {
		f.run(t, "SQLite", &all, func(t *testing.T, settings []string) (s *scene) {
			s, file = sqliteScene(t, settings)
			dir := filepath.Dir(file)
			check(t, os.Mkdir(dir+".ro", 0o755))
			t.Cleanup(func() { os.Remove(dir + ".ro") })
			return s.serve(t, namespace("mount --bind "+dir+" "+dir+".ro && mount -o remount,bind,ro "+dir+".ro")...)
		})
	}
	testFull(t, &all)
}

// testFull fills the disk of the file, which is a small one of the gateway's own.
func testFull(t *testing.T, all *figures) {
	var small string
	f := fault{name: "disk full", fresh: true,
		begin: func(t *testing.T, s *scene) { fill(t, s.seen(filepath.Join(small, "filler"))) },
		end:   func(t *testing.T, s *scene) { check(t, os.Remove(s.seen(filepath.Join(small, "filler")))) }}
	f.run(t, "SQLite", all, func(t *testing.T, settings []string) *scene {
		s, file := sqliteScene(t, settings)
		check(t, s.DB.Close())
		small = filepath.Join(filepath.Dir(file), "small")
		s.Configure(t, "dsn=DBI:SQLite:dbname="+filepath.Join(small, "site.db"))
		s.serve(t, namespace("mkdir "+small+" && mount -t tmpfs -o size=8m none "+small+" && cp "+file+" "+small)...)
		s.settle = func(t *testing.T, s *scene) {
			s.inNamespace(t, "cp "+filepath.Join(small, "site.db")+" "+file)
			s.DB = openSQLite(t, file)
		}
		return s
	})
}

// lock locks the file, for writes or for all.
func (s *scene) lock(t *testing.T, kind string) *sql.Conn {
	t.Helper()
	conn, err := s.DB.Conn(t.Context())
	check(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN "+kind)
	check(t, err)
	return conn
}

func unlock(t *testing.T, lock *sql.Conn) {
	t.Helper()
	_, err := lock.ExecContext(t.Context(), "ROLLBACK")
	check(t, err)
	check(t, lock.Close())
}

// replace puts a copy into the place of the file. Nothing is written in between,
// so that nothing is lost by it.
func (s *scene) replace(t *testing.T, file string) {
	t.Helper()
	lock := s.lock(t, "EXCLUSIVE")
	runs(t, "cp", file, file+".new") // a file that this program itself closes takes its locks with it
	check(t, os.Rename(file+".new", file))
	unlock(t, lock)
	check(t, s.DB.Close())
	s.DB = openSQLite(t, file)
}

// fill writes a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	check(t, err)
	defer f.Close()
	block := make([]byte, 4<<10)
	for err == nil {
		_, err = f.Write(block)
	}
}
