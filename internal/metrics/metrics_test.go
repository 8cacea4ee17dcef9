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

func budgets() []metrics.Budget {
	return []metrics.Budget{{Name: "bodies", BudgetStats: gateway.BudgetStats{Used: 12, Limit: 34, Refused: 5}}}
}

func TestSeries(t *testing.T) {
	m := metrics.New("1.2", metrics.Sources{Pools: func() []metrics.Pool { return []metrics.Pool{{"all", 16, 5, 3, 7, 2, true}} }, Budgets: budgets, Clients: func() int { return 9 }, Cache: func() (int64, int64) { return 4, 6 },
		Batches: func() (sent, reads, again int64) { return 1, 2, 3 },
		Stale: func() (metrics.StaleCache, bool) {
			return metrics.StaleCache{Usable: true, Bytes: 12288, Errors: 3, NotKept: 2}, true
		}})
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 3 * time.Millisecond})
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 30 * time.Second})
	m.Observe(gateway.Event{Operation: "multi", Table: "peers", Shared: true})
	m.Observe(gateway.Event{Operation: "update", Code: gateway.UnknownTable, Bytes: 3})
	m.Refused.Inc()
	m.Up.Set(1)
	m.Read()
	m.ReloadRefused()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`dbsep_http_requests_total{code="ok",operation="single",table="peers"} 2`,
		`dbsep_http_requests_total{code="unknown-table",operation="update",table=""} 1`,
		`dbsep_rows_total{operation="single",table="peers"} 2`,
		`dbsep_http_response_bytes_total{operation="single",table="peers"} 60`,
		`dbsep_http_request_duration_seconds_bucket{operation="single",table="peers",le="0.005"} 1`,
		`dbsep_http_request_duration_seconds_count{operation="single",table="peers"} 2`,
		`dbsep_shared_responses_total{operation="multi",table="peers"} 1`,
		`dbsep_db_pool_max_connections{pool="all"} 16`,
		`dbsep_db_pool_connections{pool="all",state="idle"} 2`,
		`dbsep_db_pool_connections{pool="all",state="in_use"} 3`,
		`dbsep_db_pool_waits_total{pool="all"} 7`,
		`dbsep_db_pool_wait_failures_total{pool="all"} 2`,
		`dbsep_db_breaker_open{pool="all"} 1`,
		`dbsep_memory_budget_used_bytes{budget="bodies"} 12`,
		`dbsep_memory_budget_limit_bytes{budget="bodies"} 34`,
		`dbsep_memory_budget_refusals_total{budget="bodies"} 5`,
		`dbsep_http_connections 9`,
		`dbsep_cache_hits_total 4`,
		`dbsep_cache_coalesced_total 6`,
		`dbsep_db_batches_total 1`,
		`dbsep_db_batched_reads_total 2`,
		`dbsep_db_batched_reads_again_total 3`,
		`dbsep_stale_cache_file_usable 1`,
		`dbsep_stale_cache_file_bytes 12288`,
		`dbsep_stale_cache_file_errors_total 3`,
		`dbsep_stale_cache_dropped_total 2`,
		`dbsep_http_connections_refused_total 1`,
		`dbsep_db_up 1`,
		`dbsep_config_reloads_total{result="success"} 0`,
		`dbsep_config_reloads_total{result="failure"} 1`,
		`dbsep_config_last_reload_successful 0`,
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
		if want := fmt.Sprintf("dbsep_http_requests_total{code=\"ok\",operation=\"single\",table=\"%d\"} 80\n", i); !strings.Contains(w.Body.String(), want) {
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
