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
		var all sync.WaitGroup
		for range 30 {
			for what, lookup := range map[string][]sqlgen.Field{
				"by another column": fields("secret", "secret of alice"),
				"by two columns":    fields("id", "alice", "secret", "secret of alice"),
				"by a pattern":      fields("id LIKE", "ali%"),
			} {
				all.Go(func() {
					if got := readWhere(t.Context(), f.DB, phones, lookup); got.err != nil || !slices.Equal(got.rows, []string{"alice|secret of alice"}) {
						t.Errorf("%s: %q, %v", what, got.rows, plain(got.err))
					}
				})
			}
		}
		all.Wait()
		if got := f.DB.Batches(); got != (database.BatchStats{}) {
			t.Errorf("%+v", got)
		}
	},

	"each gets the columns that it may see": func(t *testing.T, f *fixture) {
		phones := f.phones()
		part := phones.Only(func(c *sqlgen.Column) bool { return c.Name == "id" })
		release := f.holdReads(phones)
		var ids []string
		for n := range 30 {
			ids = append(ids, fmt.Sprintf("phone%d", n))
		}
		whole := f.readAll(phones, ids, func(id string) []string { return []string{id + "|secret of " + id} })
		some := f.readAll(part, ids, func(id string) []string { return []string{id} })
		release()
		whole()
		some()
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
		f.setup("ALTER TABLE [phones] DROP COLUMN [secret]")
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() {
				f.wantCause("read", f.read(t.Context(), phones, fmt.Sprintf("phone%d", n)).err, sqlgen.UnknownColumn)
			})
		}
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
	return readWhere(ctx, db, table, fields(column, value))
}

func readWhere(ctx context.Context, db *database.DB, table *sqlgen.Table, lookup []sqlgen.Field) (r readResult) {
	s, err := sqlgen.Single(db.Dialect(), table, lookup)
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
	unblock, leave := f.blockBatch(table)
	return func() {
		unblock()
		leave()
	}
}

// blockBatch lets reads of a table's rows by their id wait for others, which are blocked in
// the database, until leave. After that they are blocked there themselves, until unblock.
func (f *fixture) blockBatch(table *sqlgen.Table) (unblock, leave func()) {
	f.t.Helper()
	for f.DB.Batches().Running > 0 { // of the reads before
		time.Sleep(time.Millisecond)
	}
	unblock = f.Block(table.Name)
	blocked, end := context.WithCancel(f.t.Context())
	var all sync.WaitGroup
	for waits := false; !waits; {
		before := f.DB.Batches().Running
		ctx, giveUp := context.WithCancel(blocked)
		f.t.Cleanup(giveUp)
		all.Go(func() { f.read(ctx, table, "bob") })
		for now := f.DB.Batches(); !waits && now.Running == before; now = f.DB.Batches() {
			waits = now.Waiting > 0
			time.Sleep(time.Millisecond)
		}
		if waits {
			giveUp()
			f.awaitWaiting(0)
		}
	}
	return unblock, func() {
		end()
		all.Wait()
	}
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
