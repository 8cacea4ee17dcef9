package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// wantFree wants nothing of a budget to be in use.
func wantFree(t *testing.T, b *gateway.ByteBudget) {
	t.Helper()
	if used := b.Stats().Used; used != 0 {
		t.Errorf("%d bytes are still in use", used)
	}
}

// respond lets a gateway respond to a request.
func respond(g *gateway.Gateway, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestBodiesThatUseAllMemoryAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		memory := gateway.NewByteBudget(3 * size)
		db := newScript()
		g := gateway.New(db, gateway.Options{BodyMemory: memory})
		var clients []*io.PipeWriter
		ended := make(chan string, 8)
		for range 8 { // each announces as much as it sends but for a byte
			body, client := io.Pipe()
			r := httptest.NewRequest(http.MethodPost, "/rt_test/update?id=1", body)
			r.ContentLength = size
			go func() { ended <- respond(g, r).Header().Get("X-Dbsep-Error") }()
			_, err := io.WriteString(client, "name="+strings.Repeat("x", size-len("name=")-1))
			if err != nil {
				t.Fatal(err)
			}
			clients = append(clients, client)
			synctest.Wait()
			if s := memory.Stats(); s.Used > s.Limit || s.Used < min(int64(len(clients))*size, s.Limit)/2 {
				t.Errorf("%d bodies: %+v", len(clients), s)
			}
		}
		for target, want := range map[string]string{"/rt_test/update?id=1": "200 -1\n", "/rt_test/store": "200 -1\n", "/rt_test/require": "200 0\n", "/rt_test/single": "503 "} {
			w := respond(g, post(target, "name="+strings.Repeat("x", size)))
			if got := fmt.Sprint(w.Code, " ", w.Body); got != want || w.Header().Get("X-Dbsep-Error") != "busy" {
				t.Errorf("%s: %q, want %q; %v", target, got, want, w.Header())
			}
		}
		if w := respond(g, post("/rt_test/update?id=1", "name="+strings.Repeat("x", 8000))); w.Body.String() != "1\n" {
			t.Errorf("a small body: %q, %v", w.Body, w.Header())
		}
		for _, c := range clients {
			c.CloseWithError(io.ErrUnexpectedEOF)
		}
		refused := int64(4)
		for range clients {
			if <-ended == "busy" {
				refused++
			}
		}
		if s := memory.Stats(); s.Refused != refused || s.Used != 0 || refused == 4 {
			t.Errorf("%+v, want %d refused", s, refused)
		}
		if w := respond(g, post("/rt_test/update?id=1", "name="+strings.Repeat(";", size/3))); w.Body.String() != "1\n" {
			t.Errorf("afterwards: %q, %v", w.Body, w.Header())
		}
		wantFree(t, memory)
	})
}

// A body counts with what is made of it.
func TestBodyCountsThreeTimes(t *testing.T) {
	const size = 1 << 20
	for text, times := range map[string]int{"x": 3, "%41": 3, ";": 7, "^": 7} {
		for memory, want := range map[int]string{times*size - size/16: "-1\n", times*size + size/16: "1\n"} {
			g := gateway.New(newScript(), gateway.Options{BodyMemory: gateway.NewByteBudget(int64(memory))})
			w := respond(g, post("/rt_test/update?id=1", "name="+strings.Repeat(text, size/len(text))))
			if w.Body.String() != want {
				t.Errorf("%q and %d bytes of memory: %q, want %q", text, memory, w.Body, want)
			}
		}
	}
}

// newLarge is a database whose rows have so many bytes.
func newLarge(rows, size int) *script {
	db := newScript()
	for range rows {
		db.rows = append(db.rows, []any{"id", nil, strings.Repeat("#", size), nil})
	}
	return db
}

func TestClientsThatReadAreServedWhileOthersDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100 << 10
		memory := gateway.NewByteBudget(4 << 20)
		g := gateway.New(newLarge(30, size), gateway.Options{ResponseMemory: memory, SlowReaderTimeout: time.Second, WriteTimeout: time.Hour})
		whole := respond(g, post("/peers/multi", "id=x")).Body.String()
		if len(whole) < 30*3*size {
			t.Fatalf("%d bytes", len(whole))
		}
		wantFree(t, memory)
		broken := make(chan bool)
		for range 8 {
			go func() { broken <- serveLong(g, newDeaf()) }()
		}
		for range 20 {
			time.Sleep(time.Minute / 20)
			if s := memory.Stats(); s.Used > s.Limit {
				t.Errorf("%+v", s)
			}
			if w := respond(g, post("/peers/multi", "id=x")); w.Body.String() != whole {
				t.Errorf("a client that reads: %d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
			}
		}
		for range 8 {
			if !<-broken {
				t.Error("a client that does not read had a whole response")
			}
		}
		wantFree(t, memory)
	})
}

// Short responses that nobody reads make room for others, too.
func TestClientsThatDoNotReadShortResponsesGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := gateway.NewByteBudget(512 << 10)
		g := gateway.New(newLarge(1, 15<<10), gateway.Options{ResponseMemory: memory, SlowReaderTimeout: time.Second, WriteTimeout: time.Hour})
		const clients = 5
		broken := make(chan bool)
		for range clients {
			go func() { broken <- serveLong(g, newDeaf()) }()
			synctest.Wait()
		}
		if s := memory.Stats(); s.Used < clients*3*15<<10 {
			t.Fatalf("%+v", s)
		}
		memory.SetLimit(100 << 10)
		time.Sleep(time.Second)
		if w := respond(g, post("/peers/multi", "id=x")); w.Body.Len() < 3*15<<10 {
			t.Errorf("a client that reads: %d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
		}
		for range clients {
			if !<-broken {
				t.Error("a client that does not read had a whole response")
			}
		}
		wantFree(t, memory)
	})
}

func TestClientsWaitForMemoryOfOthersThatRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100 << 10
		memory := gateway.NewByteBudget(8 * size) // one such row needs six or seven
		g := gateway.New(newLarge(1, size), gateway.Options{ResponseMemory: memory, SlowReaderTimeout: time.Second})
		first := newDeaf()
		done := make(chan bool, 2)
		go func() { done <- serveLong(g, first) }()
		synctest.Wait()
		second := httptest.NewRecorder()
		go func() { done <- serveLong(g, second) }()
		time.Sleep(time.Second / 2)
		if second.Body.Len() > 0 {
			t.Error("there was memory for both")
		}
		close(first.hears)
		broken := <-done
		if <-done || broken || first.Body.String() != second.Body.String() || second.Body.Len() < 3*size {
			t.Errorf("%d and %d bytes", first.Body.Len(), second.Body.Len())
		}
		wantFree(t, memory)
	})
}

func TestResponseThatNeedsMoreThanAllMemoryIsRefused(t *testing.T) {
	memory := gateway.NewByteBudget(1 << 20)
	g := gateway.New(newLarge(1, 1<<20), gateway.Options{ResponseMemory: memory})
	for name, r := range map[string]*http.Request{"text": post("/peers/single", "id=x"), "JSON": asJSON(post("/peers/multi", "id=x"))} {
		w := respond(g, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("X-Dbsep-Error") != "busy" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	wantFree(t, memory)
}

// Under FastCGI nobody can disconnect a client: those that wait for it keep their memory.
func TestClientThatCannotBeDisconnectedKeepsItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := gateway.NewByteBudget(1 << 20)
		g := gateway.New(newLarge(1, 100<<10), gateway.Options{ResponseMemory: memory, SlowReaderTimeout: time.Second})
		web := webServer{httptest.NewRecorder(), make(chan struct{})}
		done := make(chan bool)
		for range 4 {
			go func() { done <- serveLong(g, web) }()
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		if w := respond(g, post("/peers/multi", "id=x")); w.Header().Get("X-Dbsep-Error") != "busy" {
			t.Errorf("%d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
		}
		if s := memory.Stats(); s.Used > s.Limit || s.Used < s.Limit/2 {
			t.Errorf("%+v", s)
		}
		close(web.reads)
		for range 4 {
			<-done
		}
		wantFree(t, memory)
	})
}

// A webServer takes a response when it reads, and has no deadline.
type webServer struct {
	w     http.ResponseWriter
	reads chan struct{}
}

func (w webServer) Header() http.Header { return http.Header{} }
func (w webServer) WriteHeader(int)     {}

func (w webServer) Write(p []byte) (int, error) {
	<-w.reads
	return len(p), nil
}

func TestDatabaseSaysThatARowIsTooLarge(t *testing.T) {
	db := newScript()
	db.err = &sqlgen.Fault{Cause: sqlgen.RowTooLarge}
	r := send(t, db, gateway.Options{}, post("/peers/single", "id=x"))
	if r.status != http.StatusBadRequest || r.code != "row-too-large" || r.body != "" || !strings.Contains(r.log, "max_row_bytes") {
		t.Errorf("%+v", r)
	}
}
