//go:build e2e

package outage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// The load: so many clients, each of which sends one request in a pace at most, so
// that there is an end to it even where responses come at once.
const (
	writers = 6
	readers = 4
	pace    = 15 * time.Millisecond
)

// A load is clients that send requests until it is stopped, and their responses.
type load struct {
	url    string
	client *http.Client
	ctx    context.Context // ends with the load
	cancel context.CancelFunc
	all    sync.WaitGroup

	gate    sync.RWMutex // held while a request is sent
	mu      sync.Mutex
	answers []answer
}

// An answer is the response that a client had, and when.
type answer struct {
	begun     time.Time
	took      time.Duration
	operation string // "update", "store" and "destroy" are writes
	key       string // of the row
	value     int    // of an update: the new one; of a look at a counter: the last that was confirmed
	body      string
	status    int
	code      string // of an error; "none" where there was no response
	stale     bool   // a stale response
}

func (a *answer) ended() time.Time { return a.begun.Add(a.took) }
func (a *answer) isWrite() bool {
	return a.operation == "update" || a.operation == "store" || a.operation == "destroy"
}
func (a *answer) isRead() bool { return a.operation == "read" }

// confirmed reports whether a write had the response 1, or a read its rows.
func (a *answer) confirmed() bool {
	return a.body == "1\n" && a.isWrite() || a.isRead() && a.code == ""
}

// begin lets the clients send requests.
func begin(t *testing.T, url string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{url: url, ctx: ctx, cancel: cancel, client: &http.Client{
		Timeout:   2 * bound,
		Transport: &http.Transport{MaxIdleConnsPerHost: writers + readers},
	}}
	t.Cleanup(l.stop)
	for i := range writers {
		l.all.Go(func() { l.write(ctx, i) })
	}
	for i := range readers {
		l.all.Go(func() { l.read(ctx, i) })
	}
	return l
}

// stop lets each client finish its request.
func (l *load) stop() {
	l.cancel()
	l.all.Wait()
	l.client.CloseIdleConnections()
}

// write updates a counter that is this writer's alone, stores rows and destroys
// some of them, and looks at the counter.
func (l *load) write(ctx context.Context, writer int) {
	counter := fmt.Sprintf("c%d", writer)
	confirmed := 0
	var stored []string
	l.each(ctx, func(n int) {
		switch n % 5 {
		case 0, 1:
			if l.ask("update", counter, n, "/counters/update?id="+counter, fmt.Sprintf("val=%d", n)).confirmed() {
				confirmed = n
			}
		case 2:
			name := fmt.Sprintf("v%d-%d", writer, n)
			if l.ask("store", name, 0, "/visits/store", "name="+name+"&val=x").confirmed() {
				stored = append(stored, name)
			}
		case 3:
			if len(stored) > 1 {
				l.ask("destroy", stored[0], 0, "/visits/destroy", "name="+stored[0])
				stored = stored[1:]
			}
		case 4:
			l.ask("look", counter, confirmed, "/counters/single", "id="+counter)
		}
	})
}

// questions are reads whose rows nobody changes.
var questions = []struct{ target, body, want string }{
	{"/peers/single", "id=alice", "id=alice&secret=one\n"},
	{"/peers/multi", "id%20LIKE=%25", "id=alice&secret=one\nid=bob&secret=two\n"},
	{"/ast_config/static?file=x.conf", "", "cat_metric=0&category=general&var_name=a&var_val=b\n"},
}

func (l *load) read(ctx context.Context, reader int) {
	l.each(ctx, func(n int) {
		q := questions[(reader+n)%len(questions)]
		l.ask("read", q.want, 0, q.target, q.body)
	})
}

// each calls a function with 1, 2, 3 and so on, in the load's pace.
func (l *load) each(ctx context.Context, ask func(n int)) {
	clock := time.NewTicker(pace)
	defer clock.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			l.gate.RLock()
			ask(n)
			l.gate.RUnlock()
		}
	}
}

// rest lets no client send requests until the returned function is called.
func (l *load) rest() (goOn func()) {
	l.gate.Lock()
	return l.gate.Unlock
}

// ask sends a request and records its response. A read with other rows than its key
// counts as an error.
func (l *load) ask(operation, key string, value int, target, body string) *answer {
	a := answer{begun: time.Now(), operation: operation, key: key, value: value}
	response, err := l.client.Post(l.url+target, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err == nil {
		var text []byte
		text, err = io.ReadAll(response.Body)
		response.Body.Close()
		a.body, a.status, a.code = string(text), response.StatusCode, response.Header.Get("X-Dbsep-Error")
		a.stale = response.Header.Get("X-Dbsep-Stale") != ""
	}
	a.took = time.Since(a.begun)
	switch {
	case err != nil:
		a.code = "none"
	case a.isRead() && a.code == "" && a.body != key:
		a.code = "wrong"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
	return &a
}

// count counts the responses of which something is true.
func (l *load) count(is func(*answer) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.answers {
		if is(&l.answers[i]) {
			n++
		}
	}
	return n
}

// await waits until there are as many responses of which something is true.
func (l *load) await(t *testing.T, what string, n int, is func(*answer) bool) {
	t.Helper()
	until := time.After(patience)
	clock := time.NewTicker(5 * time.Millisecond)
	defer clock.Stop()
	for l.count(is) < n {
		select {
		case <-until:
			t.Fatalf("%d %s in %v, want %d", l.count(is), what, patience, n)
		case <-clock.C:
		}
	}
}
