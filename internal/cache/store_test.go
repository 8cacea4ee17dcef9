package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dbsep/sqlgen"
)

var queues = sqlgen.NewTable("queues", []sqlgen.Column{{Name: "name", Collation: sqlgen.CaseSensitive}})

func queue(name string) sqlgen.Statement {
	return must(sqlgen.Single(dialect, queues, fields("name", name)))
}

// A site is a store with a database whose rows are kept, and a clock.
type site struct {
	*StaleCache
	store *Store
	db    *fake
	log   *bytes.Buffer
	now   time.Time
}

func newSite(t testing.TB, name string, limit int64) *site {
	t.Helper()
	s := &site{db: &fake{rows: [][]any{{"x"}}}, log: new(bytes.Buffer), now: time.Now()}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	store, err := OpenStore(name, limit, log)
	noError(t, err)
	close(store.stop) // the test itself writes the file
	store.ended.Wait()
	store.stop, store.now = make(chan struct{}), func() time.Time { return s.now }
	s.store = store
	s.StaleCache = s.store.Over(s.db, "db", []Rule{{"*", 24 * time.Hour}}, log)
	return s
}

// keep has rows kept.
func (s *site) keep(t testing.TB, all ...sqlgen.Statement) {
	t.Helper()
	s.db.set(nil, []any{"x"})
	for _, st := range all {
		if err := s.Query(t.Context(), st, func([][]byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

// has returns those of the rows that there are while the database is unavailable.
func (s *site) has(all ...sqlgen.Statement) string {
	var found []string
	for _, st := range all {
		if rows, ok := s.StaleRows(st, unavailable); ok && rows.Each(func([][]byte) error { return nil }) == nil {
			found = append(found, fmt.Sprint(st.Table, st.Args))
		}
	}
	return strings.Join(found, " ")
}

func (s *site) wants(t *testing.T, want string, all ...sqlgen.Statement) {
	t.Helper()
	if got := s.has(all...); got != want {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func (s *site) write(t testing.TB, st sqlgen.Statement) {
	t.Helper()
	if _, err := s.Exec(t.Context(), st); err != nil {
		t.Fatal(err)
	}
}

// crashed opens the file as a crash would leave it now.
func (s *site) crashed(t *testing.T) *site {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(s.store.name + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		noError(t, err)
		noError(t, os.WriteFile(name+suffix, text, 0o600))
	}
	c := newSite(t, name, 1<<20)
	c.now = s.now
	t.Cleanup(func() { c.store.Close() })
	return c
}

// TestACrashBringsNothingBack lets the process end in the middle of a write, and after it.
func TestACrashBringsNothingBack(t *testing.T) {
	s := newSite(t, filepath.Join(t.TempDir(), "file"), 1<<20)
	alice, bob, sales := single("id", "alice"), single("id", "bob"), queue("sales")
	all := []sqlgen.Statement{alice, bob, sales}
	s.keep(t, all...)
	s.store.flush(false)
	s.crashed(t).wants(t, "peers[alice] peers[bob] queues[sales]", all...)

	for _, changes := range []sqlgen.Statement{update(fields("id", "alice"), fields("a", "x")), update(fields("n", "1"), fields("a", "x"))} {
		s.db.exec = func() {
			s.crashed(t).wants(t, "queues[sales]", all...)
			s.now = s.now.Add(quietTime + time.Second) // it takes long, and somebody reads meanwhile
			s.keep(t, alice, bob)
			s.store.flush(false)
			s.crashed(t).wants(t, "queues[sales]", all...)
		}
		s.write(t, changes)
		s.crashed(t).wants(t, "queues[sales]", all...)
		s.store.flush(false)
		s.crashed(t).wants(t, "queues[sales]", all...)
		s.keep(t, alice)
		s.store.flush(false)
		s.crashed(t).wants(t, "queues[sales]", all...)
		s.db.exec = nil
		s.write(t, changes)
		s.now = s.now.Add(quietTime + time.Second)
		s.crashed(t).wants(t, "queues[sales]", all...)
		s.store.flush(false)
		s.crashed(t).wants(t, s.has(all...), all...)
	}
	s.wants(t, "queues[sales]", all...)

	s.keep(t, all...)
	s.write(t, update(fields("id", "alice"), fields("a", "x")))
	noError(t, s.store.Close())
	s.crashed(t).wants(t, "peers[bob] queues[sales]", all...) // it was no crash
}

// TestStaleRowsOfAReplicaThatIsBehind reads rows that a replica returns after a write.
func TestStaleRowsOfAReplicaThatIsBehind(t *testing.T) {
	s := newSite(t, filepath.Join(t.TempDir(), "file"), 1<<20)
	s.Replicas = true
	alice, bob, sales := single("id", "alice"), single("id", "bob"), queue("sales")
	s.keep(t, alice, bob, sales)
	s.write(t, update(fields("id", "alice"), fields("a", "x")))
	s.keep(t, alice, bob, sales) // as before the write
	s.wants(t, "peers[bob] queues[sales]", alice, bob, sales)
	s.now = s.now.Add(replicaLag)
	s.keep(t, alice)
	s.wants(t, "peers[alice]", alice)
	noError(t, s.store.Close())
}

// TestTheFileStaysUnderItsLimit has more rows than fit.
func TestTheFileStaysUnderItsLimit(t *testing.T) {
	quickly(t)
	for _, limit := range []int64{2 * minLimit, 1 << 20, 8 << 20} {
		for _, size := range []int{10, 1000, 20_000} {
			t.Run(fmt.Sprintf("%d rows of %d bytes", limit, size), func(t *testing.T) {
				name := filepath.Join(t.TempDir(), "file")
				s := newSite(t, name, limit)
				n := min(5*int(limit)/(size+100), 20_000)
				most := int64(0)
				for i := range n {
					s.db.set(nil, []any{strings.Repeat("x", size)})
					noError(t, s.Query(t.Context(), single("id", fmt.Sprint(i)), func([][]byte) error { return nil }))
					if i%200 == 0 || i == n-1 {
						s.store.flush(false)
						most = max(most, s.store.Stats().Bytes)
					}
				}
				if most > limit {
					t.Errorf("the file had %d bytes, its limit is %d", most, limit)
				}
				left := 0
				for i := range n {
					if s.has(single("id", fmt.Sprint(i))) != "" {
						left++
					}
				}
				if bytes := int64(left * size); most > limit/2 && bytes < limit/4 && size > 10 {
					t.Errorf("%d bytes of rows are left, the limit is %d", bytes, limit)
				}
				if s.has(single("id", fmt.Sprint(n-1))) == "" {
					t.Error("the newest is gone")
				}
				if n*size > int(limit) && s.has(single("id", "0")) != "" {
					t.Error("the oldest is left")
				}
				if strings.Contains(s.log.String(), "level=ERROR") {
					t.Error(s.log)
				}
				noError(t, s.store.Close())
				lower := openStore(t, name, limit/2)
				defer lower.Close()
				if bytes := lower.Stats().Bytes; bytes > limit/2 {
					t.Errorf("%d bytes, the limit is now %d", bytes, limit/2)
				}
			})
		}
	}
}

// TestAPartOfTheQueueIsWritten has changes of a row at both ends of a queue that is too long
// to be written at once.
func TestAPartOfTheQueueIsWritten(t *testing.T) {
	for _, writes := range []bool{false, true} {
		s := newSite(t, filepath.Join(t.TempDir(), "file"), 64<<20)
		alice := single("id", "alice")
		changes := update(fields("id", "alice"), fields("a", "x"))
		read := func(rows string) {
			s.db.set(nil, []any{rows})
			wantRows(t, s, alice, rows)
		}
		read("first")
		if writes {
			s.write(t, changes)
			read("second")
		}
		for i := range maxBatch {
			s.keep(t, single("id", fmt.Sprint(i)))
		}
		read("last")
		if writes {
			s.write(t, changes)
		}
		s.db.set(unavailable)
		for more := true; more; {
			if writes {
				wantNone(t, s, alice)
			} else {
				wantRows(t, s, alice, "last")
			}
			var err error
			more, err = s.store.flushSome(s.store.file, false)
			noError(t, err)
		}
		noError(t, s.store.Close())
	}
}

// TestUnchangedRowsAreWrittenAtTimes reads the same rows again, which are kept for a day.
func TestUnchangedRowsAreWrittenAtTimes(t *testing.T) {
	const again = 24 * time.Hour / rewriteFraction
	for after, want := range map[time.Duration]int{0: 0, again - time.Millisecond: 0, again: 2} {
		s := newSite(t, filepath.Join(t.TempDir(), "file"), 1<<20)
		all := []sqlgen.Statement{single("id", "alice"), single("id", "bob")}
		s.keep(t, all...)
		s.store.flush(false)
		s.now = s.now.Add(after)
		s.keep(t, all...)
		if n := len(s.store.queue); n != want {
			t.Errorf("%d rows are written again after %v, want %d", n, after, want)
		}
		noError(t, s.store.Close())
	}
}

// TestLargeRowsAreNotKept has rows of the eighth part of the file, and more.
func TestLargeRowsAreNotKept(t *testing.T) {
	const limit = 1 << 20
	for size, want := range map[int]string{limit/8 - 10: "peers[alice]", limit / 8: ""} {
		s := newSite(t, filepath.Join(t.TempDir(), "file"), limit)
		alice := single("id", "alice")
		s.db.set(nil, []any{strings.Repeat("x", size)})
		noError(t, s.Query(t.Context(), alice, func([][]byte) error { return nil }))
		s.wants(t, want, alice)
		s.store.flush(false)
		s.wants(t, want, alice)
		noError(t, s.store.Close())
	}
}

// TestTheColumnOfTheValuesIsKept restarts the store after the first query that has a value.
func TestTheColumnOfTheValuesIsKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	s := newSite(t, name, 1<<20)
	s.keep(t, multi("id LIKE", "%"))
	s.store.flush(false)
	alice := single("id", "alice")
	s.keep(t, alice)
	noError(t, s.store.Close())

	s = newSite(t, name, 1<<20)
	s.wants(t, "peers[alice]", alice)
	s.keep(t, single("n", "5"))
	s.write(t, update(fields("n", "5"), fields("a", "x")))
	s.wants(t, "", alice)
	noError(t, s.store.Close())
}

func TestADamagedTableIsNotUsed(t *testing.T) {
	alice, bob, sales := single("id", "alice"), single("id", "bob"), queue("sales")
	for _, all := range [][]sqlgen.Statement{{alice, bob, sales}, {sales, alice, bob}} {
		name := filepath.Join(t.TempDir(), "file")
		s := newSite(t, name, 1<<20)
		s.keep(t, all...)
		noError(t, s.store.Close())
		sqliteFile(t, name, "UPDATE tables SET lookup = 'ie' WHERE name = 'peers'") // a bit of it
		s = newSite(t, name, 1<<20)
		s.wants(t, "queues[sales]", alice, bob, sales)
		s.keep(t, alice)
		s.wants(t, "peers[alice] queues[sales]", alice, bob, sales)
		noError(t, s.store.Close())
		s = newSite(t, name, 1<<20)
		s.wants(t, "peers[alice] queues[sales]", alice, bob, sales)
		noError(t, s.store.Close())
	}
}

// TestATableThatIsInTheFileTwice has the rows of the older one removed.
func TestATableThatIsInTheFileTwice(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	s := newSite(t, name, 1<<20)
	alice := single("id", "alice")
	s.keep(t, alice)
	noError(t, s.store.Close())
	sqliteFile(t, name, "INSERT INTO tables SELECT id + 1, scope, name, lookup, schema, sum FROM tables")
	s = newSite(t, name, 1<<20)
	s.wants(t, "", alice)
	s.store.flush(false)
	var entries, marks int
	noError(t, s.store.file.conn.QueryRowContext(t.Context(), "SELECT sum(id > 0), sum(id = 0) FROM entries").Scan(&entries, &marks))
	if entries != 0 || marks != 1 {
		t.Errorf("%d rows and %d marks are in the file", entries, marks)
	}
	noError(t, s.store.Close())
}

// TestManyRowsAreDropped has a write drop more rows than are removed at once.
func TestManyRowsAreDropped(t *testing.T) {
	quickly(t)
	s := newSite(t, filepath.Join(t.TempDir(), "file"), 8<<20)
	for i := range 3 * clearedAtOnce {
		s.keep(t, single("id", fmt.Sprint(i)))
	}
	s.store.flush(false)
	s.write(t, update(fields("n", "1"), fields("a", "x")))
	s.store.flush(false)
	var left int
	noError(t, s.store.file.conn.QueryRowContext(t.Context(), "SELECT count(*) FROM entries WHERE id > 0").Scan(&left))
	if left > 0 {
		t.Errorf("%d rows are left in the file", left)
	}
	noError(t, s.store.Close())
}

// TestTheQueueIsLimited has no file to which the queue can be written.
func TestTheQueueIsLimited(t *testing.T) {
	s := newSite(t, filepath.Join(t.TempDir(), "file"), 256<<20)
	s.store.file.mu.Lock() // somebody writes for a long time
	s.db.set(nil, []any{strings.Repeat("x", 1<<20)})
	for i := range 3 * maxQueued >> 20 {
		noError(t, s.Query(t.Context(), single("id", fmt.Sprint(i)), func([][]byte) error { return nil }))
	}
	for range 4 * maxQueued / changeBytes {
		s.store.keep(s.table("peers").staleTable, single("id", "1"), digest{}, 0, nil, time.Hour)
	}
	if s.store.queued > 2*maxQueued+2*changeBytes || s.store.Stats().NotKept <= 0 {
		t.Errorf("%d bytes are queued, %+v", s.store.queued, s.store.Stats())
	}
	s.store.file.mu.Unlock()
	s.store.flush(false)
	if s.store.queued != 0 || len(s.store.queue)+len(s.store.puts) > 0 {
		t.Errorf("%d bytes are left of %d changes and %d entries", s.store.queued, len(s.store.queue), len(s.store.puts))
	}
	s.keep(t, single("id", "new"))
	s.store.flush(false)
	s.wants(t, "peers[new]", single("id", "new"), single("id", "0"))
	noError(t, s.store.Close())
}

func TestAFileThatAnotherStoreUses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	first := newSite(t, name, 1<<20)
	alice, bob, sales := single("id", "alice"), single("id", "bob"), queue("sales")
	first.keep(t, alice, sales)
	second := newSite(t, name, 1<<20)
	defer second.store.Close()
	if !strings.Contains(second.log.String(), "another process uses it") || second.store.Stats().Usable {
		t.Error(second.log)
	}
	noError(t, CheckFile(name))
	second.keep(t, bob)
	second.write(t, update(fields("id", "bob"), fields("a", "x")))
	second.keep(t, bob)
	second.store.flush(false)
	second.wants(t, "peers[bob]", alice, bob, sales) // in memory
	second.store.keepOpen(true)
	noError(t, first.store.Close())
	second.store.keepOpen(true)
	second.wants(t, "queues[sales]", alice, sales) // alice may have been changed meanwhile
	second.keep(t, alice)
	second.store.flush(false)
	second.wants(t, "peers[alice] queues[sales]", alice, sales)
	if n := strings.Count(second.log.String(), "level=ERROR"); n != 1 || !strings.Contains(second.log.String(), "works again") || !second.store.Stats().Usable {
		t.Errorf("%d errors in\n%s", n, second.log)
	}
}

func TestAFileThatIsRemovedOrReplaced(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	s := newSite(t, name, 1<<20)
	defer s.store.Close()
	alice := single("id", "alice")
	s.keep(t, alice)
	s.store.flush(false)
	noError(t, os.Remove(name))
	s.store.keepOpen(false)
	if n := descriptors(t, name+" (deleted)"); n != 0 {
		t.Errorf("the file that was removed is still open %d times", n)
	}
	s.wants(t, "", alice)
	s.keep(t, alice)
	s.store.flush(false)
	s.wants(t, "peers[alice]", alice)
	if info, err := os.Stat(name); err != nil || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
	noError(t, os.Remove(name))
	writeTo(t, name, "a text")
	s.store.keepOpen(false)
	s.keep(t, alice)
	s.store.flush(false)
	s.wants(t, "peers[alice]", alice) // in memory
	if text, err := os.ReadFile(name); err != nil || string(text) != "a text" || !strings.Contains(s.log.String(), "written by another program") {
		t.Errorf("%q, %v\n%s", text, err, s.log)
	}
}

// descriptors counts the open files of this process that have a name.
func descriptors(t *testing.T, name string) (n int) {
	t.Helper()
	const dir = "/proc/self/fd"
	all, err := os.ReadDir(dir)
	noError(t, err)
	for _, f := range all {
		if target, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && target == name {
			n++
		}
	}
	return n
}

// TestAFileThatIsCutWhileItIsUsed cuts it at every size.
func TestAFileThatIsCutWhileItIsUsed(t *testing.T) {
	quickly(t)
	for size := int64(0); size < 20*pageSize; size += 1500 {
		name := filepath.Join(t.TempDir(), "file")
		s := newSite(t, name, 1<<20)
		var all []sqlgen.Statement
		for i := range 100 {
			all = append(all, single("id", fmt.Sprint(i)))
		}
		s.db.set(nil, []any{strings.Repeat("x", 1000)})
		for _, st := range all {
			noError(t, s.Query(t.Context(), st, func([][]byte) error { return nil }))
		}
		s.store.flush(false)
		noError(t, s.store.file.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory"))
		noError(t, os.Truncate(name, size))
		s.has(all...)
		s.write(t, update(fields("id", "1"), fields("a", "x")))
		for range 2 {
			s.keep(t, single("id", "new"))
			s.store.flush(false)
			s.store.keepOpen(true)
		}
		s.wants(t, "peers[new]", single("id", "new"))
		if n := strings.Count(s.log.String(), "level=ERROR"); n > 2 {
			t.Errorf("%d bytes: %s", size, s.log)
		}
		noError(t, s.store.Close())
	}
}

func TestALimitThatIsTooLow(t *testing.T) {
	s := newSite(t, filepath.Join(t.TempDir(), "file"), 1)
	wantWorking(t, s.store)
	noError(t, s.store.Close())
}

// TestFoldersThatAreMissing refuses what no time will correct.
func TestFoldersThatAreMissing(t *testing.T) {
	dir := t.TempDir()
	writeTo(t, filepath.Join(dir, "text"), "x")
	for _, name := range []string{filepath.Join(dir, "no", "such"), filepath.Join(dir, "text", "file")} {
		if err := open(name); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
}

// inMount is the folder of a small disk, in the process that runs a test there.
const inMount = "DBSEP_TEST_MOUNT"

// onSmallDisk runs the rest of a test in a process that has a small disk of its own.
func onSmallDisk(t *testing.T) (dir string, ok bool) {
	t.Helper()
	if dir := os.Getenv(inMount); dir != "" {
		return dir, true
	}
	dir = t.TempDir()
	command := exec.CommandContext(t.Context(), "unshare", "--mount", "--map-root-user", "sh", "-c",
		`mount -t tmpfs -o size=1m none "$0" && exec "$@"`, dir, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), inMount+"="+dir)
	out, err := command.CombinedOutput()
	switch {
	case err == nil && bytes.Contains(out, []byte("--- PASS: "+t.Name())):
	case bytes.Contains(out, []byte("=== RUN")) || os.Getenv("CI") != "":
		t.Errorf("%v\n%s", err, out)
	default:
		t.Skipf("unshare --mount and mount are not allowed here: %v: %s", err, out)
	}
	return "", false
}

func mount(t *testing.T, arguments ...string) {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "mount", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("mount %v: %v: %s", arguments, err, out)
	}
}

// fillDisk writes a file until there is no room.
func fillDisk(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	noError(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

func TestAFullDisk(t *testing.T) {
	dir, ok := onSmallDisk(t)
	if !ok {
		return
	}
	s := newSite(t, filepath.Join(dir, "file"), 64<<20)
	old, changed := single("id", "old"), queue("sales")
	s.keep(t, old, changed)
	s.store.flush(false)
	fillDisk(t, filepath.Join(dir, "filler"))
	for i := range 100 {
		s.db.set(nil, []any{strings.Repeat("x", 10_000)})
		noError(t, s.Query(t.Context(), single("id", fmt.Sprint(i)), func([][]byte) error { return nil }))
		if i%10 == 0 {
			s.store.flush(false)
		}
	}
	s.wants(t, "peers[old] peers[99] queues[sales]", old, single("id", "99"), changed)
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 || s.store.Stats().Usable || s.store.Stats().Errors < 2 {
		t.Errorf("%d errors, %+v\n%s", n, s.store.Stats(), s.log)
	}
	t.Run("a write drops all, if the file cannot be marked", func(t *testing.T) {
		s.write(t, must(sqlgen.Destroy(dialect, queues, fields("name", "sales"))))
		s.wants(t, "", changed)
		s.crashed(t).wants(t, "", changed)
	})
	noError(t, os.Remove(filepath.Join(dir, "filler")))
	s.store.keepOpen(true)
	s.keep(t, old, changed)
	s.store.flush(false)
	s.wants(t, "peers[old] queues[sales]", old, changed)
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 || !strings.Contains(s.log.String(), "works again") || !s.store.Stats().Usable {
		t.Errorf("%d errors in\n%s", n, s.log)
	}
	noError(t, s.store.Close())
}

func TestAReadOnlyDisk(t *testing.T) {
	dir, ok := onSmallDisk(t)
	if !ok {
		return
	}
	name := filepath.Join(dir, "file")
	old := single("id", "old")
	s := newSite(t, name, 1<<20)
	s.keep(t, old)
	noError(t, s.store.Close())
	mount(t, "-o", "remount,ro", dir)
	s = newSite(t, name, 1<<20)
	s.keep(t, single("id", "new"))
	s.store.flush(false)
	s.store.keepOpen(true)
	s.wants(t, "peers[new]", old, single("id", "new")) // in memory
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 || s.store.Stats().Usable {
		t.Errorf("%d errors in\n%s", n, s.log)
	}
	mount(t, "-o", "remount,rw", dir)
	s.store.keepOpen(true)
	s.keep(t, single("id", "new"))
	s.store.flush(false)
	s.wants(t, "peers[old] peers[new]", old, single("id", "new"))
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 || !s.store.Stats().Usable {
		t.Errorf("%d errors in\n%s", n, s.log)
	}
	noError(t, s.store.Close())
}
