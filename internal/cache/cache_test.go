package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

var dialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return name },
	Placeholder: sqlgen.QuestionMark,
	Read:        func(_ *sqlgen.Column, quoted string) string { return quoted },
}

var peers = sqlgen.NewTable("peers", []sqlgen.Column{{Name: "id"}, {Name: "a"}, {Name: "n", Class: sqlgen.Integer}})

func fields(pairs ...string) []sqlgen.Field {
	var all []sqlgen.Field
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, sqlgen.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return all
}

func must(s sqlgen.Statement, err error) sqlgen.Statement {
	if err != nil {
		panic(err)
	}
	return s
}

func single(pairs ...string) sqlgen.Statement {
	return must(sqlgen.Single(dialect, peers, fields(pairs...)))
}
func multi(pairs ...string) sqlgen.Statement {
	return must(sqlgen.Multi(dialect, peers, fields(pairs...)))
}
func update(lookup, values []sqlgen.Field) sqlgen.Statement {
	return must(sqlgen.Update(dialect, peers, lookup, values))
}

// A fake database returns its rows to every query.
type fake struct {
	mu    sync.Mutex
	rows  [][]any
	err   error
	count int
	wait  chan struct{} // closed to let queries go on; nil: they do not wait
}

func (f *fake) Dialect() *sqlgen.Dialect { return dialect }
func (f *fake) Describe(context.Context, string) (*sqlgen.Table, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return peers, f.err
}

func (f *fake) Keys(context.Context, *sqlgen.Table) ([][]string, error) { return nil, nil }
func (f *fake) Query(ctx context.Context, _ sqlgen.Statement, row func([][]byte) error) error {
	f.mu.Lock()
	f.count++
	rows, err, wait := f.rows, f.err, f.wait
	f.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return &sqlgen.Fault{Cause: sqlgen.Canceled}
		}
	}
	if err != nil {
		return err
	}
	for _, r := range rows {
		columns := make([][]byte, len(r))
		for i, v := range r {
			if v != nil {
				columns[i] = []byte(v.(string))
			}
		}
		if err := row(columns); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) Exec(context.Context, sqlgen.Statement) (int64, error) { return 1, f.err }

// set changes what the database does.
func (f *fake) set(err error, rows ...[]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.rows = err, rows
}

func (f *fake) queries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// rowsOf returns the rows of a response as texts, stale ones where the gateway would use
// them.
func rowsOf(t *testing.T, db gateway.Database, s sqlgen.Statement) (string, error) {
	t.Helper()
	var got []string
	row := func(columns [][]byte) error {
		var texts []string
		for _, c := range columns {
			if c == nil {
				texts = append(texts, "NULL")
				continue
			}
			texts = append(texts, string(c))
		}
		got = append(got, strings.Join(texts, ","))
		return nil
	}
	err := db.Query(t.Context(), s, row)
	if reader, ok := db.(gateway.StaleReader); ok && err != nil {
		if stale, ok := reader.StaleRows(s, err); ok {
			err = stale.Each(row)
		}
	}
	return strings.Join(got, " "), err
}

func wantRows(t *testing.T, db gateway.Database, s sqlgen.Statement, want string) {
	t.Helper()
	if got, err := rowsOf(t, db, s); got != want || err != nil {
		t.Errorf("%s %v: %q, %v; want %q", s.SQL, s.Args, got, err, want)
	}
}

var unavailable = &sqlgen.Fault{Cause: sqlgen.Unavailable}

func TestRecordedRowsComeBackAsTheyWere(t *testing.T) {
	r := recording{limit: 1000}
	want := [][][]byte{{[]byte("a"), nil, {}, []byte(strings.Repeat("x", 300))}, {}, {nil}}
	for _, row := range want {
		r.add(row)
	}
	var got [][][]byte
	valid, err := each(r.text, func(columns [][]byte) error {
		row := make([][]byte, len(columns))
		for i, c := range columns {
			if c != nil {
				row[i] = append([]byte{}, c...)
			}
		}
		got = append(got, row)
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" || !valid || err != nil {
		t.Error(diff, valid, err)
	}
	r.add([][]byte{make([]byte, 1000)})
	if !r.over || r.text != nil {
		t.Error("rows over the limit are kept")
	}
}

func FuzzEach(f *testing.F) {
	f.Add([]byte{1, 2, 'a', 2, 0, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = each(text, func([][]byte) error { return nil })
	})
}

func TestWhatAWriteMayChange(t *testing.T) {
	destroy := func(pairs ...string) sqlgen.Statement { return must(sqlgen.Destroy(dialect, peers, fields(pairs...))) }
	store := func(pairs ...string) sqlgen.Statement { return must(sqlgen.Store(dialect, peers, fields(pairs...))) }
	for _, test := range []struct {
		name       string
		write      sqlgen.Statement
		conditions []sqlgen.Field
		want       bool
	}{
		{"the row itself", update(fields("id", "bob"), fields("a", "x")), fields("id", "bob"), true},
		{"in another spelling", update(fields("id", "BOB "), fields("a", "x")), fields("id", "bob"), true},
		{"another row", update(fields("id", "bob"), fields("a", "x")), fields("id", "alice"), false},
		{"another row that becomes this one", update(fields("id", "bob"), fields("id", "alice")), fields("id", "alice"), true},
		{"a row by another column", update(fields("a", "x"), fields("n", "1")), fields("id", "alice"), true},
		{"any rows", update(fields("id", "bob"), fields("a", "x")), nil, true},
		{"rows by a pattern", update(fields("id LIKE", "b%"), fields("a", "x")), fields("id", "alice"), true},
		{"one of two conditions differs", update(fields("id", "bob", "a", "x"), fields("n", "1")), fields("id", "alice", "a", "x"), false},
		{"numbers", update(fields("n", "1"), fields("a", "x")), fields("n", "2"), false},
		{"numbers that may be the same", update(fields("n", "1"), fields("a", "x")), fields("n", "01"), true},
		{"a number and a word", update(fields("n", "1"), fields("a", "x")), fields("n", "true"), true},
		{"words for truth", update(fields("a", "yes"), fields("n", "1")), fields("a", "true"), true},
		{"letters beyond ASCII", update(fields("id", "bob"), fields("a", "x")), fields("id", "böb"), true},
		{"a new row that fits", store("id", "alice"), fields("id", "alice"), true},
		{"a new row that does not", store("id", "bob"), fields("id", "alice"), false},
		{"a new row that may, by its default", store("id", "bob"), fields("a", "x"), true},
		{"a row that goes", destroy("id", "bob"), fields("id", "bob"), true},
		{"another row that goes", destroy("id", "bob"), fields("id", "alice"), false},
	} {
		if got := mayChange(test.write, test.conditions); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestRulesFindTheLongestPatternAndLeaveOutWhatAsteriskWrites(t *testing.T) {
	rs := newRules([]Rule{{"*", 1}, {"ps_*", 2}, {"ps_contacts", 3}, {"ps_aors", 4}})
	for table, want := range map[string]time.Duration{"extensions": 1, "ps_endpoints": 2, "ps_contacts": 3, "PS_AORS": 4, "queue_log": 0, "voicemail": 0} {
		for range 2 {
			if r, ok := rs.find(table); r.Age != want || ok != (want > 0) {
				t.Errorf("%s: %v, %v", table, r, ok)
			}
		}
	}
}

func TestShareForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &fake{rows: [][]any{{"alice", nil, "1"}}}
		s := New(db, []Rule{{"peers", time.Second}}, 1<<20)
		wantRows(t, s, single("id", "alice"), "alice,NULL,1")
		db.set(nil, []any{"alice", "new", "2"})
		wantRows(t, s, single("id", "alice"), "alice,NULL,1")
		if _, err := s.Exec(t.Context(), update(fields("id", "nobody"), fields("a", "x"))); err != nil {
			t.Fatal(err)
		}
		wantRows(t, s, single("id", "alice"), "alice,new,2") // a write of the table ends what is known
		db.set(nil)
		time.Sleep(2 * time.Second)
		wantRows(t, s, single("id", "alice"), "")
		if db.queries() != 3 {
			t.Errorf("%d queries", db.queries())
		}
		db.set(unavailable)
		time.Sleep(2 * time.Second)
		if _, err := rowsOf(t, s, single("id", "alice")); !errors.Is(err, unavailable) {
			t.Errorf("%v", err)
		}
		db.set(nil, []any{"alice", "back", "3"})
		wantRows(t, s, single("id", "alice"), "alice,back,3") // an error is not kept
	})
}

func TestShareOneQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &fake{rows: [][]any{{"alice"}}, wait: make(chan struct{})}
		s := New(db, []Rule{{"peers", 0}}, 1<<20)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { wantRows(t, s, single("id", "alice"), "alice") })
		}
		all.Go(func() { wantRows(t, s, single("id", "bob"), "alice") })
		synctest.Wait()
		if db.queries() != 2 {
			t.Errorf("%d queries", db.queries())
		}
		close(db.wait)
		all.Wait()
		wantRows(t, s, single("id", "alice"), "alice")
		if again, joined := s.Counts(); db.queries() != 3 || again != 0 || joined != 9 {
			t.Errorf("%d queries, %d again, %d joined", db.queries(), again, joined)
		}
	})
}

func TestAReadAfterAWriteDoesNotShareAnOlderQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &fake{rows: [][]any{{"old"}}, wait: make(chan struct{})}
		s := New(db, []Rule{{"peers", time.Hour}}, 1<<20)
		var all sync.WaitGroup
		all.Go(func() { wantRows(t, s, single("id", "alice"), "old") })
		synctest.Wait()
		if _, err := s.Exec(t.Context(), update(fields("id", "alice"), fields("a", "x"))); err != nil {
			t.Fatal(err)
		}
		db.set(nil, []any{"new"})
		all.Go(func() { wantRows(t, s, single("id", "alice"), "new") })
		synctest.Wait()
		if db.queries() != 2 {
			t.Errorf("%d queries", db.queries())
		}
		close(db.wait)
		all.Wait()
		wantRows(t, s, single("id", "alice"), "new") // the older rows were not kept
	})
}

func TestWhoLeadsMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &fake{rows: [][]any{{"alice"}}, wait: make(chan struct{})}
		s := New(db, []Rule{{"peers", time.Hour}}, 1<<20)
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.Query(leaving, single("id", "alice"), func([][]byte) error { return nil }); err == nil {
				t.Error("a canceled query succeeded")
			}
		})
		synctest.Wait()
		all.Go(func() { wantRows(t, s, single("id", "alice"), "alice") })
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		all.Go(func() {
			var fault *sqlgen.Fault
			if err := s.Query(late, single("id", "alice"), nil); !errors.As(err, &fault) || fault.Cause != sqlgen.Timeout {
				t.Errorf("who waited too long: %v", err)
			}
		})
		time.Sleep(2 * time.Second)
		leave()
		synctest.Wait()
		close(db.wait)
		all.Wait()
	})
}

func TestSharedMemoryIsBounded(t *testing.T) {
	db := &fake{rows: [][]any{{strings.Repeat("x", 1000)}}}
	s := New(db, []Rule{{"peers", time.Hour}}, 10_000)
	for i := range 100 {
		if _, err := rowsOf(t, s, single("id", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if s.size > 10_000 || len(s.entries) < 2 {
		t.Errorf("%d bytes in %d entries", s.size, len(s.entries))
	}
}

func openStore(t *testing.T, name string, most int64) *Store {
	t.Helper()
	s, err := OpenStore(name, most, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLastGood(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lastgood")
	db := &fake{rows: [][]any{{"alice", nil, "1"}}}
	s := openStore(t, name, 1<<20)
	over := func() *StaleCache {
		return s.Over(db, "db1", []Rule{{"peers", time.Hour}}, slog.New(slog.DiscardHandler))
	}
	l := over()
	if _, err := l.Describe(t.Context(), "Peers"); err != nil {
		t.Fatal(err)
	}
	wantRows(t, l, single("id", "alice"), "alice,NULL,1")
	wantRows(t, l, multi("id LIKE", "%"), "alice,NULL,1")
	db.set(nil)
	wantRows(t, l, single("id", "nobody"), "")

	db.set(unavailable)
	wantRows(t, l, single("id", "alice"), "alice,NULL,1")
	for what, q := range map[string]sqlgen.Statement{"without a row": single("id", "nobody"), "never queried": single("id", "carol")} {
		if got, err := rowsOf(t, l, q); !errors.Is(err, unavailable) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	if table, err := l.Describe(t.Context(), "Peers"); err != nil || len(table.Columns) != 3 {
		t.Errorf("%+v, %v", table, err)
	}
	if _, err := l.Describe(t.Context(), "other"); !errors.Is(err, unavailable) {
		t.Errorf("%v", err)
	}

	t.Run("survives the process", func(t *testing.T) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, name, 1<<20)
		l = over()
		wantRows(t, l, single("id", "alice"), "alice,NULL,1")
		if table, err := l.Describe(t.Context(), "Peers"); err != nil || table.Name != "peers" {
			t.Errorf("%+v, %v", table, err)
		}
	})
	t.Run("is not used for another database", func(t *testing.T) {
		other := s.Over(db, "db2", []Rule{{"peers", time.Hour}}, slog.New(slog.DiscardHandler))
		if _, err := rowsOf(t, other, single("id", "alice")); !errors.Is(err, unavailable) {
			t.Error(err)
		}
	})
	t.Run("is not used where the database refuses a statement", func(t *testing.T) {
		for _, c := range []sqlgen.Cause{sqlgen.UnknownTable, sqlgen.Denied, sqlgen.Canceled, sqlgen.Unexpected} {
			db.set(&sqlgen.Fault{Cause: c})
			if got, err := rowsOf(t, l, single("id", "alice")); err == nil {
				t.Errorf("%v: %q", c, got)
			}
		}
	})
	t.Run("is dropped by a write that touches it, though it failed, and by no other", func(t *testing.T) {
		db.set(unavailable)
		_, _ = l.Exec(t.Context(), update(fields("id", "bob"), fields("a", "x")))
		wantRows(t, l, single("id", "alice"), "alice,NULL,1")
		if got, err := rowsOf(t, l, multi("id LIKE", "%")); err == nil {
			t.Errorf("the row may be among these: %q", got)
		}
		_, _ = l.Exec(t.Context(), update(fields("id", "alice"), fields("a", "x")))
		if got, err := rowsOf(t, l, single("id", "alice")); err == nil {
			t.Errorf("%q", got)
		}
	})
	t.Run("stays dropped in the file", func(t *testing.T) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, name, 1<<20)
		l = over()
		if got, err := rowsOf(t, l, single("id", "alice")); err == nil {
			t.Errorf("%q", got)
		}
	})
	t.Run("is dropped when the row is gone", func(t *testing.T) {
		db.set(nil, []any{"alice"})
		wantRows(t, l, single("id", "alice"), "alice")
		db.set(nil)
		wantRows(t, l, single("id", "alice"), "")
		db.set(unavailable)
		if got, err := rowsOf(t, l, single("id", "alice")); err == nil {
			t.Errorf("%q", got)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLastGoodIsTooOld(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
	defer s.Close()
	now := time.Now()
	s.now = func() time.Time { return now }
	db := &fake{rows: [][]any{{"alice"}}}
	l := s.Over(db, "", []Rule{{"peers", time.Hour}}, slog.New(slog.DiscardHandler))
	wantRows(t, l, single("id", "alice"), "alice")
	now = now.Add(50 * time.Minute)
	wantRows(t, l, single("id", "alice"), "alice") // seen again
	db.set(unavailable)
	now = now.Add(50 * time.Minute)
	wantRows(t, l, single("id", "alice"), "alice")
	now = now.Add(11 * time.Minute)
	if got, err := rowsOf(t, l, single("id", "alice")); !errors.Is(err, unavailable) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAReadThatAWriteOvertookIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
		defer s.Close()
		db := &fake{rows: [][]any{{"old"}}, wait: make(chan struct{})}
		l := s.Over(db, "", []Rule{{"peers", time.Hour}}, slog.New(slog.DiscardHandler))
		var all sync.WaitGroup
		all.Go(func() { wantRows(t, l, single("id", "alice"), "old") })
		synctest.Wait()
		if _, err := l.Exec(t.Context(), update(fields("id", "alice"), fields("a", "new"))); err != nil {
			t.Fatal(err)
		}
		close(db.wait)
		all.Wait()
		db.set(unavailable)
		if got, err := rowsOf(t, l, single("id", "alice")); err == nil {
			t.Errorf("%q", got)
		}
	})
}

func TestStoreIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lastgood")
	s := openStore(t, name, 64<<10)
	now := time.Now()
	s.now = func() time.Time { now = now.Add(time.Second); return now }
	db := &fake{rows: [][]any{{strings.Repeat("x", 1000)}}}
	l := s.Over(db, "", []Rule{{"peers", 24 * time.Hour}}, slog.New(slog.DiscardHandler))
	for i := range 1000 {
		if _, err := rowsOf(t, l, single("id", fmt.Sprint("p", i))); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			s.flush(false)
		}
	}
	s.flush(true)
	if s.size > 64<<10 || len(s.entries) < 20 {
		t.Errorf("%d bytes in %d entries", s.size, len(s.entries))
	}
	db.set(unavailable)
	if _, err := rowsOf(t, l, single("id", "p999")); err != nil {
		t.Error("the newest entry is gone")
	}
	if _, err := rowsOf(t, l, single("id", "p0")); err == nil {
		t.Error("the oldest entry remains")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if file, err := os.Stat(name); err != nil || file.Size() > 1<<20 {
		t.Errorf("%v, %v", file.Size(), err)
	}
}

func TestStoreThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	taken := filepath.Join(dir, "taken")
	s := openStore(t, taken, 1<<20)
	defer s.Close()
	if _, err := OpenStore(taken, 1<<20, log); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("%v", err)
	}
	if _, err := OpenStore(filepath.Join(dir, "no", "such"), 1<<20, log); err == nil {
		t.Error("a folder that is not there")
	}
}
