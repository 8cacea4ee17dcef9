package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

var peers = sqlgen.NewTable("peers", []sqlgen.Column{{Name: "id", Collation: sqlgen.CaseInsensitive}, {Name: "a"}, {Name: "n", Class: sqlgen.Integer}})

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
	table *sqlgen.Table // nil: peers
	exec  func()        // in a write; nil: nothing
	wait  chan struct{} // closed to let queries go on; nil: they do not wait
}

func (f *fake) Dialect() *sqlgen.Dialect { return dialect }
func (f *fake) Describe(context.Context, string) (*sqlgen.Table, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.table != nil {
		return f.table, f.err
	}
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
			return &sqlgen.Fault{Cause: cause(ctx)}
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

func (f *fake) Exec(context.Context, sqlgen.Statement) (int64, error) {
	if f.exec != nil {
		f.exec()
	}
	return 1, f.err
}

// set changes what the database does.
func (f *fake) set(err error, rows ...[]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.rows = err, rows
}

func (f *fake) describe(table *sqlgen.Table) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table = table
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
	for limit, over := range map[int]bool{5: false, 4: true} {
		r := recording{limit: limit}
		if r.add([][]byte{[]byte("abc")}); r.over != over || len(r.text) != 5 && !over {
			t.Errorf("5 bytes, limit %d: over: %v, %d bytes", limit, r.over, len(r.text))
		}
	}
}

func TestRowsThatAreCutShortAreInvalid(t *testing.T) {
	r := recording{limit: 1000}
	r.add([][]byte{[]byte("a"), nil, []byte(strings.Repeat("x", 200))})
	for n := 1; n < len(r.text); n++ {
		if valid, err := each(r.text[:n], func([][]byte) error { return errors.New("it has a row") }); valid || err != nil {
			t.Errorf("%d of %d bytes: valid: %v, %v", n, len(r.text), valid, err)
		}
	}
}

func TestDigestsOfTextsAreLimited(t *testing.T) {
	for i := range 2 * maxSQLDigests {
		sqlDigest(fmt.Sprint("SELECT ", i))
	}
	if n := len(*sqlDigests.Load()); n != maxSQLDigests {
		t.Errorf("%d digests are kept, not %d", n, maxSQLDigests)
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

func TestRulesFindTheLongestPatternAndLeaveOutWhatAsteriskWrites(t *testing.T) {
	rs := newRules([]Rule{{"*", 1}, {"ps_*", 2}, {"ps_contacts", 3}, {"ps_aors", 4}, {"a*c", 5}, {"*bc", 6}})
	for table, want := range map[string]time.Duration{"abc": 5, "extensions": 1, "ps_endpoints": 2, "ps_contacts": 3, "PS_AORS": 4, "queue_log": 0, "voicemail": 0} {
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
		if s.size > 0 {
			t.Errorf("%d bytes are kept for no time", s.size)
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
		first := db.wait
		db.wait = make(chan struct{})
		db.set(nil, []any{"new"})
		all.Go(func() { wantRows(t, s, single("id", "alice"), "new") })
		synctest.Wait()
		close(first) // the older query ends before the newer one
		synctest.Wait()
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

// TestAReplicaThatIsBehind has a database that returns the row from before a write for a
// while.
func TestAReplicaThatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, replicas := range []bool{false, true} {
			db := &fake{rows: [][]any{{"old"}}}
			s := New(db, []Rule{{"peers", 24 * time.Hour}}, 1<<20)
			s.Replicas = replicas
			wantRows(t, s, single("id", "alice"), "old")
			wantRows(t, s, single("id", "alice"), "old")
			if db.queries() != 1 {
				t.Errorf("replicas %v: %d queries before the write", replicas, db.queries())
			}
			if _, err := s.Exec(t.Context(), update(fields("id", "alice"), fields("a", "x"))); err != nil {
				t.Fatal(err)
			}
			wantRows(t, s, single("id", "alice"), "old")
			db.set(nil, []any{"new"})
			want := map[bool]string{false: "old", true: "new"}
			wantRows(t, s, single("id", "alice"), want[replicas])
			time.Sleep(replicaLag)
			wantRows(t, s, single("id", "alice"), want[replicas])
			db.set(nil, []any{"newer"})
			wantRows(t, s, single("id", "alice"), want[replicas]) // it is kept again
		}
	})
}

func TestWhoWaitsDependsOnTheDatabaseOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &fake{rows: [][]any{{"alice"}}, wait: make(chan struct{})}
		s := New(db, []Rule{{"peers", 0}}, 1<<20)
		var all sync.WaitGroup
		slow := make(chan struct{})
		all.Go(func() {
			_ = s.Query(t.Context(), single("id", "alice"), func([][]byte) error { <-slow; return nil })
		})
		synctest.Wait()
		var others atomic.Int64
		for range 3 {
			all.Go(func() { wantRows(t, s, single("id", "alice"), "alice"); others.Add(1) })
		}
		synctest.Wait()
		close(db.wait)
		synctest.Wait()
		if others.Load() != 3 || db.queries() != 1 {
			t.Errorf("%d have their rows after %d queries", others.Load(), db.queries())
		}
		close(slow)
		all.Wait()
	})
}

func TestWhoWaitsIsNotBoundByTheTimeOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &fake{rows: [][]any{{"alice"}}, wait: make(chan struct{})}
		s := New(db, []Rule{{"peers", 0}}, 1<<20)
		var all sync.WaitGroup
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		all.Go(func() {
			var fault *sqlgen.Fault
			if err := s.Query(short, single("id", "alice"), nil); !errors.As(err, &fault) || fault.Cause != sqlgen.Timeout {
				t.Errorf("%v", err)
			}
		})
		synctest.Wait()
		all.Go(func() { wantRows(t, s, single("id", "alice"), "alice") })
		time.Sleep(2 * time.Second)
		close(db.wait)
		all.Wait()
	})
}

// TestTooManyRowsAreReadByEachAtOnce has clients wait for rows that turn out to be too many.
func TestTooManyRowsAreReadByEachAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("x", maxShared/3)
		db := &fake{rows: [][]any{{long}, {long}, {long}, {"last"}}, wait: make(chan struct{})}
		s := New(db, []Rule{{"peers", time.Hour}}, 8<<20)
		want := strings.Join([]string{long, long, long, "last"}, " ")
		var all sync.WaitGroup
		slow := make(chan struct{})
		all.Go(func() {
			var got []string
			err := s.Query(t.Context(), single("id", "alice"), func(columns [][]byte) error {
				<-slow
				got = append(got, string(columns[0]))
				return nil
			})
			if strings.Join(got, " ") != want || err != nil {
				t.Errorf("who queries first gets %d rows, %v", len(got), err)
			}
		})
		synctest.Wait()
		for range 4 {
			all.Go(func() {
				if got, err := rowsOf(t, s, single("id", "alice")); got != want || err != nil {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		synctest.Wait()
		first := db.wait
		db.mu.Lock()
		db.wait = make(chan struct{})
		db.mu.Unlock()
		close(first)
		synctest.Wait()
		if db.queries() != 5 { // all of them run
			t.Errorf("%d queries", db.queries())
		}
		close(db.wait)
		close(slow)
		all.Wait()
		if s.size > 0 || len(s.tables["peers"].flights) > 0 {
			t.Errorf("%d bytes, %d queries are left", s.size, len(s.tables["peers"].flights))
		}
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
	if n := len(s.tables["peers"].rows); s.size > 10_000 || n < 2 || n*1000 > 10_000 {
		t.Errorf("%d bytes in %d entries", s.size, n)
	}
	if _, err := s.Exec(t.Context(), update(fields("id", "1"), fields("a", "x"))); err != nil || s.size != 0 {
		t.Errorf("after a write, %d bytes: %v", s.size, err)
	}
}

func TestAllOfTheSharedMemoryIsUsed(t *testing.T) {
	db := &fake{rows: [][]any{{strings.Repeat("x", 1000)}}}
	keep := func(bytes int64, entries int) *Cache {
		s := New(db, []Rule{{"peers", time.Hour}}, bytes)
		for i := range entries {
			if _, err := rowsOf(t, s, single("id", fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	one := keep(1<<20, 1).size
	for entries := 1; entries < 4; entries++ {
		if n := len(keep(int64(entries)*one, entries).tables["peers"].rows); n != entries {
			t.Errorf("%d of %d entries are kept that fit", n, entries)
		}
		if n := len(keep(int64(entries)*one-1, entries).tables["peers"].rows); n != entries-1 {
			t.Errorf("%d of %d entries are kept, one of which does not fit", n, entries)
		}
	}
}

// A client's own error ends its query, and is returned.
func TestAClientThatTakesNoMoreRows(t *testing.T) {
	enough := errors.New("enough")
	for what, rows := range map[string][][]any{
		"some rows":     {{"a"}, {"b"}, {"c"}},
		"too many rows": {{"a"}, {strings.Repeat("x", maxShared)}, {"c"}},
	} {
		for most := 1; most <= 3; most++ {
			s := New(&fake{rows: rows}, []Rule{{"peers", time.Hour}}, 8<<20)
			taken := 0
			err := s.Query(t.Context(), single("id", "alice"), func([][]byte) error {
				if taken++; taken == most {
					return enough
				}
				return nil
			})
			if !errors.Is(err, enough) || taken != most {
				t.Errorf("%s: %d taken of at most %d, %v", what, taken, most, err)
			}
		}
	}
}
