package databasetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// batches are about reads of one row that wait for each other.
var batches = map[string]func(*testing.T, *fixture){
	"a read that comes alone is not batched": func(t *testing.T, f *fixture) {
		phones := f.phones()
		for range 10 {
			f.wantRows("alice", f.single(phones, "id", "alice"), "alice|secret of alice")
			f.wantRows("nobody", f.single(phones, "id", "nobody"))
		}
		if got := f.DB.Batches(); got != (database.BatchStats{}) {
			t.Errorf("%+v", got)
		}
	},

	"reads that wait are asked together": func(t *testing.T, f *fixture) {
		phones := f.phones()
		release := f.holdReads(phones)
		var ids []string
		for n := range 100 {
			ids = append(ids, fmt.Sprintf("phone%d", n%30))
		}
		wait := f.readAll(phones, ids, func(id string) []string { return []string{id + "|secret of " + id} })
		more := f.readAll(phones, []string{"nobody", "Phone-7"}, func(string) []string { return nil })
		f.awaitWaiting(102)
		release()
		wait()
		more()
		if got := f.DB.Batches(); got.Sent < 2 || got.Reads != 102 || got.Again != 0 || got.Waiting != 0 {
			t.Errorf("%+v", got)
		}
	},

	"other columns and conditions are not asked together": func(t *testing.T, f *fixture) {
		phones := f.phones()
		defer f.holdReads(phones)()
		f.wantRows("by another column", f.single(phones, "secret", "secret of alice"), "alice|secret of alice")
		f.wantRows("by two columns", f.single(phones, "id", "alice", "secret", "other"))
		f.wantRows("by a pattern", f.single(phones, "id LIKE", "ali%"), "alice|secret of alice")
		f.wantRows("all rows", f.multi(phones, "id", "alice"), "alice|secret of alice")
		part := phones.Only(func(c *sqlgen.Column) bool { return c.Name == "id" })
		f.wantRows("with other rights", f.single(part, "id", "alice"), "alice")
	},

	"a read sees what was written before it came": func(t *testing.T, f *fixture) {
		phones := f.phones()
		var all sync.WaitGroup
		for n := range 30 {
			all.Go(func() {
				id := fmt.Sprintf("phone%d", n)
				for version := range 30 {
					want := fmt.Sprintf("version %d", version)
					s, err := sqlgen.Update(f.DB.Dialect(), phones, fields("id", id), fields("secret", want))
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := f.DB.Exec(t.Context(), s); err != nil {
						t.Error(plain(err))
						return
					}
					if got := f.read(t.Context(), phones, id); got.err != nil || !slices.Equal(got.rows, []string{id + "|" + want}) {
						t.Errorf("%s: %q, %v after %q", id, got.rows, got.err, want)
						return
					}
				}
			})
		}
		all.Wait()
	},

	"a read that leaves does not end those of others": func(t *testing.T, f *fixture) {
		phones := f.phones()
		unblock, release := f.blockBatch(phones)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- f.read(ctx, phones, "bob").err }()
		wait := f.readAll(phones, []string{"alice", "bob", "phone1"}, func(id string) []string { return []string{id + "|secret of " + id} })
		f.awaitWaiting(4)
		release()
		f.awaitWaiting(0)
		leave()
		f.wantCause("who left", <-left, sqlgen.Canceled)
		unblock()
		wait()
	},

	"a batch ends in the database when all have left": func(t *testing.T, f *fixture) {
		phones := f.phones()
		for what, c := range map[string]struct {
			context func() (context.Context, context.CancelFunc)
			want    sqlgen.Cause
		}{
			"clients left": {func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }, sqlgen.Canceled},
			"time was up":  {func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), time.Second) }, sqlgen.Timeout},
		} {
			before := f.DB.Batches()
			unblock, release := f.blockBatch(phones)
			ctx, leave := c.context()
			var all sync.WaitGroup
			for n := range 10 {
				all.Go(func() { f.wantCause(what, f.read(ctx, phones, fmt.Sprintf("phone%d", n)).err, c.want) })
			}
			f.awaitWaiting(10)
			release()
			f.awaitWaiting(0)
			if c.want == sqlgen.Canceled {
				f.awaitRunning(1)
				leave()
			}
			all.Wait()
			leave()
			f.awaitRunning(0)
			unblock()
			if got := f.DB.Batches(); got.Reads-before.Reads != 10 || got.Again != before.Again {
				t.Errorf("%s: %+v", what, got)
			}
		}
		f.wantRows("afterwards", f.single(phones, "id", "alice"), "alice|secret of alice")
	},

	"a table that has changed": func(t *testing.T, f *fixture) {
		phones := f.phones()
		release := f.holdReads(phones)
		f.setup("ALTER TABLE [phones] DROP COLUMN [secret]")
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				f.wantCause("read", f.read(t.Context(), phones, fmt.Sprintf("phone%d", n)).err, sqlgen.UnknownColumn)
			})
		}
		f.awaitWaiting(10)
		release()
		all.Wait()
		if got := f.DB.Batches(); got.Again != 0 {
			t.Errorf("%+v", got)
		}
	},

	"a key that is none any more": func(t *testing.T, f *fixture) {
		f.setup("CREATE TABLE [phones] ([id] VARCHAR(40) NOT NULL, [secret] VARCHAR(40), CONSTRAINT [onlyone] UNIQUE ([id]))")
		phones := f.describe("phones")
		f.setup("DROP TABLE [phones]", "CREATE TABLE [phones] ([id] VARCHAR(40) NOT NULL, [secret] VARCHAR(40))",
			"INSERT INTO [phones] VALUES ('bob', 'secret')"+strings.Repeat(", ('alice', 'secret')", 500))
		release := f.holdReads(phones)
		wait := f.readAll(phones, []string{"alice", "bob", "alice"}, func(id string) []string { return []string{id + "|secret"} })
		f.awaitWaiting(3)
		release()
		wait()
	},
}

// phones makes a table whose key is a text.
func (f *fixture) phones() *sqlgen.Table {
	f.t.Helper()
	f.setup("CREATE TABLE [phones] ([id] VARCHAR(40) NOT NULL PRIMARY KEY, [secret] VARCHAR(40))")
	ids := []string{"alice", "bob"}
	for n := range 30 {
		ids = append(ids, fmt.Sprintf("phone%d", n))
	}
	for _, id := range ids {
		f.setup("INSERT INTO [phones] VALUES ('" + id + "', 'secret of " + id + "')")
	}
	return f.describe("phones")
}

// A readResult is what a read of one row brought.
type readResult struct {
	rows []string
	err  error
}

// read reads one row by its id, in any goroutine.
func (f *fixture) read(ctx context.Context, table *sqlgen.Table, id string) (r readResult) {
	return readText(ctx, f.DB, table, "id", id)
}

func readText(ctx context.Context, db *database.DB, table *sqlgen.Table, column, value string) (r readResult) {
	s, err := sqlgen.Single(db.Dialect(), table, fields(column, value))
	if err != nil {
		return readResult{err: err}
	}
	r.err = db.Query(ctx, s, func(columns [][]byte) error {
		texts := make([]string, len(columns))
		for i, c := range columns {
			texts[i] = string(c)
			if c == nil {
				texts[i] = null
			}
		}
		r.rows = append(r.rows, strings.Join(texts, "|"))
		return nil
	})
	return r
}

// readAll reads the rows of ids, all at once, and checks them.
func (f *fixture) readAll(table *sqlgen.Table, ids []string, want func(id string) []string) (wait func()) {
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			if got := f.read(f.t.Context(), table, id); got.err != nil || !slices.Equal(got.rows, want(id)) {
				f.t.Errorf("%s: %q, %v", id, got.rows, plain(got.err))
			}
		})
	}
	return all.Wait
}

// holdReads lets reads of a table's rows by their id wait, until release.
func (f *fixture) holdReads(table *sqlgen.Table) (release func()) {
	f.t.Helper()
	s, err := sqlgen.Single(f.DB.Dialect(), table, fields("id", "bob"))
	if err != nil {
		f.t.Fatal(err)
	}
	var all sync.WaitGroup
	held := make(chan struct{})
	for waits := false; !waits; {
		ctx, leave := context.WithCancel(f.t.Context())
		reads := make(chan struct{})
		all.Go(func() {
			err := f.DB.Query(ctx, s, func([][]byte) error {
				close(reads)
				<-held
				return nil
			})
			if err != nil && ctx.Err() == nil {
				f.t.Error(plain(err))
			}
		})
		for begun := false; !begun && !waits; waits = f.DB.Batches().Waiting > 0 {
			select {
			case <-reads:
				begun = true
			case <-time.After(time.Millisecond):
			}
		}
		if waits {
			leave() // the one that waits
			f.awaitWaiting(0)
		}
		f.t.Cleanup(leave)
	}
	return sync.OnceFunc(func() {
		close(held)
		all.Wait()
	})
}

// blockBatch lets reads of a table's rows wait until release, and after that wait in the
// database until unblock.
func (f *fixture) blockBatch(table *sqlgen.Table) (unblock, release func()) {
	f.t.Helper()
	release = f.holdReads(table)
	unblock = f.Block(table.Name)
	return unblock, release
}

func (f *fixture) awaitWaiting(n int64) {
	for f.DB.Batches().Waiting != n && f.t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// WantBatchedAsSingle reads rows by random values of a column of a type, one after another
// and many at once, and checks that the rows are the same. run is that of Setup.
func WantBatchedAsSingle(t *testing.T, db *database.DB, run func(...string), typ string, reads int) {
	t.Helper()
	run("DROP TABLE IF EXISTS keyed", "CREATE TABLE keyed (id "+typ+" NOT NULL PRIMARY KEY, n INTEGER)")
	random := rand.New(rand.NewPCG(1, uint64(reads)))
	table, err := db.Describe(t.Context(), "keyed")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		s, err := sqlgen.Store(db.Dialect(), table, fields("id", randomKey(random), "n", "1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), s); err != nil && CauseOf(err) != sqlgen.Duplicate && CauseOf(err) != sqlgen.BadValue {
			t.Fatalf("%s: %v", typ, plain(err))
		}
	}
	values := make([]string, reads)
	want := make([]readResult, reads)
	for i := range values {
		values[i] = randomKey(random)
		want[i] = readText(t.Context(), db, table, "id", values[i])
	}
	const clients = 64
	var all sync.WaitGroup
	found := make([]int, clients)
	for client := range clients {
		all.Go(func() {
			for i := client; i < reads; i += clients {
				got := readText(t.Context(), db, table, "id", values[i])
				if !slices.Equal(got.rows, want[i].rows) || CauseOf(got.err) != CauseOf(want[i].err) {
					t.Errorf("%s: %q: together %q, %v, alone %q, %v", typ, values[i], got.rows, plain(got.err), want[i].rows, plain(want[i].err))
				}
				found[client] += len(got.rows)
			}
		})
	}
	all.Wait()
	if !slices.ContainsFunc(found, func(n int) bool { return n > 0 }) {
		t.Errorf("%s: no row was found", typ)
	}
}

// randomKey is a short text of parts that some collation takes for others.
func randomKey(random *rand.Rand) string {
	parts := []string{
		"a", "A", "b", "B", "bob", "Bob", "0", "7", "-", "_", "i", "I", "y", "v", "w", "ss", "ae", "ch", "dz", " ", "  ", "'", `\`, "%",
		"ä", "Ä", "é", "e\u0301", "ß", "ı", "İ", "ő", "ǆ", "æ", "ø", "\u200b", "\u00a0", "日", "😀", "\t", "\n", "\x00", "\xff", "\xc3", "\x1a",
	}
	ascii := 24
	if random.IntN(4) == 0 {
		ascii = len(parts)
	}
	var key strings.Builder
	for range 1 + random.IntN(3) {
		key.WriteString(parts[random.IntN(ascii)])
	}
	return key.String()
}
