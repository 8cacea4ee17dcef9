package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// A slowSchema reads what the schema of a table is at the beginning, and takes a second
// for it.
type slowSchema struct {
	*script
	canceled int
}

func (s *slowSchema) Describe(ctx context.Context, name string) (*sqlgen.Table, error) {
	t, err := s.script.Describe(ctx, name)
	select {
	case <-time.After(time.Second):
		return t, err
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.canceled++
		return nil, &sqlgen.Fault{Cause: sqlgen.Canceled, Err: ctx.Err()}
	}
}

// withSlowSchema runs a test of a gateway in a bubble of synctest.
func withSlowSchema(t *testing.T, test func(t *testing.T, db *slowSchema, g *gateway.Gateway)) {
	synctest.Test(t, func(t *testing.T) {
		db := &slowSchema{script: newScript()}
		test(t, db, gateway.New(db, gateway.Options{Log: new(logBuffer).logger()}))
	})
}

func TestConcurrentRequestsReadASchemaOnce(t *testing.T) {
	withSlowSchema(t, func(t *testing.T, db *slowSchema, g *gateway.Gateway) {
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if got := serve(t, g, post("/peers/store", "id=x")); got != "1\n" {
					t.Errorf("got %q", got)
				}
			})
		}
		all.Wait()
		if db.described != 1 {
			t.Errorf("read %d times", db.described)
		}
	})
}

// A client that leaves ends no read that others wait for, and the last one ends it.
func TestClientThatLeavesWhileASchemaIsRead(t *testing.T) {
	withSlowSchema(t, func(t *testing.T, db *slowSchema, g *gateway.Gateway) {
		var all sync.WaitGroup
		leaving := func(after time.Duration) {
			ctx, leave := context.WithTimeout(t.Context(), after)
			defer leave()
			if got := serve(t, g, post("/peers/store", "id=x").WithContext(ctx)); got != "-1\n" {
				t.Errorf("got %q", got)
			}
		}
		all.Go(func() { leaving(100 * time.Millisecond) }) // begins the read
		time.Sleep(50 * time.Millisecond)
		all.Go(func() {
			if got := serve(t, g, post("/peers/store", "id=x")); got != "1\n" {
				t.Errorf("who stays gets %q", got)
			}
		})
		all.Wait()
		if db.described != 1 || db.canceled != 0 {
			t.Errorf("read %d times, canceled %d times", db.described, db.canceled)
		}
		time.Sleep(time.Minute) // the cached schema is too old
		for _, after := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond} {
			all.Go(func() { leaving(after) })
		}
		all.Wait()
		synctest.Wait()
		if db.described != 2 || db.canceled != 1 {
			t.Errorf("read %d times, canceled %d times", db.described, db.canceled)
		}
	})
}

// A request that the database refused for its schema is not content with a read that
// began before.
func TestSchemaOfARetryIsReadAfterTheFailure(t *testing.T) {
	withSlowSchema(t, func(t *testing.T, db *slowSchema, g *gateway.Gateway) {
		serve(t, g, post("/peers/store", "id=x"))
		time.Sleep(5 * time.Second)
		var all sync.WaitGroup
		all.Go(func() { serve(t, g, post("/peers/store", "id=x&nosuch=x")) })
		time.Sleep(500 * time.Millisecond)
		db.mu.Lock()
		db.tables["peers"] = textTable("peers", "id", "new")
		db.mu.Unlock()
		if got := serve(t, g, post("/peers/store", "id=x&new=x")); got != "1\n" {
			t.Errorf("got %q", got)
		}
		all.Wait()
	})
}

func TestUnknownTableIsLookedUpOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{Log: new(logBuffer).logger()})
		for i := range 100 {
			if got := serve(t, g, post("/nosuch/store", "id=x")); got != "-1\n" {
				t.Fatalf("got %q", got)
			}
			time.Sleep(time.Duration(i%2) * time.Millisecond)
		}
		if db.described != 1 {
			t.Errorf("read %d times", db.described)
		}
		db.tables["nosuch"] = textTable("nosuch", "id")
		time.Sleep(time.Second)
		if got := serve(t, g, post("/nosuch/store", "id=x")); got != "1\n" {
			t.Errorf("once it is created: %q", got)
		}
	})
}

// A table that is dropped costs one statement, and from then on none.
func TestTableThatIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newScript()
		g := gateway.New(db, gateway.Options{Log: new(logBuffer).logger()})
		serve(t, g, post("/peers/store", "id=x"))
		delete(db.tables, "peers")
		db.err = &sqlgen.Fault{Cause: sqlgen.UnknownTable, Table: "peers", Err: errors.New("no such table")}
		before := len(db.statements)
		for range 100 {
			if got := serve(t, g, post("/peers/store", "id=x")); got != "-1\n" {
				t.Fatalf("got %q", got)
			}
		}
		if n := len(db.statements) - before; n != 1 || db.described != 2 {
			t.Errorf("%d statements, %d reads", n, db.described)
		}
	})
}

// Names that clients invent, in long URLs, stay in no memory.
func TestInventedTablesDoNotFillTheMemory(t *testing.T) {
	g := gateway.New(newScript(), gateway.Options{})
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	long := strings.Repeat("x", 16000)
	for i := range 5000 {
		serve(t, g, post(fmt.Sprintf("/%s/nosuch%d/single", long, i), "id=x"))
		serve(t, g, post(fmt.Sprintf("/nosuch%d%s/single", i, long), "id=x"))
	}
	if grown := int64(inUse()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes", grown)
	}
	runtime.KeepAlive(g)
}
