// Package metrics exports metrics for Prometheus. It defines their names. The gateway
// and the database provide the values.
//
// No label has a value of a request: tables are those of the schema, and all other
// labels come from short lists.
package metrics

import (
	"maps"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dbsep/gateway"
)

// Metrics are the metrics of one process.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	rows     *prometheus.CounterVec
	bytes    *prometheus.CounterVec

	// bySeries caches the counters of each series, so that a request needs one
	// look-up. The map is never changed but replaced.
	bySeries atomic.Pointer[map[series]*counters]

	stale       *prometheus.CounterVec // stale responses
	shared      *prometheus.CounterVec // responses from the query of another request
	adjustments *prometheus.CounterVec
	reloads     *prometheus.CounterVec // by result: "success" or "failure"
	current     prometheus.Gauge       // 0 while the last reload was refused
	modified    prometheus.Gauge       // when the active configuration was read, in seconds since 1970

	Refused prometheus.Counter // connections of clients over the limit
	Dropped prometheus.Counter // connections that were closed before their first request, for others
	TLS     prometheus.Counter // failed TLS handshakes
	LeftOut prometheus.Counter // lines about clients that are not in the log
	Up      prometheus.Gauge   // 1 while the database is available
}

// series identifies the counters that a request belongs to.
type series struct{ operation, table, code string }

// counters are the counters of a series.
type counters struct {
	requests, rows, bytes prometheus.Counter
	duration              prometheus.Observer
}

// A Pool is the state of one pool of connections to the database.
type Pool struct {
	Name             string
	Max, Open, InUse int
	Waited, Failed   int64
	Broken           bool
}

// A Budget is the state of the memory for one purpose.
type Budget struct {
	Name string
	gateway.BudgetStats
}

// Sources are called for each scrape. Each may be nil.
type Sources struct {
	Pools   func() []Pool
	Budgets func() []Budget
	Clients func() int                  // open connections, without those of strangers
	Cache   func() (hits, joined int64) // queries that [cache] answered from memory, and those that waited for an equal one
	Stale   func() (state StaleCache, ok bool)
	Batches func() (sent, reads, again int64) // statements that read one row for each of several requests, these requests, and those that were read again
}

// New returns the metrics of a process.
func New(version string, from Sources) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.bySeries.Store(new(map[series]*counters))
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return register(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
	}
	m.requests = counter("dbsep_http_requests_total", "Requests, by operation, table and code: ok or that of the error.", "operation", "table", "code")
	m.rows = counter("dbsep_rows_total", "Rows in responses, or matched by writes.", "operation", "table")
	m.bytes = counter("dbsep_http_response_bytes_total", "Bytes of response bodies.", "operation", "table")
	m.duration = register(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "dbsep_http_request_duration_seconds",
		Help:    "Duration of requests, from the end of their header to the end of their response.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"operation", "table"}))
	m.reloads = counter("dbsep_config_reloads_total", "Reloads of the configuration, by result: success or failure.", "result")
	m.reloads.WithLabelValues("success")
	m.reloads.WithLabelValues("failure")
	m.stale = counter("dbsep_stale_responses_total", "Responses of stale rows, sent while the database was unavailable.", "operation", "table")
	m.shared = counter("dbsep_shared_responses_total", "Long responses from the query of another request, which waited for the same.", "operation", "table")
	m.adjustments = counter("dbsep_request_adjustments_total", "Adjustments of requests: cut-value, separated-fields, left-out-column, added-column, default-order.", "adjustment")
	for a := range gateway.Adjustments {
		m.adjustments.WithLabelValues(string(a))
	}
	m.TLS = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_tls_handshake_errors_total", Help: "Failed TLS handshakes."}))
	m.Refused = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_http_connections_refused_total", Help: "Connections of clients over the limit."}))
	m.Dropped = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_http_connections_dropped_total", Help: "Connections closed before their first request, to make room for others."}))
	m.LeftOut = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_log_lines_left_out_total", Help: "Repeated lines about clients that the log counts and does not write."}))
	m.Up = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_db_up", Help: "1 while the database is available."}))
	m.current = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_config_last_reload_successful", Help: "0 if the last reload was refused and the previous configuration stays active."}))
	m.modified = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_config_last_reload_success_timestamp_seconds", Help: "When the active configuration was read."}))
	m.addSources(from)
	build := register(m, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dbsep_build_info", Help: "Always 1."}, []string{"version", "goversion"}))
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// addSources adds the metrics of sources.
func (m *Metrics) addSources(from Sources) {
	if from.Pools != nil {
		m.registry.MustRegister(poolCollector{from.Pools})
	}
	if from.Stale != nil {
		m.registry.MustRegister(staleCollector{from.Stale})
	}
	if from.Budgets != nil {
		m.registry.MustRegister(budgetCollector{from.Budgets})
	}
	if from.Clients != nil {
		register(m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "dbsep_http_connections", Help: "Open connections of clients."},
			func() float64 { return float64(from.Clients()) }))
	}
	if from.Cache != nil {
		register(m, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "dbsep_cache_hits_total", Help: "Queries that [cache] answered from memory."},
			func() float64 { hits, _ := from.Cache(); return float64(hits) }))
		register(m, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "dbsep_cache_coalesced_total", Help: "Queries that waited for an equal one."},
			func() float64 { _, joined := from.Cache(); return float64(joined) }))
	}
	if from.Batches != nil {
		for i, c := range []prometheus.CounterOpts{
			{Name: "dbsep_db_batches_total", Help: "Statements that read one row for each of several requests."},
			{Name: "dbsep_db_batched_reads_total", Help: "Reads of one row that shared such a statement."},
			{Name: "dbsep_db_batched_reads_again_total", Help: "Reads of one row that were read again, alone, after such a statement."},
		} {
			register(m, prometheus.NewCounterFunc(c, func() float64 {
				sent, reads, again := from.Batches()
				return float64([]int64{sent, reads, again}[i])
			}))
		}
	}
}

func register[C prometheus.Collector](m *Metrics, c C) C {
	m.registry.MustRegister(c)
	return c
}

// Observe counts a request.
func (m *Metrics) Observe(e gateway.Event) {
	s := series{e.Operation, e.Table, string(e.Code)}
	if s.code == "" {
		s.code = "ok"
	}
	known := m.bySeries.Load()
	c := (*known)[s]
	if c == nil {
		c = &counters{
			requests: m.requests.WithLabelValues(s.operation, s.table, s.code),
			rows:     m.rows.WithLabelValues(s.operation, s.table),
			bytes:    m.bytes.WithLabelValues(s.operation, s.table),
			duration: m.duration.WithLabelValues(s.operation, s.table),
		}
		more := map[series]*counters{s: c}
		maps.Copy(more, *known)
		m.bySeries.CompareAndSwap(known, &more) // if it fails, the next such request adds it
	}
	c.requests.Inc()
	c.rows.Add(float64(e.Rows))
	c.bytes.Add(float64(e.Bytes))
	c.duration.Observe(e.Took.Seconds())
	if e.Stale {
		m.stale.WithLabelValues(e.Operation, e.Table).Inc()
	}
	if e.Shared {
		m.shared.WithLabelValues(e.Operation, e.Table).Inc()
	}
	for _, a := range e.Adjustments {
		m.adjustments.WithLabelValues(string(a)).Inc()
	}
}

// Read records that a configuration became active.
func (m *Metrics) Read() {
	m.current.Set(1)
	m.modified.Set(float64(time.Now().Unix()))
}

// Reloaded counts a successful reload.
func (m *Metrics) Reloaded() { m.reloads.WithLabelValues("success").Inc() }

// ReloadRefused counts a refused reload.
func (m *Metrics) ReloadRefused() {
	m.current.Set(0)
	m.reloads.WithLabelValues("failure").Inc()
}

// Handler serves the metrics to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
