package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/metrics"
)

func TestSeries(t *testing.T) {
	m := metrics.New("1.2", metrics.Sources{Pools: func() []metrics.Pool { return []metrics.Pool{{"all", 16, 5, 3, 7, 2, true}} }, Clients: func() int { return 9 }, Shared: func() (int64, int64) { return 4, 6 }})
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 3 * time.Millisecond})
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 30 * time.Second})
	m.Observe(gateway.Event{Operation: "update", Code: gateway.UnknownTable, Bytes: 3})
	m.Refused.Inc()
	m.Up.Set(1)
	m.Read()
	m.ReloadRefused()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`dbsep_requests_total{code="ok",operation="single",table="peers"} 2`,
		`dbsep_requests_total{code="unknown-table",operation="update",table=""} 1`,
		`dbsep_rows_total{operation="single",table="peers"} 2`,
		`dbsep_response_bytes_total{operation="single",table="peers"} 60`,
		`dbsep_request_duration_seconds_bucket{operation="single",table="peers",le="0.005"} 1`,
		`dbsep_request_duration_seconds_count{operation="single",table="peers"} 2`,
		`dbsep_database_connections_max{pool="all"} 16`,
		`dbsep_database_connections_open{pool="all"} 5`,
		`dbsep_database_connections_in_use{pool="all"} 3`,
		`dbsep_database_waits_total{pool="all"} 7`,
		`dbsep_database_waits_failed_total{pool="all"} 2`,
		`dbsep_database_breaker_open{pool="all"} 1`,
		`dbsep_client_connections 9`,
		`dbsep_cache_answers_total 4`,
		`dbsep_cache_joined_total 6`,
		`dbsep_client_connections_refused_total 1`,
		`dbsep_database_up 1`,
		`dbsep_reloads_total{result="done"} 0`,
		`dbsep_reloads_total{result="refused"} 1`,
		`dbsep_config_current 0`,
		`dbsep_build_info{goversion="go`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

func TestManyAtOnceSeeTheSameSeries(t *testing.T) {
	m := metrics.New("1.2", metrics.Sources{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 100 {
				m.Observe(gateway.Event{Operation: "single", Table: strconv.Itoa(i % 10)})
			}
		})
	}
	all.Wait()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for i := range 10 {
		if want := fmt.Sprintf("dbsep_requests_total{code=\"ok\",operation=\"single\",table=\"%d\"} 80\n", i); !strings.Contains(w.Body.String(), want) {
			t.Errorf("lacks %s", want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	m := metrics.New("1.2", metrics.Sources{})
	e := gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 3 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(e)
	}
}
