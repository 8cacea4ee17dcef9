package gateway_test

import (
	"context"
	"errors"
	"net/http"
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
func TestOldSchemaIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{SchemaTTL: time.Minute})
		serve(t, g, post("/peers/single", "id=x"))
		time.Sleep(time.Minute)
		serve(t, g, post("/peers/single", "id=x"))
		if db.described != 2 {
			t.Errorf("read %d times, want 2", db.described)
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
