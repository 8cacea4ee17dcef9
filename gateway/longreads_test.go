package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// A bulk is a database with many rows in one of its tables. It counts the queries
// that run.
type bulk struct {
	*script

	mu      sync.Mutex
	running int
	highest int
}

// manyRows are some 2 MB as a response.
const manyRows = 2000

func newBulk() *bulk {
	db := &bulk{script: newScript()}
	long := strings.Repeat("x", 1000)
	for range manyRows {
		db.rows = append(db.rows, []any{"id", nil, long, nil})
	}
	return db
}

func (db *bulk) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	db.mu.Lock()
	db.running++
	db.highest = max(db.highest, db.running)
	db.mu.Unlock()
	defer func() {
		db.mu.Lock()
		defer db.mu.Unlock()
		db.running--
	}()
	return db.script.Query(ctx, s, row)
}

func (db *bulk) runs() int {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.running
}

// A deaf client reads nothing until it may, or its deadline is over.
type deaf struct {
	*httptest.ResponseRecorder
	hears chan struct{}
	late  chan struct{}

	mu    sync.Mutex
	clock *time.Timer
}

func newDeaf() *deaf {
	return &deaf{ResponseRecorder: httptest.NewRecorder(), hears: make(chan struct{}), late: make(chan struct{}, 1)}
}

func (d *deaf) Write(p []byte) (int, error) {
	select {
	case <-d.hears:
		return d.ResponseRecorder.Write(p)
	case <-d.late:
		return 0, context.DeadlineExceeded
	}
}

func (d *deaf) SetWriteDeadline(at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.clock != nil {
		d.clock.Stop()
	}
	d.clock = time.AfterFunc(time.Until(at), func() {
		select {
		case d.late <- struct{}{}:
		default:
		}
	})
	return nil
}

// all returns a complete long response.
func all(t *testing.T) string {
	t.Helper()
	return send(t, newBulk(), gateway.Options{}, post("/peers/multi", "id=x")).body
}

// serveLong requests a long response, and reports whether it broke off.
func serveLong(g *gateway.Gateway, w http.ResponseWriter) (broken bool) {
	defer func() { broken = recover() == http.ErrAbortHandler }() //nolint:errorlint // as panic was given it
	g.ServeHTTP(w, post("/peers/multi", "id=x"))
	return false
}

func TestDeafClientKeepsNoConnectionToTheDatabase(t *testing.T) {
	whole := all(t)
	synctest.Test(t, func(t *testing.T) {
		db, w := newBulk(), newDeaf()
		memory := gateway.NewByteBudget(64 << 20)
		g := gateway.New(db, gateway.Options{SlowReaderTimeout: time.Second, ResponseMemory: memory})
		done := make(chan bool)
		go func() { done <- serveLong(g, w) }()
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if db.runs() != 1 {
			t.Error("the query did not wait for its client at all")
		}
		if used := memory.Stats().Used; used > 4*64<<10 { // three chunks: one is sent, one waits, one is full
			t.Errorf("meanwhile %d bytes are used", used)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if db.runs() != 0 {
			t.Error("after slow_reader_timeout the query goes on")
		}
		close(w.hears)
		if broken := <-done; broken || w.Body.String() != whole {
			t.Errorf("broken: %v; %d bytes, want %d", broken, w.Body.Len(), len(whole))
		}
	})
}

func TestDeafClientIsDisconnected(t *testing.T) {
	for _, test := range []struct {
		name    string
		options gateway.Options
		code    string
		after   time.Duration
	}{
		{"after write_timeout", gateway.Options{WriteTimeout: 20 * time.Second}, "client-gone", 20 * time.Second},
		{"after slow_reader_timeout where there is no memory left", gateway.Options{ResponseMemory: gateway.NewByteBudget(1 << 20), SlowReaderTimeout: 3 * time.Second}, "slow-client", 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []gateway.Event
				log := new(logBuffer)
				test.options.Log = log.logger()
				test.options.Observe = func(e gateway.Event) { events = append(events, e) }
				begun := time.Now()
				g := gateway.New(newBulk(), test.options)
				if !serveLong(g, newDeaf()) {
					t.Error("the response was not aborted")
				}
				if took := time.Since(begun); took < test.after || took > test.after+time.Second {
					t.Errorf("it took %v", took)
				}
				if len(events) != 1 || string(events[0].Code) != test.code || events[0].Bytes != 0 {
					t.Errorf("%+v", events)
				}
				if test.code == "slow-client" && !strings.Contains(log.String(), "raise [limits] response_memory or slow_reader_timeout") {
					t.Error(log)
				}
				w := httptest.NewRecorder()
				if serveLong(g, w) || w.Body.Len() < 1<<20 {
					t.Error("its memory was not released")
				}
			})
		})
	}
}

// When a response breaks off, nothing more of it is sent, though its client may read again.
func TestNothingIsSentAfterAResponseBrokeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, w := newBulk(), newDeaf()
		db.err = &sqlgen.Fault{Cause: sqlgen.Unavailable}
		if !serveLong(gateway.New(db, gateway.Options{Log: new(logBuffer).logger()}), w) {
			t.Error("the response was not aborted")
		}
		close(w.hears)
		synctest.Wait()
		if n := w.Body.Len(); n > 0 {
			t.Errorf("%d bytes were sent afterwards", n)
		}
	})
}

func TestShortResponsesDoNotWaitForLongOnes(t *testing.T) {
	whole := all(t)
	synctest.Test(t, func(t *testing.T) {
		db := newBulk()
		short := newScript()
		short.rows = [][]any{{"alice", nil, nil, nil}}
		g := gateway.New(oneShort{db, short}, gateway.Options{LongReads: 2, LongReadWait: 5 * time.Second, SlowReaderTimeout: time.Minute, WriteTimeout: time.Minute, ResponseMemory: gateway.NewByteBudget(2 << 20)})
		var clients [4]*deaf
		var ended [len(clients)]<-chan bool
		for i := range clients {
			clients[i] = newDeaf()
			ended[i] = respondTo(g, clients[i], post("/peers/multi", fmt.Sprintf("id=x%d", i))) // equal ones would share a query
		}
		synctest.Wait()
		if db.runs() != 2 {
			t.Errorf("%d long responses are read from the database, want 2", db.runs())
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, post("/rt_test/single", "id=alice"))
		if w.Body.String() != "id=alice\n" {
			t.Errorf("a short response is %d %q", w.Code, w.Body)
		}
		time.Sleep(6 * time.Second) // more than LongWait: those without a slot get an error
		for _, c := range clients {
			close(c.hears)
		}
		for _, aborted := range ended {
			if <-aborted {
				t.Error("a response was aborted")
			}
		}
		busy := 0
		for _, c := range clients {
			switch {
			case c.Header().Get("X-Dbsep-Error") == "busy":
				busy++
			case c.Body.String() != whole:
				t.Errorf("a long response has %d bytes, want %d", c.Body.Len(), len(whole))
			}
		}
		if busy != 2 || db.highest > 4 {
			t.Errorf("%d were busy; %d queries at a time", busy, db.highest)
		}
	})
}

// A request that waits for its turn needs no memory.
func TestLongReadsThatWaitUseNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := gateway.NewByteBudget(64 << 20)
		g := gateway.New(newBulk(), gateway.Options{LongReads: 1, LongReadWait: time.Minute, SlowReaderTimeout: time.Minute, WriteTimeout: time.Hour, ResponseMemory: memory})
		clients, ended := []*deaf{newDeaf(), newDeaf()}, make(chan bool)
		var used []int64
		for _, c := range clients {
			go func() { ended <- serveLong(g, c) }()
			synctest.Wait()
			used = append(used, memory.Stats().Used)
		}
		if used[0] == 0 || used[1] != used[0] {
			t.Errorf("%d bytes are used for the first, %d for both", used[0], used[1])
		}
		for _, c := range clients {
			close(c.hears)
			if <-ended {
				t.Error("a response was aborted")
			}
		}
		wantFree(t, memory)
	})
}

// oneShort queries rt_test in another database.
type oneShort struct {
	*bulk
	short *script
}

func (db oneShort) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	if strings.Contains(s.SQL, "rt_test") {
		return db.short.Query(ctx, s, row)
	}
	return db.bulk.Query(ctx, s, row)
}

func TestLongResponseThatWaitedIsComplete(t *testing.T) {
	whole := all(t)
	for _, request := range []struct {
		name   string
		accept string
	}{{"text", "*/*"}, {"JSON", "application/json"}} {
		t.Run(request.name, func(t *testing.T) {
			db := newBulk()
			g := gateway.New(db, gateway.Options{LongReads: 1, LongReadWait: time.Minute})
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					w, r := httptest.NewRecorder(), post("/peers/multi", "id=x")
					r.Header.Set("Accept", request.accept)
					g.ServeHTTP(w, r)
					switch {
					case request.name == "text" && w.Body.String() != whole:
						t.Errorf("%d bytes, want %d", w.Body.Len(), len(whole))
					case request.name == "JSON" && (bytes.Count(w.Body.Bytes(), []byte(`{"id":`)) != manyRows || !strings.HasPrefix(w.Body.String(), `[{"id"`) || !strings.HasSuffix(w.Body.String(), "}]\n")):
						t.Errorf("%d bytes: %.40q", w.Body.Len(), w.Body)
					}
				})
			}
			clients.Wait()
		})
	}
}
