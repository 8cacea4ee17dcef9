package metrics_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/metrics"
)

func TestSeries(t *testing.T) {
	m := metrics.New("1.2", func() []metrics.Pool { return []metrics.Pool{{"all", 16, 5, 3, 7, 2}} }, func() int { return 9 })
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 3 * time.Millisecond})
	m.Observe(gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 30 * time.Second})
	m.Observe(gateway.Event{Operation: "update", Code: gateway.UnknownTable, Bytes: 3})
	m.Refused.Inc()
	m.Up.Set(1)
	m.Read()
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
		`dbsep_client_connections 9`,
		`dbsep_client_connections_refused_total 1`,
		`dbsep_database_up 1`,
		`dbsep_reloads_total{result="refused"} 0`,
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

func BenchmarkObserve(b *testing.B) {
	m := metrics.New("1.2", func() []metrics.Pool { return nil }, func() int { return 0 })
	e := gateway.Event{Operation: "single", Table: "peers", Rows: 1, Bytes: 30, Took: 3 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(e)
	}
}
