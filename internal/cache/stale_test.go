package cache

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func openStore(t testing.TB, name string, limit int64) *Store {
	t.Helper()
	s, err := OpenStore(name, limit, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// over returns a database whose rows are kept in a store for an hour.
func over(s *Store, db gateway.Database, scope string) *StaleCache {
	return s.Over(db, scope, []Rule{{"peers", time.Hour}}, slog.New(slog.DiscardHandler))
}

// wantNone fails the test if there is a stale response.
func wantNone(t *testing.T, db gateway.Database, s sqlgen.Statement) {
	t.Helper()
	if got, err := rowsOf(t, db, s); err == nil {
		t.Errorf("%s %v: %q, want none", s.SQL, s.Args, got)
	}
}

func TestStaleResponses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lastgood")
	db := &fake{rows: [][]any{{"alice", nil, "1"}}}
	s := openStore(t, name, 1<<20)
	l := over(s, db, "db1")
	if _, err := l.Describe(t.Context(), "Peers"); err != nil {
		t.Fatal(err)
	}
	wantRows(t, l, single("id", "alice"), "alice,NULL,1")
	wantRows(t, l, multi("id LIKE", "%"), "alice,NULL,1")
	db.set(nil)
	wantRows(t, l, single("id", "nobody"), "")

	db.set(unavailable)
	wantRows(t, l, single("id", "alice"), "alice,NULL,1")
	wantNone(t, l, single("id", "nobody"))
	wantNone(t, l, single("id", "carol"))
	if table, err := l.Describe(t.Context(), "Peers"); err != nil || len(table.Columns) != 3 {
		t.Errorf("%+v, %v", table, err)
	}
	if _, err := l.Describe(t.Context(), "other"); !errors.Is(err, unavailable) {
		t.Errorf("%v", err)
	}

	reopen := func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, name, 1<<20)
		l = over(s, db, "db1")
	}
	t.Run("survive the process", func(t *testing.T) {
		reopen()
		wantRows(t, l, single("id", "alice"), "alice,NULL,1")
		if table, err := l.Describe(t.Context(), "Peers"); err != nil || table.Name != "peers" {
			t.Errorf("%+v, %v", table, err)
		}
	})
	t.Run("are not used for another database", func(t *testing.T) {
		wantNone(t, over(s, db, "db2"), single("id", "alice"))
	})
	t.Run("are not used where the database refuses a statement", func(t *testing.T) {
		for _, c := range []sqlgen.Cause{sqlgen.UnknownTable, sqlgen.Denied, sqlgen.Canceled, sqlgen.Unexpected} {
			db.set(&sqlgen.Fault{Cause: c})
			wantNone(t, l, single("id", "alice"))
		}
	})
	t.Run("are dropped by a write, though it failed", func(t *testing.T) {
		db.set(unavailable)
		_, _ = l.Exec(t.Context(), update(fields("id", "alice"), fields("a", "x")))
		wantNone(t, l, single("id", "alice"))
		wantNone(t, l, multi("id LIKE", "%"))
	})
	t.Run("stay dropped in the file", func(t *testing.T) {
		reopen()
		wantNone(t, l, single("id", "alice"))
		wantNone(t, l, multi("id LIKE", "%"))
	})
	t.Run("are dropped when the row is gone", func(t *testing.T) {
		for _, afterRestart := range []bool{false, true} {
			db.set(nil, []any{"alice"})
			wantRows(t, l, single("id", "alice"), "alice")
			if afterRestart {
				reopen()
			}
			db.set(nil)
			wantRows(t, l, single("id", "alice"), "")
			db.set(unavailable)
			wantNone(t, l, single("id", "alice"))
			reopen()
			wantNone(t, l, single("id", "alice"))
		}
		for _, rows := range []string{"alice", "", "alice"} { // and come back with it
			db.set(nil)
			if rows != "" {
				db.set(nil, []any{rows})
			}
			wantRows(t, l, single("id", "alice"), rows)
		}
		db.set(unavailable)
		wantRows(t, l, single("id", "alice"), "alice")
	})
	t.Run("are dropped when the table has another schema", func(t *testing.T) {
		db.set(nil, []any{"alice"})
		wantRows(t, l, single("id", "alice"), "alice")
		db.describe(sqlgen.NewTable("peers", []sqlgen.Column{{Name: "id"}, {Name: "a"}, {Name: "n"}}))
		if _, err := l.Describe(t.Context(), "peers"); err != nil {
			t.Fatal(err)
		}
		wantRows(t, l, single("a", "x"), "alice")
		db.set(unavailable)
		wantNone(t, l, single("id", "alice"))
		wantRows(t, l, single("a", "x"), "alice")
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStaleRowsAreTooOld(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lastgood")
	s := openStore(t, name, 1<<20)
	now := time.Now()
	s.now = func() time.Time { return now }
	db := &fake{rows: [][]any{{"alice"}}}
	l := over(s, db, "")
	wantRows(t, l, single("id", "alice"), "alice")
	for range 10 {
		now = now.Add(5 * time.Minute)
		wantRows(t, l, single("id", "alice"), "alice") // seen again
	}
	db.set(unavailable)
	now = now.Add(59 * time.Minute)
	wantRows(t, l, single("id", "alice"), "alice")
	now = now.Add(time.Minute)
	wantRows(t, l, single("id", "alice"), "alice")
	now = now.Add(time.Millisecond)
	wantNone(t, l, single("id", "alice"))
	now = now.Add(time.Minute)
	noError(t, s.Close())

	s = openStore(t, name, 1<<20) // which knows the time less exactly, but never as later
	defer s.Close()
	l = over(s, db, "")
	s.now = func() time.Time { return now }
	wantNone(t, l, single("id", "alice"))
	now = now.Add(-2*time.Minute - time.Hour/rewriteFraction)
	wantRows(t, l, single("id", "alice"), "alice")
}

func TestAReadThatAWriteOvertookIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
		defer s.Close()
		db := &fake{rows: [][]any{{"old"}}, wait: make(chan struct{})}
		l := over(s, db, "")
		var all sync.WaitGroup
		all.Go(func() { wantRows(t, l, single("id", "alice"), "old") })
		synctest.Wait()
		if _, err := l.Exec(t.Context(), update(fields("id", "alice"), fields("a", "new"))); err != nil {
			t.Fatal(err)
		}
		close(db.wait)
		all.Wait()
		db.set(unavailable)
		wantNone(t, l, single("id", "alice"))
	})
}

// TestStaleAORs keeps AORs by a pattern, and by their name.
func TestStaleAORs(t *testing.T) {
	aors := sqlgen.NewTable("my_aors", []sqlgen.Column{{Name: "id"}, {Name: "Contact"}, {Name: "max_contacts"}})
	all := must(sqlgen.Multi(dialect, aors, fields("id LIKE", "%")))
	hidden := must(sqlgen.Multi(dialect, aors.Only(func(c *sqlgen.Column) bool { return c.Name != "Contact" }), fields("id LIKE", "%")))
	for pattern, want := range map[string]string{"*": "static,sip:1,NULL both,sip:2,NULL", "my_aors": "phone,NULL,2 empty,,1 static,sip:1,0 both,sip:2,1"} {
		s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
		defer s.Close()
		db := &fake{table: aors}
		l := s.Over(db, "", []Rule{{pattern, time.Hour}}, slog.New(slog.DiscardHandler))
		if _, err := l.Describe(t.Context(), "my_aors"); err != nil {
			t.Fatal(err)
		}
		db.set(nil, []any{"phone", nil, "2"}, []any{"empty", "", "1"}, []any{"static", "sip:1", "0"}, []any{"both", "sip:2", "1"})
		wantRows(t, l, all, "phone,NULL,2 empty,,1 static,sip:1,0 both,sip:2,1")
		db.set(nil, []any{"phone", "2"})
		wantRows(t, l, hidden, "phone,2")
		db.set(unavailable)
		wantRows(t, l, all, want)
		if pattern == "*" {
			wantNone(t, l, hidden) // whether they have a contact is not known
		}
	}
}

// TestStaleAORsInAnyOrder has the columns of AORs in other orders.
func TestStaleAORsInAnyOrder(t *testing.T) {
	phone := map[string]any{"id": "phone", "contact": nil, "max_contacts": "2"}
	static := map[string]any{"id": "static", "contact": "sip:1", "max_contacts": "2"}
	for order, want := range map[string]string{
		"contact id max_contacts": "sip:1,static,NULL",
		"max_contacts contact id": "NULL,sip:1,static",
	} {
		columns := strings.Fields(order)
		var described []sqlgen.Column
		var rows [2][]any
		for _, name := range columns {
			described = append(described, sqlgen.Column{Name: name})
			rows[0], rows[1] = append(rows[0], phone[name]), append(rows[1], static[name])
		}
		aors := sqlgen.NewTable("my_aors", described)
		all := must(sqlgen.Multi(dialect, aors, fields("id LIKE", "%")))
		s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
		defer s.Close()
		db := &fake{table: aors, rows: rows[:]}
		l := s.Over(db, "", []Rule{{"*", time.Hour}}, slog.New(slog.DiscardHandler))
		if _, err := l.Describe(t.Context(), "my_aors"); err != nil {
			t.Fatal(err)
		}
		if _, err := rowsOf(t, l, all); err != nil {
			t.Fatal(err)
		}
		db.set(unavailable)
		wantRows(t, l, all, want)
	}
}

// TestWritesUnderAnotherConfiguration reloads: the table has no rule while it is written, or
// the database has another address.
func TestWritesUnderAnotherConfiguration(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
	defer s.Close()
	db := &fake{rows: [][]any{{"old"}}}
	for _, other := range []*StaleCache{s.Over(db, "db1", nil, slog.New(slog.DiscardHandler)), over(s, db, "db2")} {
		l := over(s, db, "db1")
		db.set(nil, []any{"old"})
		wantRows(t, l, single("id", "alice"), "old")
		if _, err := other.Exec(t.Context(), update(fields("id", "alice"), fields("a", "new"))); err != nil {
			t.Fatal(err)
		}
		db.set(unavailable)
		wantNone(t, l, single("id", "alice"))
	}
	for _, scope := range []string{"db3", "db4"} {
		l := over(s, db, scope)
		db.set(nil, []any{"old"})
		if _, err := l.Describe(t.Context(), "peers"); err != nil {
			t.Fatal(err)
		}
		wantRows(t, l, single("id", "alice"), "old")
		db.set(unavailable)
		if _, err := l.Describe(t.Context(), "peers"); err != nil {
			t.Errorf("the schema is that of another database: %v", err)
		}
	}
}

// TestWhatAWriteDrops keeps two rows by their key, and one by a pattern, in the queue and in
// the file.
func TestWhatAWriteDrops(t *testing.T) {
	destroy := func(pairs ...string) sqlgen.Statement { return must(sqlgen.Destroy(dialect, peers, fields(pairs...))) }
	store := func(pairs ...string) sqlgen.Statement { return must(sqlgen.Store(dialect, peers, fields(pairs...))) }
	const nothing, one, everything = "alice bob", "bob", ""
	for _, test := range []struct {
		name  string
		write sqlgen.Statement
		want  string // what remains
	}{
		{"the row itself", update(fields("id", "alice"), fields("a", "x")), one},
		{"in another case", update(fields("id", "ALICE "), fields("a", "x")), one},
		{"another row", update(fields("id", "carol"), fields("a", "x")), nothing},
		{"another row that becomes this one", update(fields("id", "carol"), fields("id", "alice")), everything},
		{"a row by another column", update(fields("a", "x"), fields("n", "1")), everything},
		{"rows by a pattern", update(fields("id LIKE", "c%"), fields("a", "x")), everything},
		{"rows by an order", update(fields("id >", "c"), fields("a", "x")), everything},
		{"a row by two columns", update(fields("a", "x", "id", "alice"), fields("n", "1")), one},
		{"letters beyond ASCII", update(fields("id", "caról"), fields("a", "x")), everything},
		{"a new row", store("id", "carol"), everything},
		{"a row that goes", destroy("id", "alice"), one},
		{"another row that goes", destroy("id", "carol"), nothing},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, inFile := range []bool{false, true} {
				s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
				defer s.Close()
				db := &fake{rows: [][]any{{"x"}}}
				l := over(s, db, "")
				keep := func() {
					for _, st := range []sqlgen.Statement{single("id", "alice"), single("id", "bob"), multi("id LIKE", "%")} {
						wantRows(t, l, st, "x")
					}
				}
				keep()
				if inFile {
					s.flush(false)
				}
				if _, err := l.Exec(t.Context(), test.write); err != nil {
					t.Fatal(err)
				}
				check := func() {
					t.Helper()
					got := ""
					for _, id := range []string{"alice", "bob"} {
						if rows, err := rowsOf(t, l, single("id", id)); err == nil && rows == "x" {
							got += " " + id
						}
					}
					if got = strings.TrimSpace(got); got != test.want {
						t.Errorf("in the file %v: left are %q, want %q", inFile, got, test.want)
					}
					wantNone(t, l, multi("id LIKE", "%"))
				}
				db.set(unavailable)
				check()
				s.flush(false)
				check()
				db.set(nil, []any{"x"})
				keep() // what was dropped is kept again, though it is as before
				s.flush(false)
				db.set(unavailable)
				for _, st := range []sqlgen.Statement{single("id", "alice"), single("id", "bob"), multi("id LIKE", "%")} {
					wantRows(t, l, st, "x")
				}
			}
		})
	}
}

// TestRowsReadBeforeTheFirstKeyAreKept queries all rows, as Asterisk does when it starts, and
// then one by its key.
func TestRowsReadBeforeTheFirstKeyAreKept(t *testing.T) {
	s := newSite(t, filepath.Join(t.TempDir(), "file"), 8<<20)
	if _, err := s.Describe(t.Context(), "peers"); err != nil {
		t.Fatal(err)
	}
	all, one := multi("id LIKE", "%"), single("id", "alice")
	s.keep(t, all)
	s.store.flush(false)
	s.keep(t, one)
	s.wants(t, "peers[%] peers[alice]", all, one)
	s.write(t, update(fields("id", "bob"), fields("a", "x")))
	s.wants(t, "peers[alice]", all, one)
	noError(t, s.store.Close())
}

// TestARowReadBetweenTwoWritesIsDropped has the second write come before the first is
// written to the file.
func TestARowReadBetweenTwoWritesIsDropped(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
	defer s.Close()
	db := &fake{rows: [][]any{{"x"}}}
	l := over(s, db, "")
	wantRows(t, l, single("id", "alice"), "x")
	for range 3 {
		for _, value := range []string{"1", "2"} {
			if _, err := l.Exec(t.Context(), update(fields("id", "alice"), fields("a", value))); err != nil {
				t.Fatal(err)
			}
			db.set(unavailable)
			wantNone(t, l, single("id", "alice"))
			db.set(nil, []any{value})
			wantRows(t, l, single("id", "alice"), value)
			db.set(unavailable)
			wantRows(t, l, single("id", "alice"), value)
			db.set(nil, []any{value})
		}
		s.flush(false)
		db.set(unavailable)
		wantRows(t, l, single("id", "alice"), "2")
		db.set(nil, []any{"x"})
	}
}

// TestStoreIsUsedByManyAtOnce keeps, finds, writes and reloads at the same time. No reader
// may find a row that is older than what was written before.
func TestStoreIsUsedByManyAtOnce(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lastgood"), 1<<20)
	defer s.Close()
	db := &counter{}
	var current atomic.Pointer[StaleCache]
	current.Store(over(s, db, ""))
	ctx, cancel := context.WithCancel(t.Context())
	var all, writers sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				l := current.Load()
				_ = l.Query(ctx, single("id", "alice"), func([][]byte) error { return nil })
				_, _ = l.Describe(ctx, "peers")
			}
		})
		all.Go(func() {
			for ctx.Err() == nil {
				written := db.written.Load()
				rows, ok := current.Load().StaleRows(single("id", "alice"), unavailable)
				if !ok {
					continue
				}
				_ = rows.Each(func(columns [][]byte) error {
					if n, err := strconv.ParseInt(string(columns[0]), 10, 64); err != nil || n < written {
						t.Errorf("%s, but %d was written before: %v", columns[0], written, err)
					}
					return nil
				})
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			current.Store(over(s, db, ""))
			s.flush(false)
			s.Stats()
		}
	})
	writers.Go(func() {
		for i := range 500 {
			lookup := fields("id", "alice")
			if i%3 == 0 {
				lookup = fields("n", "1")
			}
			if _, err := current.Load().Exec(ctx, update(lookup, fields("a", "x"))); err != nil {
				t.Error(err)
			}
			db.written.Store(db.value.Load())
		}
	})
	writers.Wait()
	cancel()
	all.Wait()
}

// A counter is a database whose only row is how often it was written.
type counter struct {
	fake
	value   atomic.Int64
	written atomic.Int64 // the value when a write had returned
}

func (c *counter) Query(_ context.Context, _ sqlgen.Statement, row func([][]byte) error) error {
	return row([][]byte{strconv.AppendInt(nil, c.value.Load(), 10)})
}

func (c *counter) Exec(context.Context, sqlgen.Statement) (int64, error) {
	c.value.Add(1)
	return 1, nil
}
