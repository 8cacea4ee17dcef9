package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/database/databasetest"
	"dbsep/internal/sqlitedriver"
	"dbsep/sqlgen"
)

// newFileBeside makes a database whose table v has one row, ready to be put into
// another one's place.
func newFileBeside(t *testing.T, path, mode, value string) {
	t.Helper()
	db, err := sql.Open(sqlitedriver.Name, "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	databasetest.Setup(t, db)("PRAGMA journal_mode="+mode, "CREATE TABLE v (id INTEGER, c TEXT)", "INSERT INTO v VALUES (1, '"+value+"')")
}

// A replaceable is a database of which other files take the place.
type replaceable struct {
	t        *testing.T
	db       *database.DB
	path     string
	versions int
}

func newReplaceable(t *testing.T, mode string) *replaceable {
	r := &replaceable{t: t, path: filepath.Join(t.TempDir(), "pbx.db")}
	newFileBeside(t, r.path, mode, "version 0")
	r.db = databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + r.path})
	databasetest.Nest(t, r.db, 3)
	r.want("version 0")
	r.write()
	return r
}

// replace puts another file into the place.
func (r *replaceable) replace(mode string) {
	r.t.Helper()
	r.versions++
	fresh := r.path + ".new"
	newFileBeside(r.t, fresh, mode, fmt.Sprint("version ", r.versions))
	if err := os.Rename(fresh, r.path); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replaceable) want(text string) {
	r.t.Helper()
	if got, err := databasetest.QueryText(r.t.Context(), r.db, "SELECT c FROM v WHERE id = 1"); got != text || err != nil {
		r.t.Errorf("%q, %v, %v, want %q", got, err, errors.Unwrap(err), text)
	}
}

func (r *replaceable) write() {
	r.t.Helper()
	n, err := r.db.Exec(r.t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES (2, 'written')"})
	if n != 1 || err != nil {
		r.t.Errorf("a write: %d, %v, %v", n, err, errors.Unwrap(err))
	}
}

// rows counts what was written, in a file.
func (r *replaceable) rows(path string) (n int) {
	r.t.Helper()
	db, err := sql.Open(sqlitedriver.Name, "file:"+path+"?mode=ro")
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM v WHERE c = 'written'").Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// A file in the place of another one may count as many changes of its schema.
func TestSQLiteChangedTableInAnotherFile(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	other, besideOther := databasetest.NewSQLiteFile(t)
	databasetest.Setup(t, besideOther)("CREATE TABLE peers (id INTEGER, b TEXT)", "CREATE TABLE base (a INTEGER)")
	db, run := databasetest.Open(t, database.Source{DSN: "DBI:SQLite:dbname=" + path}), databasetest.Setup(t, beside)
	replace := func(...string) {
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), sqlgen.Statement{SQL: "DELETE FROM base"}); err != nil { // a write notices it at once
			t.Fatal(err)
		}
	}
	databasetest.WantChanges(t, db, run, [][2]string{
		{"CREATE TABLE base (a INTEGER); CREATE TABLE peers (id INTEGER, a TEXT)", "id INTEGER null, a TEXT null"},
	})
	databasetest.WantChanges(t, db, replace, [][2]string{{"another file", "id INTEGER null, b TEXT null"}})
}

func TestSQLiteFileThatIsReplaced(t *testing.T) {
	r := newReplaceable(t, "DELETE")
	old := filepath.Join(filepath.Dir(r.path), "old.db")
	if err := os.Link(r.path, old); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.replace("DELETE")
		r.write()
		r.want(fmt.Sprint("version ", r.versions))
		if n := r.rows(r.path); n != 1 {
			t.Errorf("%d writes in the new file", n)
		}
	}
	if n := r.rows(old); n != 1 {
		t.Errorf("%d writes in the old file, of which one was before", n)
	}
}

// TestSQLiteFileThatIsReplacedDuringAWrite lets a write begin in the old file and
// end there after another one took its place: nobody would see what it wrote.
func TestSQLiteFileThatIsReplacedDuringAWrite(t *testing.T) {
	r := newReplaceable(t, "DELETE")
	old, err := sql.Open(sqlitedriver.Name, "file:"+r.path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	reading, err := old.BeginTx(t.Context(), nil) // a write waits for its end before it commits
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.ExecContext(t.Context(), "SELECT c FROM v"); err != nil {
		t.Fatal(err)
	}
	other, err := old.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "PRAGMA busy_timeout=0"); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		_, err := r.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES (2, 'written')"})
		written <- err
	}()
	for err == nil { // until the write has begun
		if _, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err == nil {
			if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.replace("DELETE")
	if err := reading.Rollback(); err != nil {
		t.Error(err)
	}
	if err := <-written; err == nil {
		t.Error("a write into the old file was confirmed")
	}
	r.write()
	if n := r.rows(r.path); n != 1 {
		t.Errorf("%d writes in the new file", n)
	}
}

func TestSQLiteFileThatIsDeleted(t *testing.T) {
	r := newReplaceable(t, "DELETE")
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		// A write sees it at once, and reads after it; a read by itself may be a moment late.
		_, write := r.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES (2, 'written')"})
		_, read := databasetest.QueryText(t.Context(), r.db, "SELECT c FROM v")
		for _, err := range []error{write, read} {
			var fault *sqlgen.Fault
			if !errors.As(err, &fault) || fault.Cause != sqlgen.Unavailable || fault.Hint == "" {
				t.Errorf("%v", err)
			}
		}
	}
	if left, err := os.ReadDir(filepath.Dir(r.path)); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	r.replace("DELETE")
	r.want("version 1")
	r.write()
}

// A write-ahead log that is left of the file before would be taken for the new
// one's own: rows of both would be mixed.
func TestSQLiteFileThatIsReplacedBesideItsLog(t *testing.T) {
	r := newReplaceable(t, "WAL")
	r.want("version 0")
	r.replace("WAL")
	var fault *sqlgen.Fault
	if _, err := r.db.Exec(t.Context(), sqlgen.Statement{SQL: "INSERT INTO v VALUES (2, 'written')"}); !errors.As(err, &fault) || fault.Cause != sqlgen.Unavailable {
		t.Errorf("%v", err)
	}
	if got, err := databasetest.QueryText(t.Context(), r.db, "SELECT c FROM v"); !errors.As(err, &fault) || fault.Cause != sqlgen.Unavailable || fault.Hint == "" {
		t.Errorf("%q, %v", got, err)
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(r.path + end); err != nil {
			t.Fatal(err)
		}
	}
	r.want("version 1")
	r.write()
	r.want("version 1")
	if n := r.rows(r.path); n != 1 {
		t.Errorf("%d writes", n)
	}
}

// A backup that SQLite itself puts back changes the file and not its place.
func TestSQLiteFileThatIsRestored(t *testing.T) {
	r := newReplaceable(t, "WAL")
	beside, err := sql.Open(sqlitedriver.Name, "file:"+r.path)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	beside.SetMaxOpenConns(1)
	backup := filepath.Join(t.TempDir(), "backup.db")
	databasetest.Setup(t, beside)("VACUUM INTO '"+backup+"'", "UPDATE v SET c = 'later' WHERE id = 1")
	r.want("later")
	databasetest.Setup(t, beside)("ATTACH '"+backup+"' AS backup", "BEGIN; DELETE FROM v; INSERT INTO v SELECT * FROM backup.v; COMMIT")
	r.want("version 0")
	r.write()
}

// Reads look at the place every few milliseconds only.
func TestSQLiteFileThatIsReplacedIsReadFromSoon(t *testing.T) {
	r := newReplaceable(t, "DELETE")
	r.replace("DELETE")
	for begun := time.Now(); ; {
		got, err := databasetest.QueryText(t.Context(), r.db, "SELECT c FROM v WHERE id = 1")
		if err == nil && got == "version 1" {
			return
		}
		if err != nil || got != "version 0" || time.Since(begun) > time.Minute {
			t.Fatal(got, err)
		}
	}
}

// TestSQLiteOpenReleasesNoLock opens a database, as a reload does, while a connection
// of the same process has its lock.
func TestSQLiteOpenReleasesNoLock(t *testing.T) {
	path, beside := databasetest.NewSQLiteFile(t)
	writing, err := beside.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close()
	if _, err := writing.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	before := locks(t, path)
	databasetest.Open(t, database.Source{DSN: "DBI:SQLite:" + path})
	if after := locks(t, path); before == 0 || after != before {
		t.Errorf("%d locks of the file, %d before", after, before)
	}
}

// locks counts this process' locks of a file.
func locks(t *testing.T, path string) (n int) {
	t.Helper()
	about, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Skip("the system does not list locks: ", err)
	}
	inode := fmt.Sprintf(":%d ", about.Sys().(*syscall.Stat_t).Ino)
	for line := range strings.Lines(string(all)) {
		if strings.Contains(line, inode) {
			n++
		}
	}
	return n
}
