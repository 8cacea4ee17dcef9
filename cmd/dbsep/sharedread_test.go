package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRestartOfManySystems lets many clients read all endpoints at once while another one
// writes. There is a connection for one long response at a time.
func TestRestartOfManySystems(t *testing.T) {
	onEachDatabase(t, testRestartOfManySystems,
		"CREATE TABLE endpoints (id VARCHAR(40) PRIMARY KEY, version INT, context VARCHAR(250))",
		"INSERT INTO endpoints VALUES ('a', 0, 'first')",
		manyEndpoints())
}

// manyEndpoints is SQL for a response of more than a megabyte.
func manyEndpoints() string {
	var rows []string
	for i := range 4000 {
		rows = append(rows, fmt.Sprintf("('e%04d', 0, '%s')", i, strings.Repeat("x", 250)))
	}
	return "INSERT INTO endpoints VALUES " + strings.Join(rows, ", ")
}

const (
	readAllEndpoints = "/endpoints/multi?id%20LIKE=%25"
	restarting       = 64 // systems
)

// readsAll sends a request for all endpoints, and reads nothing of the response.
func (r *running) readsAll() net.Conn {
	r.t.Helper()
	c, err := net.Dial("unix", filepath.Join(r.dir, "socket"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "GET "+readAllEndpoints+" HTTP/1.0\r\n\r\n"); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func testRestartOfManySystems(t *testing.T, s aSite) {
	r := startServer(t, t.TempDir(), s.settings+"[database]\nmax_connections=2\n[limits]\npool_timeout=1m\n")
	version := regexp.MustCompile(`^id=a&version=(\d+)&`)
	get := func() string { return r.do(http.MethodGet, readAllEndpoints, "", nil).body }
	rest := version.ReplaceAllString(get(), "")
	if len(rest) < 1<<20 {
		t.Fatalf("%.100q", rest)
	}

	var acknowledged atomic.Int64
	stop := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for n := int64(1); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			r.want(r.post("/endpoints/update?id=a", "version="+strconv.FormatInt(n, 10)), reply{200, "", "1\n"})
			acknowledged.Store(n)
		}
	})
	slow := r.readsAll()
	_ = r.readsAll().Close()
	for range restarting {
		readers.Go(func() {
			least := acknowledged.Load()
			body := get()
			found := version.FindStringSubmatch(body)
			if found == nil || version.ReplaceAllString(body, "") != rest {
				t.Errorf("%d bytes: %.100q", len(body), body)
				return
			}
			if n, _ := strconv.ParseInt(found[1], 10, 64); n < least {
				t.Errorf("version %d was read, and %d acknowledged before", n, least)
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
	response, err := io.ReadAll(slow)
	if err != nil || !strings.HasSuffix(string(response), rest) {
		t.Errorf("a slow client: %d bytes, %v", len(response), err)
	}
	if n := r.metric("dbsep_shared_responses_total"); n < restarting/2 {
		t.Errorf("%v responses shared a query", n)
	}

	var all []net.Conn
	for range 8 {
		all = append(all, r.readsAll())
	}
	for _, c := range all {
		_ = c.Close()
	}
	r.idle()
}

// inUse is how many connections to the database have a statement.
func (r *running) inUse() (n float64) {
	r.t.Helper()
	for _, pool := range []string{"all", "reads", "writes"} {
		n += r.metric(`dbsep_db_pool_connections{pool="` + pool + `",state="in_use"}`)
	}
	return n
}

// idle waits until no statement runs and no response has memory.
func (r *running) idle() {
	r.t.Helper()
	for r.inUse()+r.metric("dbsep_memory_budget_used_bytes") > 0 {
		time.Sleep(time.Millisecond)
	}
}
