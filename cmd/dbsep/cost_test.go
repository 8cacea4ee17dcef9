package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/config"
	"dbsep/internal/database"
	"dbsep/internal/database/sqlite"
	"dbsep/internal/logging"
	"dbsep/internal/metrics"
	"dbsep/internal/setup"
)

// BenchmarkCost measures what it costs to watch dbsep: how much more processor
// time a request for a phone takes when it is counted, and when it leaves a
// line in the log as well. Each has its turn in every round, so that other load
// on the machine affects all of them, and the median of the rounds is reported.
//
// "handler" calls the program's handler as a web server would, so nothing but
// dbsep and SQLite is measured. "server" is the throughput over 127.0.0.1.
func BenchmarkCost(b *testing.B) {
	site := costSite(b)
	servers := []watched{
		watch(b, site, "bare", false, ""),
		watch(b, site, "metrics", true, ""),
		watch(b, site, "text-log", true, "text"),
		watch(b, site, "json-log", true, "json"),
	}
	for _, way := range []struct {
		name string
		open func(*testing.B, http.Handler) func()
	}{
		{"handler", callHandler},
		{"server", callServer},
	} {
		b.Run(way.name, func(b *testing.B) {
			var rounds []func()
			for _, w := range servers {
				send := way.open(b, w.handler)
				rounds = append(rounds, func() {
					send()
					w.log.Flush() // not in another's turn
				})
			}
			took := make([][]float64, len(rounds))
			for i := 0; b.Loop(); i++ {
				for turn := range rounds {
					one := (turn + i) % len(rounds)
					begun := worked(b)
					rounds[one]()
					took[one] = append(took[one], (worked(b) - begun).Seconds())
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(took[0])/requestsEach*1e6, "µs/bare-request")
			for i, w := range servers[1:] {
				b.ReportMetric(100*(medianRatio(took[i+1], took[0])-1), "%more-"+w.name)
			}
		})
	}
}

// requestsEach is how many requests there are in a turn.
const requestsEach = 400

// costSite is the sample site.
func costSite(b *testing.B) *setup.Loaded {
	b.Helper()
	file := filepath.Join(b.TempDir(), "demo.db")
	if err := sqlite.Create(b.Context(), file, sampleSQL()); err != nil {
		b.Fatal(err)
	}
	db, err := database.Open(database.Source{DSN: "DBI:SQLite:dbname=" + file})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	c := config.Default()
	return &setup.Loaded{Config: &c, DB: db}
}

// A watched gateway is counted or not, and writes an access log or none.
type watched struct {
	name    string
	handler http.Handler
	log     *logging.BufferedWriter
}

// watch returns a gateway that is counted or not, and writes an access log of a
// format, or none, to a file.
func watch(b *testing.B, s *setup.Loaded, name string, counted bool, format string) watched {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	to := &logging.BufferedWriter{To: file, Wait: logging.AccessLogDelay}
	b.Cleanup(to.Flush)
	o := setup.GatewayOptions(s.Config, logging.New(logging.FlushingWriter{BufferedWriter: to}, s.Config.Log, false))
	w := watched{name, nil, to}
	if !counted {
		w.handler = gateway.New(s.DB, o)
		return w
	}
	count := metrics.New("1", metrics.Sources{}).Observe
	lines := logging.NewAccessLog(to, config.Log{Access: format != "", Format: format}, true)
	o.Observe = func(e gateway.Event) {
		count(e)
		if lines != nil {
			lines.Write(e)
		}
	}
	w.handler = gateway.New(s.DB, o)
	return w
}

// worked is how long the processors have worked for this process.
func worked(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

const costBody = "id=alice"

func callHandler(b *testing.B, h http.Handler) func() {
	return func() {
		for range requestsEach {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ps_endpoints/single", strings.NewReader(costBody)))
			if !strings.HasPrefix(w.Body.String(), "id=alice&") {
				b.Fatalf("%d %s", w.Code, w.Body)
			}
		}
	}
}

// callServer sends requests over several connections at a time. The client does as
// little work as possible: each response is as long as the first.
func callServer(b *testing.B, h http.Handler) func() {
	const clients = 8
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	request := []byte("POST /ps_endpoints/single HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n" + costBody)
	var connections []net.Conn
	for range clients {
		var d net.Dialer
		c, err := d.DialContext(b.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		connections = append(connections, c)
	}
	bytes := responseSize(b, connections[0], request)
	return func() {
		var all sync.WaitGroup
		for _, c := range connections {
			all.Go(func() {
				response := make([]byte, bytes)
				for range requestsEach / clients {
					if _, err := c.Write(request); err != nil {
						b.Error(err)
						return
					}
					if _, err := io.ReadFull(c, response); err != nil || !strings.HasPrefix(string(response), "HTTP/1.1 200 OK\r\n") {
						b.Errorf("%s, %v", response, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

// responseSize sends a request and returns the size of the response.
func responseSize(b *testing.B, c net.Conn, request []byte) int {
	b.Helper()
	if _, err := c.Write(request); err != nil {
		b.Fatal(err)
	}
	seen := new(strings.Builder)
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, seen)), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(body), "id=alice&") {
		b.Fatal(string(body), err)
	}
	return seen.Len()
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}

// medianRatio compares each turn with the other of its round.
func medianRatio(of, to []float64) float64 {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = of[i] / to[i]
	}
	return median(ratios)
}
