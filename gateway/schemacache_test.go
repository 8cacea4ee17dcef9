package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func serve(t *testing.T, g *gateway.Gateway, r *http.Request) string {
	t.Helper()
	w := newRecorder()
	g.ServeHTTP(w, r)
	return w.Body.String()
}

func TestSchemaIsReadOncePerTable(t *testing.T) {
	db := newScript()
	g := gateway.New(db, gateway.Options{})
	for range 3 {
		serve(t, g, post("/peers/single", "id=x"))
	}
	if db.described != 1 {
		t.Errorf("read %d times", db.described)
	}
}

// The sleeps of these tests cost no time: in a bubble of synctest the clock
// jumps as soon as everybody sleeps.
func TestSchemaIsReadOncePerSecondWhileRequestsCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{})
		for range 100 {
			serve(t, g, post("/peers/single", "id=x"))
			time.Sleep(50 * time.Millisecond)
		}
		if db.described != 5 {
			t.Errorf("read %d times in 5 seconds, want 5", db.described)
		}
		time.Sleep(time.Hour)
		if db.described != 5 {
			t.Error("read without a request")
		}
	})
}

// A change that no statement fails for is noticed within a second, by reads and writes.
func TestChangedTableIsNoticedWithinASecond(t *testing.T) {
	for name, test := range map[string]struct {
		table     *sqlgen.Table
		request   func() *http.Request
		statement string
		args      []any
	}{
		"a read has a new column": {
			textTable("peers", "id", "call-limit", "contact", "#port", "new"), func() *http.Request { return post("/peers/single", "id=x") },
			`SELECT "id", "call-limit", "contact", "port", "new" FROM "peers" WHERE "id" = ? LIMIT 1`, []any{"x"},
		},
		"a read has a column less": {
			textTable("peers", "id", "contact"), func() *http.Request { return post("/peers/single", "id=x") },
			`SELECT "id", "contact" FROM "peers" WHERE "id" = ? LIMIT 1`, []any{"x"},
		},
		"an empty value of a column that is a number now": {
			textTable("peers", "id", "#contact"), func() *http.Request { return post("/peers/update?id=x", "contact=") },
			`UPDATE "peers" SET "contact" = ? WHERE "id" = ?`, []any{nil, "x"},
		},
		"an empty value of a column that is a text now": {
			textTable("peers", "id", "port"), func() *http.Request { return post("/peers/store", "id=x&port=") },
			`INSERT INTO "peers" ("id", "port") VALUES (?, ?)`, []any{"x", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newScript()
				g := gateway.New(db, gateway.Options{})
				serve(t, g, test.request())
				db.tables["peers"] = test.table
				for range 2 {
					serve(t, g, test.request())
					time.Sleep(500 * time.Millisecond)
				}
				serve(t, g, test.request())
				if last := db.statements[len(db.statements)-1]; last.SQL != test.statement || !slices.Equal(last.Args, test.args) {
					t.Errorf("got %s %v, want %s %v", last.SQL, last.Args, test.statement, test.args)
				}
			})
		})
	}
}

// A schema that cannot be read again keeps no request from the database, which knows best
// what is wrong, unless it is older than a minute.
func TestSchemaThatCannotBeReadAgain(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		after time.Duration
		want  string
	}{
		"the database is unavailable": {&sqlgen.Fault{Cause: sqlgen.Unavailable}, 59 * time.Second, "1\n"},
		"the database is busy":        {&sqlgen.Fault{Cause: sqlgen.Busy}, 59 * time.Second, "1\n"},
		"the database takes too long": {&sqlgen.Fault{Cause: sqlgen.Timeout}, 59 * time.Second, "1\n"},
		"for a minute":                {&sqlgen.Fault{Cause: sqlgen.Unavailable}, time.Minute, "-1\n"},
		"the table is gone":           {&sqlgen.Fault{Cause: sqlgen.UnknownTable}, time.Second, "-1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newScript()
				g := gateway.New(db, gateway.Options{Log: new(logBuffer).logger()})
				serve(t, g, post("/peers/store", "id=x"))
				db.describe = test.err
				time.Sleep(test.after)
				got := serve(t, g, post("/peers/store", "id=x"))
				if sent := len(db.statements) == 2; got != test.want || sent != (got == "1\n") {
					t.Errorf("got %q, %d statements; want %q", got, len(db.statements), test.want)
				}
			})
		})
	}
}

// A database that takes long to read a schema again holds requests up for a moment only,
// and the read goes on without them.
func TestSchemaThatTakesLongToReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &slowSchema{script: newScript()}
		g := gateway.New(db, gateway.Options{})
		serve(t, g, post("/peers/store", "id=x"))
		time.Sleep(5 * time.Second)
		db.mu.Lock()
		db.tables["peers"] = textTable("peers", "id", "#contact")
		db.mu.Unlock()
		start := time.Now()
		for _, want := range []any{"", "", nil} {
			serve(t, g, post("/peers/update?id=x", "contact="))
			if last := db.statements[len(db.statements)-1]; last.Args[0] != want {
				t.Errorf("after %v contact is %v, want %v", time.Since(start), last.Args[0], want)
			}
			time.Sleep(400 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if db.canceled != 0 {
			t.Errorf("canceled %d times", db.canceled)
		}
	})
}

func TestNewColumnIsFoundAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{})
		serve(t, g, post("/peers/single", "id=x"))
		db.tables["peers"] = textTable("peers", "id", "qualify_2xx_only")
		time.Sleep(2 * time.Second)
		if got := serve(t, g, post("/peers/store", "id=x&qualify_2xx_only=no")); got != "1\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestUnknownColumnsDoNotMakeTheDatabaseBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{})
		for range 100 {
			serve(t, g, post("/peers/single", "nosuch=x"))
		}
		if db.described > 2 {
			t.Errorf("read %d times", db.described)
		}
	})
}

func TestUnknownTablesDoNotMakeTheDatabaseBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{Log: new(logBuffer).logger()})
		for range 100 {
			for _, table := range []string{"nosuch", "other"} {
				if got := serve(t, g, post("/"+table+"/store", "id=x")); got != "-1\n" {
					t.Fatalf("%q", got)
				}
			}
		}
		if db.described != 2 {
			t.Errorf("read %d times", db.described)
		}
		db.tables["nosuch"] = textTable("nosuch", "id")
		time.Sleep(time.Second)
		if got := serve(t, g, post("/nosuch/store", "id=x")); got != "1\n" {
			t.Errorf("a second after the table was created: %q", got)
		}
	})
}

func TestTableChangedAfterItsSchemaWasRead(t *testing.T) {
	db := newScript()
	g := gateway.New(db, gateway.Options{})
	serve(t, g, post("/peers/single", "id=x"))
	db.err = &sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: "peers", Err: errors.New("no such column")}
	db.before = func() {
		if len(db.statements) == 2 { // after the second statement failed
			db.tables["peers"] = textTable("peers", "id", "contact")
		} else if len(db.statements) == 3 {
			db.err = nil
		}
	}
	db.statements = db.statements[:1]
	if got := serve(t, g, post("/peers/update?id=x", "contact=y")); got != "1\n" {
		t.Errorf("got %q", got)
	}
	if len(db.statements) != 3 {
		t.Errorf("%d statements, want one that failed and one that did not", len(db.statements)-1)
	}
}

// TestRetriedResponseStartsAgain shows that what the first attempt wrote, here the
// bracket of a list, is not in the response of the second.
func TestRetriedResponseStartsAgain(t *testing.T) {
	db := newScript()
	db.rows = [][]any{{"a", nil, nil, nil}}
	g := gateway.New(fickle{db, new(bool)}, gateway.Options{})
	want := `[{"id":"a","call-limit":null,"contact":null,"port":null}]` + "\n"
	if got := serve(t, g, post("/peers/multi.json", "id=a")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A fickle database says once that a column is gone.
type fickle struct {
	*script
	said *bool
}

func (f fickle) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	if !*f.said {
		*f.said = true
		return &sqlgen.Fault{Cause: sqlgen.UnknownColumn, Table: "peers", Err: errors.New("no such column")}
	}
	return f.script.Query(ctx, s, row)
}

func TestWarningOfALeftOutColumnComesOnce(t *testing.T) {
	var log logBuffer
	g := gateway.New(newScript(), gateway.Options{Log: log.logger()})
	for range 5 {
		serve(t, g, post("/peers/update?id=x", "port=1&regserver=y"))
	}
	if n := strings.Count(log.String(), "left out"); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
}

func TestStatementThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateway.New(stuck{newScript()}, gateway.Options{StatementTimeout: 3 * time.Second, Log: new(logBuffer).logger()})
		start := time.Now()
		if got := serve(t, g, post("/peers/multi", "id=x")); got != "" {
			t.Errorf("a read gets %q", got)
		}
		if got := serve(t, g, post("/peers/store", "id=x")); got != "-1\n" {
			t.Errorf("a write gets %q", got)
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("took %v, want twice the timeout", took)
		}
	})
}

func TestSchemaThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateway.New(undescribed{newScript()}, gateway.Options{StatementTimeout: 3 * time.Second, Log: new(logBuffer).logger()})
		start := time.Now()
		if got := serve(t, g, post("/peers/update?id=x", "port=1")); got != "-1\n" {
			t.Errorf("got %q", got)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v, want the timeout", took)
		}
	})
}

// An undescribed database never says what its tables are.
type undescribed struct{ *script }

func (u undescribed) Describe(ctx context.Context, _ string) (*sqlgen.Table, error) {
	<-ctx.Done()
	return nil, &sqlgen.Fault{Cause: sqlgen.Timeout, Err: context.Cause(ctx)}
}

func TestWriteGoesOnWhenTheClientLeaves(t *testing.T) {
	db := newScript()
	ctx, leave := context.WithCancel(t.Context())
	db.before = leave
	if got := serve(t, gateway.New(db, gateway.Options{}), post("/peers/store", "id=x").WithContext(ctx)); got != "1\n" {
		t.Errorf("got %q", got)
	}
}

// A stuck database never returns by itself.
type stuck struct{ *script }

func (s stuck) Query(ctx context.Context, _ sqlgen.Statement, _ func([][]byte) error) error {
	<-ctx.Done()
	return &sqlgen.Fault{Cause: sqlgen.Timeout, Err: context.Cause(ctx)}
}

func (s stuck) Exec(ctx context.Context, _ sqlgen.Statement) (int64, error) {
	<-ctx.Done()
	return 0, &sqlgen.Fault{Cause: sqlgen.Timeout, Err: context.Cause(ctx)}
}

func TestManyAtOnce(t *testing.T) {
	db := newScript()
	db.rows = [][]any{{"alice", "2", "a;b", "5"}}
	g := gateway.New(db, gateway.Options{SchemaTTL: time.Nanosecond})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if got := serve(t, g, post("/peers/single", "id=x")); got != "id=alice&call%2Dlimit=2&contact=a&contact=b&port=5\n" {
					t.Errorf("got %q", got)
					return
				}
			}
		})
	}
	all.Wait()
}
