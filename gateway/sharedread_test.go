package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/internal/cache"
	"dbsep/sqlgen"
)

// A busyBulk is a bulk whose query with the value "first" lasts until a test ends it.
type busyBulk struct {
	*bulk
	end chan struct{}
}

func newBusyBulk() busyBulk { return busyBulk{newBulk(), make(chan struct{})} }

func (db busyBulk) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	err := db.bulk.Query(ctx, s, row)
	if s.Args[0] == "first" {
		<-db.end
	}
	return err
}

// queries is how many queries ran for a value.
func (db busyBulk) queries(value string) (n int) {
	for _, s := range db.all() {
		if s.Args[0] == value {
			n++
		}
	}
	return n
}

// all are the statements that ran.
func (db busyBulk) all() []sqlgen.Statement {
	db.script.mu.Lock()
	defer db.script.mu.Unlock()
	return slices.Clone(db.statements)
}

// oneLongRead are options with which the query of "first" has the only slot.
func oneLongRead() gateway.Options {
	return gateway.Options{LongReads: 1, LongReadWait: time.Minute, SlowReaderTimeout: time.Second, WriteTimeout: time.Hour, Log: new(logBuffer).logger()}
}

// sharedBy counts the responses from the query of another request.
func sharedBy(o *gateway.Options) *atomic.Int64 {
	n := new(atomic.Int64)
	observe := o.Observe
	o.Observe = func(e gateway.Event) {
		if e.Shared {
			n.Add(1)
		}
		if observe != nil {
			observe(e)
		}
	}
	return n
}

// occupy lets a query take the only slot.
func occupy(g *gateway.Gateway) {
	go g.ServeHTTP(httptest.NewRecorder(), post("/peers/multi", "id=first"))
	synctest.Wait()
}

// respondTo lets a gateway respond, and sends whether the response broke off.
func respondTo(g *gateway.Gateway, w http.ResponseWriter, r *http.Request) <-chan bool {
	broken := make(chan bool, 1)
	go func() {
		defer func() { broken <- recover() == http.ErrAbortHandler }() //nolint:errorlint // as panic was given it
		g.ServeHTTP(w, r)
	}()
	return broken
}

func TestRequestsForTheSameShareAQuery(t *testing.T) {
	const rows = 300
	synctest.Test(t, func(t *testing.T) {
		db, memory := newBusyBulk(), gateway.NewByteBudget(64<<20)
		db.rows = db.rows[:rows]
		o := oneLongRead()
		o.ResponseMemory = memory
		var mu sync.Mutex
		var events []gateway.Event
		o.Observe = func(e gateway.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}
		shared := sharedBy(&o)
		g := gateway.New(db, o)
		whole := respond(g, post("/peers/multi", "id=alone")).Body.String()
		occupy(g)
		var clients [64]*httptest.ResponseRecorder
		var ended [64]<-chan bool
		for i := range clients {
			clients[i] = httptest.NewRecorder()
			ended[i] = respondTo(g, clients[i], post("/peers/multi", "id=x"))
		}
		synctest.Wait()
		if n := db.queries("x"); n != 0 {
			t.Errorf("%d queries ran without a slot", n)
		}
		close(db.end)
		for i, w := range clients {
			if <-ended[i] || w.Code != http.StatusOK || w.Body.String() != whole || w.Header().Get("Content-Length") != "" {
				t.Fatalf("%d %v, %d bytes, want %d", w.Code, w.Header(), w.Body.Len(), len(whole))
			}
		}
		synctest.Wait() // for "first"
		if n := db.queries("x"); n != 1 || shared.Load() != 63 {
			t.Errorf("%d queries ran; %d responses shared one", n, shared.Load())
		}
		if len(events) != 66 {
			t.Errorf("%d events", len(events))
		}
		for _, e := range events {
			if e.Rows != rows || e.Bytes != int64(len(whole)) || e.Status != http.StatusOK || e.Code != "" {
				t.Errorf("%+v", e)
			}
		}
		wantFree(t, memory)
	})
}

// A readerOf is the rights of a client that may read columns.
type readerOf func(r *http.Request) *rights

func (of readerOf) Authorize(r *http.Request) (gateway.Client, error) {
	rights := of(r)
	return gateway.Client{Rights: func(string) gateway.Rights { return rights }}, nil
}

func TestOnlyRequestsForTheSameShareAQuery(t *testing.T) {
	same := func() *http.Request { return post("/peers/multi", "id=x") }
	of := func(user string) *http.Request {
		r := post("/rt_test/multi", "id=x")
		r.Header.Set("X-User", user)
		return r
	}
	for name, test := range map[string]struct {
		one, other *http.Request
		queries    int
	}{
		"the same":                                {same(), same(), 1},
		"the same by GET":                         {same(), get("/peers/multi?id=x"), 1},
		"its header only":                         {same(), httptest.NewRequest(http.MethodHead, "/peers/multi?id=x", nil), 1},
		"the same condition in its words":         {same(), post("/peers/multi", "id%20%3D=x"), 1},
		"the same of a client of the same rights": {of(""), of("equal"), 1},
		"JSON of both":                            {asJSON(same()), asJSON(same()), 1},
		"another value":                           {same(), post("/peers/multi", "id=y"), 2},
		"another operator":                        {same(), post("/peers/multi", "id%20LIKE=x"), 2},
		"another column":                          {same(), post("/peers/multi", "contact=x"), 2},
		"another table":                           {same(), post("/voicemail/multi", "uniqueid=x"), 2},
		"another operation":                       {same(), post("/peers/single", "id=x"), 2},
		"JSON":                                    {same(), asJSON(same()), 2},
		"JSON of a static file":                   {get("/ast_config/static?file=x"), asJSON(get("/ast_config/static?file=x")), 2},
		"other columns of the table":              {of(""), of("narrow"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				everything, narrow := &rights{read: true}, &rights{read: true, columns: []string{"id", "name", "a", "b", "c", "d"}}
				o := oneLongRead()
				o.Authorizer = readerOf(func(r *http.Request) *rights {
					if r.Header.Get("X-User") == "narrow" {
						return narrow
					}
					return everything
				})
				db, shared := newBusyBulk(), sharedBy(&o)
				db.rows = db.rows[:300]
				g := gateway.New(db, o)
				occupy(g)
				var ended []<-chan bool
				for _, r := range []*http.Request{test.one, test.other} {
					ended = append(ended, respondTo(g, httptest.NewRecorder(), r)) // which finds out that it needs a slot
				}
				synctest.Wait()
				tried := len(db.all())
				close(db.end)
				for _, e := range ended {
					if <-e {
						t.Error("a response broke off")
					}
				}
				if n := len(db.all()) - tried; n != test.queries {
					t.Errorf("%d queries, want %d: %+v", n, test.queries, db.all()[tried:])
				}
				if n := shared.Load(); n != int64(2-test.queries) {
					t.Errorf("%d shared a query", n)
				}
			})
		})
	}
}

// A response that was expected to be long, and is not, has its length.
func TestShortResponsesOfASharedQuery(t *testing.T) {
	for name, test := range map[string]struct {
		rows [][]any
		r    func() *http.Request
		code int
		want string
	}{
		"a row":                    {[][]any{{"a", nil, nil, nil}}, func() *http.Request { return post("/peers/multi", "id=x") }, 200, "id=a\n"},
		"no row":                   {nil, func() *http.Request { return post("/peers/multi", "id=x") }, 200, ""},
		"no row of one":            {nil, func() *http.Request { return post("/peers/single", "id=x") }, 200, "\n"},
		"rows in JSON":             {[][]any{{"a"}, {"b"}}, func() *http.Request { return asJSON(post("/peers/multi", "id=x")) }, 200, `[{"id":"a"},{"id":"b"}]` + "\n"},
		"no row of one, in JSON":   {nil, func() *http.Request { return asJSON(post("/peers/single", "id=x")) }, 404, ""},
		"more than needs no share": {[][]any{{strings.Repeat("x", 40_000)}}, func() *http.Request { return post("/peers/multi", "id=x") }, 200, "id=" + strings.Repeat("x", 40_000) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, memory := newBusyBulk(), gateway.NewByteBudget(64<<20)
				o := oneLongRead()
				o.ResponseMemory = memory
				g := gateway.New(db, o)
				respondTo(g, httptest.NewRecorder(), test.r()) // a long one
				synctest.Wait()
				occupy(g)
				var clients [3]*httptest.ResponseRecorder
				var ended [3]<-chan bool
				for i := range clients {
					clients[i] = httptest.NewRecorder()
					ended[i] = respondTo(g, clients[i], test.r())
				}
				synctest.Wait()
				tried := db.queries("x")
				db.rows = test.rows
				close(db.end)
				for i, w := range clients {
					if <-ended[i] || w.Code != test.code || test.code == 200 && (w.Body.String() != test.want || w.Header().Get("Content-Length") != strconv.Itoa(len(test.want))) {
						t.Errorf("%d %v: %.80q", w.Code, w.Header(), w.Body)
					}
				}
				if n := db.queries("x") - tried; n != 1 {
					t.Errorf("%d queries", n)
				}
				synctest.Wait() // for "first"
				wantFree(t, memory)
			})
		})
	}
}

// The memory of a shared response is that of one.
func TestSlowClientsOfASharedQuery(t *testing.T) {
	whole := all(t)
	const deafClients = 16
	for _, test := range []struct {
		name   string
		memory int64
		served bool // the deaf clients are, when they read at last
	}{
		{"that find memory for one response", 3 << 20, true},
		{"that find none", 1 << 20, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, memory := newBusyBulk(), gateway.NewByteBudget(test.memory)
				o := oneLongRead()
				o.ResponseMemory = memory
				shared := sharedBy(&o)
				g := gateway.New(db, o)
				occupy(g)
				var clients [deafClients]*deaf
				var ended [deafClients]<-chan bool
				for i := range clients {
					clients[i] = newDeaf()
					ended[i] = respondTo(g, clients[i], post("/peers/multi", "id=x"))
				}
				reads := httptest.NewRecorder()
				read := respondTo(g, reads, post("/peers/multi", "id=x"))
				synctest.Wait()
				start := time.Now()
				close(db.end)
				if <-read || reads.Body.String() != whole {
					t.Errorf("the client that reads has %d bytes, want %d", reads.Body.Len(), len(whole))
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("the others held it up for %v", took)
				}
				if s := memory.Stats(); s.Used > s.Limit || test.served && s.Used < int64(len(whole)) {
					t.Errorf("%+v", s)
				}
				if db.runs() != 0 {
					t.Error("the query still runs")
				}
				for _, c := range clients {
					close(c.hears)
				}
				for i, c := range clients {
					if broken := <-ended[i]; broken == test.served || test.served && c.Body.String() != whole {
						t.Errorf("broken: %v, %d bytes", broken, c.Body.Len())
					}
				}
				if n := shared.Load(); n != deafClients {
					t.Errorf("%d shared a query", n)
				}
				synctest.Wait() // for "first"
				wantFree(t, memory)
			})
		})
	}
}

// A tardy client reads, but slowly.
type tardy struct {
	*httptest.ResponseRecorder
	perChunk time.Duration
	late     atomic.Bool
}

func (w *tardy) Write(p []byte) (int, error) {
	if time.Sleep(w.perChunk); w.late.Load() {
		return 0, context.DeadlineExceeded
	}
	return w.ResponseRecorder.Write(p)
}

func (w *tardy) SetWriteDeadline(at time.Time) error {
	w.late.Store(at.Before(time.Now()))
	return nil
}

// A client that reads all the time, but slowly, has the others' memory only as long as there
// is enough.
func TestTardyClientOfASharedQuery(t *testing.T) {
	whole := all(t)
	for _, test := range []struct {
		name   string
		memory int64
		served bool
	}{
		{"with memory for the response", 3 << 20, true},
		{"without", 1 << 20, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, memory := newBusyBulk(), gateway.NewByteBudget(test.memory)
				o := oneLongRead()
				o.ResponseMemory = memory
				codes := make(chan gateway.Code, 3)
				o.Observe = func(e gateway.Event) { codes <- e.Code }
				g := gateway.New(db, o)
				occupy(g)
				slow, quick := &tardy{ResponseRecorder: httptest.NewRecorder(), perChunk: time.Second / 2}, httptest.NewRecorder()
				slowEnded, quickEnded := respondTo(g, slow, post("/peers/multi", "id=x")), respondTo(g, quick, post("/peers/multi", "id=x"))
				synctest.Wait()
				close(db.end)
				if <-quickEnded || quick.Body.String() != whole {
					t.Errorf("the quick client has %d bytes, want %d", quick.Body.Len(), len(whole))
				}
				if broken := <-slowEnded; broken == test.served || !broken && slow.Body.String() != whole {
					t.Errorf("the slow client: broken: %v, %d bytes", broken, slow.Body.Len())
				}
				slowClients := 0
				for range cap(codes) {
					if code := <-codes; code == gateway.SlowClient {
						slowClients++
					} else if code != "" {
						t.Errorf("an event has %q", code)
					}
				}
				if (slowClients == 1) == test.served {
					t.Errorf("%d clients were too slow", slowClients)
				}
				synctest.Wait() // for "first"
				wantFree(t, memory)
			})
		})
	}
}

func TestClientsThatLeaveASharedQuery(t *testing.T) {
	whole := all(t)
	synctest.Test(t, func(t *testing.T) {
		db := newBusyBulk()
		g := gateway.New(db, oneLongRead())
		occupy(g)
		var clients [4]*httptest.ResponseRecorder
		var ended [4]<-chan bool
		var leave [4]context.CancelFunc
		for i := range clients {
			r := post("/peers/multi", "id=x")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			clients[i], leave[i] = httptest.NewRecorder(), cancel
			ended[i] = respondTo(g, clients[i], r.WithContext(ctx))
			synctest.Wait()
		}
		leave[0]()
		leave[2]()
		synctest.Wait()
		for _, i := range []int{0, 2} {
			select {
			case <-ended[i]:
			default:
				t.Errorf("client %d left and still waits", i)
			}
			if code := clients[i].Header().Get("X-Dbsep-Error"); code != "client-gone" {
				t.Errorf("client %d: %q", i, code)
			}
		}
		close(db.end)
		for _, i := range []int{1, 3} {
			if <-ended[i] || clients[i].Body.String() != whole {
				t.Errorf("client %d: %d bytes, want %d", i, clients[i].Body.Len(), len(whole))
			}
		}
	})
}

// A patientQuery is a query that sends a row of a chunk and then waits for its context.
type patientQuery struct {
	busyBulk
	before bool // it waits before the row, too
	cause  chan error
}

func (db patientQuery) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	if s.Args[0] == "first" {
		return db.busyBulk.Query(ctx, s, row)
	}
	if db.before {
		<-ctx.Done()
	} else if err := row([][]byte{[]byte(strings.Repeat("x", 64<<10))}); err != nil {
		return err
	}
	<-ctx.Done()
	db.cause <- context.Cause(ctx)
	return &sqlgen.Fault{Cause: sqlgen.Canceled, Err: context.Cause(ctx)}
}

func TestQueryEndsWhenAllClientsHaveLeft(t *testing.T) {
	for name, before := range map[string]bool{"before the first row": true, "after a chunk": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := patientQuery{newBusyBulk(), before, make(chan error, 1)}
				memory, o := gateway.NewByteBudget(64<<20), oneLongRead()
				o.ResponseMemory, o.StatementTimeout = memory, time.Hour
				g := gateway.New(db, o)
				occupy(g)
				var ended []<-chan bool
				var leave []context.CancelFunc
				for range 3 {
					ctx, cancel := context.WithCancel(t.Context())
					leave, ended = append(leave, cancel), append(ended, respondTo(g, httptest.NewRecorder(), post("/peers/multi", "id=x").WithContext(ctx)))
				}
				synctest.Wait()
				close(db.end)
				for i, cancel := range leave {
					synctest.Wait()
					if len(db.cause) > 0 {
						t.Fatalf("the query ended when %d of 3 had left", i)
					}
					cancel()
				}
				if cause := <-db.cause; errors.Is(cause, context.DeadlineExceeded) {
					t.Error(cause)
				}
				for _, e := range ended {
					<-e
				}
				synctest.Wait() // for "first"
				wantFree(t, memory)
			})
		})
	}
}

// The instance that closes the database waits for requests, and not for their query.
func TestLastClientThatLeavesWaitsForTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newBusyBulk()
		running := make(chan struct{})
		stubborn := stubbornQuery{db, running}
		g := gateway.New(stubborn, oneLongRead())
		occupy(g)
		ctx, cancel := context.WithCancel(t.Context())
		one, other := respondTo(g, httptest.NewRecorder(), post("/peers/multi", "id=x").WithContext(ctx)), respondTo(g, httptest.NewRecorder(), post("/peers/multi", "id=x").WithContext(ctx))
		synctest.Wait()
		close(db.end)
		synctest.Wait()
		cancel()
		synctest.Wait()
		if len(one)+len(other) > 1 {
			t.Error("no request waits for the query")
		}
		close(running)
		<-one
		<-other
	})
}

// A stubbornQuery does not end with its context.
type stubbornQuery struct {
	busyBulk
	running chan struct{}
}

func (db stubbornQuery) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	if s.Args[0] == "first" {
		return db.busyBulk.Query(ctx, s, row)
	}
	<-db.running
	return &sqlgen.Fault{Cause: sqlgen.Canceled}
}

func TestFailuresOfASharedQuery(t *testing.T) {
	long := []byte(strings.Repeat("x", 64<<10))
	for name, test := range map[string]struct {
		query  func(row func([][]byte) error) error
		broken bool
		code   string
	}{
		"an error": {func(func([][]byte) error) error { return &sqlgen.Fault{Cause: sqlgen.Unavailable} }, false, "unavailable"},
		"a panic":  {func(func([][]byte) error) error { panic("a bug") }, false, "internal"},
		"an error after some rows": {func(row func([][]byte) error) error {
			_ = row([][]byte{[]byte("x")})
			return &sqlgen.Fault{Cause: sqlgen.Timeout}
		}, false, "timeout"},
		"an error after a chunk": {func(row func([][]byte) error) error {
			_ = row([][]byte{long})
			synctest.Wait() // it is sent
			return &sqlgen.Fault{Cause: sqlgen.Timeout}
		}, true, "timeout"},
		"a panic after a chunk": {func(row func([][]byte) error) error {
			_ = row([][]byte{long})
			synctest.Wait()
			panic("a bug")
		}, true, "internal"},
		"too many rows": {func(row func([][]byte) error) (err error) {
			for err == nil {
				err = row([][]byte{nil})
			}
			return err
		}, false, "too-many-rows"},
		"too many rows after a chunk": {func(row func([][]byte) error) error {
			err := row([][]byte{long})
			synctest.Wait()
			for err == nil {
				err = row([][]byte{nil})
			}
			return err
		}, true, "too-many-rows"},
		"a row larger than the memory": {func(row func([][]byte) error) error { return row([][]byte{make([]byte, 9<<20)}) }, false, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := failingQuery{newBusyBulk(), test.query}
				memory, o := gateway.NewByteBudget(8<<20), oneLongRead()
				codes := make(chan gateway.Code, 4)
				o.ResponseMemory, o.MaxRows, o.Observe = memory, manyRows, func(e gateway.Event) { codes <- e.Code }
				g := gateway.New(db, o)
				respondTo(g, httptest.NewRecorder(), post("/peers/multi", "id=first"))
				synctest.Wait()
				var clients []*httptest.ResponseRecorder
				var ended []<-chan bool
				for range 3 {
					w := httptest.NewRecorder()
					clients, ended = append(clients, w), append(ended, respondTo(g, w, post("/peers/multi", "id=x")))
				}
				synctest.Wait()
				close(db.end)
				for i, w := range clients {
					broken := <-ended[i]
					if code := w.Header().Get("X-Dbsep-Error"); broken != test.broken || !broken && code != test.code {
						t.Errorf("broken: %v; %d %q", broken, w.Code, code)
					}
				}
				failed := 0
				for range cap(codes) {
					if code := <-codes; string(code) == test.code {
						failed++
					} else if code != "" { // of the first
						t.Errorf("an event has %q", code)
					}
				}
				if failed != len(clients) {
					t.Errorf("%d events are failures", failed)
				}
				synctest.Wait() // for "first"
				wantFree(t, memory)
			})
		})
	}
}

// A failingQuery runs a function for each query but the first.
type failingQuery struct {
	busyBulk
	query func(row func([][]byte) error) error
}

func (db failingQuery) Query(ctx context.Context, s sqlgen.Statement, row func([][]byte) error) error {
	if s.Args[0] == "first" {
		return db.busyBulk.Query(ctx, s, row)
	}
	return db.query(row)
}

// Each client waits for a slot as long as it may, whenever the one came whose query it shares.
func TestClientsOfASharedQueryWaitTheirOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newBusyBulk()
		g := gateway.New(db, oneLongRead())
		occupy(g)
		first, second := httptest.NewRecorder(), httptest.NewRecorder()
		firstEnded := respondTo(g, first, post("/peers/multi", "id=x"))
		time.Sleep(time.Minute / 2)
		secondEnded := respondTo(g, second, post("/peers/multi", "id=x"))
		time.Sleep(time.Minute/2 + time.Millisecond)
		synctest.Wait()
		if <-firstEnded; first.Header().Get("X-Dbsep-Error") != "busy" {
			t.Errorf("after a minute: %d %v", first.Code, first.Header())
		}
		close(db.end)
		if <-secondEnded || second.Code != http.StatusOK {
			t.Errorf("the other: %d %v", second.Code, second.Header())
		}
	})
}

func TestStaleRowsOfASharedQuery(t *testing.T) {
	var stale [][]byte
	for range 3 {
		stale = append(stale, []byte(strings.Repeat("x", 60_000)))
	}
	synctest.Test(t, func(t *testing.T) {
		failures := 0
		db := newBusyBulk()
		g := gateway.New(staleBulk{outage{db.script, &failures, stale, nil}, db}, oneLongRead())
		occupy(g)
		var clients []*httptest.ResponseRecorder
		var ended []<-chan bool
		for range 3 {
			w := httptest.NewRecorder()
			clients, ended = append(clients, w), append(ended, respondTo(g, w, post("/peers/multi", "id=x")))
		}
		synctest.Wait()
		failures = 1
		close(db.end)
		for i, w := range clients {
			if <-ended[i] || w.Header().Get("X-Dbsep-Stale") != "90" || w.Body.Len() < 180_000 {
				t.Errorf("%d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
			}
		}
	})
}

// A staleBulk is a bulk that fails as an outage does.
type staleBulk struct {
	outage
	db busyBulk
}

func (s staleBulk) Query(ctx context.Context, st sqlgen.Statement, row func([][]byte) error) error {
	if *s.failures--; *s.failures == 0 {
		return &sqlgen.Fault{Cause: sqlgen.Unavailable}
	}
	return s.db.Query(ctx, st, row)
}

// A versioned database has one value, which a write increments. Each row of a query has the
// one that it had when the query began.
type versioned struct {
	*script
	version atomic.Int64
}

func (db *versioned) Exec(context.Context, sqlgen.Statement) (int64, error) {
	db.version.Add(1)
	return 1, nil
}

func (db *versioned) Query(_ context.Context, _ sqlgen.Statement, row func([][]byte) error) error {
	text := strconv.AppendInt(nil, db.version.Load(), 10)
	long := []byte(strings.Repeat("x", 25_000))
	for range 3 {
		if err := row([][]byte{text, nil, long, nil}); err != nil {
			return err
		}
	}
	return nil
}

// A request sees every write that was acknowledged before it came.
func TestSharedQueriesSeeEarlierWrites(t *testing.T) {
	for name, around := range map[string]func(gateway.Database) gateway.Database{
		"without a cache": func(db gateway.Database) gateway.Database { return db },
		"with a cache that shares queries, too": func(db gateway.Database) gateway.Database {
			return cache.New(db, []cache.Rule{{Pattern: "peers"}}, 1<<20)
		},
	} {
		t.Run(name, func(t *testing.T) { testSharedQueriesSeeEarlierWrites(t, around(&versioned{script: newScript()})) })
	}
}

func testSharedQueriesSeeEarlierWrites(t *testing.T, db gateway.Database) {
	o := gateway.Options{LongReads: 2, LongReadWait: time.Minute}
	shared := sharedBy(&o)
	g := gateway.New(db, o)
	var acknowledged atomic.Int64
	stop := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if w := respond(g, post("/peers/update?id=x", "contact=y")); w.Body.String() != "1\n" {
				t.Errorf("a write: %q", w.Body)
				return
			}
			acknowledged.Add(1)
		}
	})
	for range 16 {
		readers.Go(func() {
			for range 10 {
				least := acknowledged.Load()
				w := respond(g, post("/peers/multi", "id=x"))
				var version int64
				if _, err := fmt.Sscanf(w.Body.String(), "id=%d&", &version); err != nil || version < least || strings.Count(w.Body.String(), fmt.Sprintf("id=%d&", version)) != 3 {
					t.Errorf("%d %v, %d bytes: version %d, but %d was acknowledged", w.Code, w.Header(), w.Body.Len(), version, least)
					return
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
	if shared.Load() == 0 {
		t.Error("no query was shared")
	}
}
