// Package metrics counts what a gateway answers, for Prometheus. It decides the
// names of the series; what is counted, the gateway and the database tell it.
//
// No series has a value of a request: tables are those of the schema, and all
// other labels come from short lists.
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

// Metrics are the series of one process.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	rows     *prometheus.CounterVec
	bytes    *prometheus.CounterVec

	// seen are the counters of each series that there has been, so that a request
	// costs one look-up. The map is never changed: another one takes its place.
	seen atomic.Pointer[map[series]*counted]

	stale    *prometheus.CounterVec // answers that were last good ones
	notes    *prometheus.CounterVec // by what was mended
	reloads  *prometheus.CounterVec // by result: "done" or "refused"
	current  prometheus.Gauge       // 0 while the last reload was refused
	modified prometheus.Gauge       // when the configuration in force was read, in seconds since 1970

	Refused prometheus.Counter // connections of clients that were too many
	TLS     prometheus.Counter // connections that came to no TLS
	Up      prometheus.Gauge   // 1 while the database answers
}

// series names the counters that a request belongs to.
type series struct{ operation, table, code string }

// counted are the counters of a series.
type counted struct {
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

// Sources are asked whenever the series are read. Each may be nil.
type Sources struct {
	Pools   func() []Pool
	Clients func() int                   // connections that are open
	Shared  func() (again, joined int64) // answers of [cache]: given out again, and waited for by others
}

// New returns the series of a process.
func New(version string, from Sources) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.seen.Store(new(map[series]*counted))
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return register(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
	}
	m.requests = counter("dbsep_requests_total", "Requests answered. code is ok or that of the error.", "operation", "table", "code")
	m.rows = counter("dbsep_rows_total", "Rows answered, or concerned by a write.", "operation", "table")
	m.bytes = counter("dbsep_response_bytes_total", "Bytes of answers.", "operation", "table")
	m.duration = register(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "dbsep_request_duration_seconds",
		Help:    "How long requests took, from the end of their header to the end of their answer.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"operation", "table"}))
	m.reloads = counter("dbsep_reloads_total", "Reloads of the configuration, by result: done or refused.", "result")
	m.reloads.WithLabelValues("done")
	m.reloads.WithLabelValues("refused")
	m.stale = counter("dbsep_stale_answers_total", "Answers that the database gave some time ago, since it could not answer.", "operation", "table")
	m.notes = counter("dbsep_notes_total", "What was mended in requests: cut-value, told-apart, left-out-column.", "note")
	for n := range gateway.Adjustments {
		m.notes.WithLabelValues(string(n))
	}
	m.TLS = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_tls_failures_total", Help: "Connections of clients that came to no TLS."}))
	m.Refused = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_client_connections_refused_total", Help: "Connections of clients beyond the bound."}))
	m.Up = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_database_up", Help: "1 while the database answers."}))
	m.current = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_config_current", Help: "0 while the last reload was refused and the configuration before it goes on."}))
	m.modified = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_config_read_timestamp_seconds", Help: "When the configuration in force was read."}))
	m.ask(from)
	build := register(m, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dbsep_build_info", Help: "Always 1."}, []string{"version", "goversion"}))
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ask adds the series that others know.
func (m *Metrics) ask(from Sources) {
	if from.Pools != nil {
		m.registry.MustRegister(poolCollector{from.Pools})
	}
	if from.Clients != nil {
		register(m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "dbsep_client_connections", Help: "Open connections of clients."},
			func() float64 { return float64(from.Clients()) }))
	}
	if from.Shared != nil {
		register(m, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "dbsep_cache_answers_total", Help: "Answers of [cache] that were given out again."},
			func() float64 { again, _ := from.Shared(); return float64(again) }))
		register(m, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "dbsep_cache_joined_total", Help: "Questions that waited for the answer to an equal one."},
			func() float64 { _, joined := from.Shared(); return float64(joined) }))
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
	seen := m.seen.Load()
	c := (*seen)[s]
	if c == nil {
		c = &counted{
			requests: m.requests.WithLabelValues(s.operation, s.table, s.code),
			rows:     m.rows.WithLabelValues(s.operation, s.table),
			bytes:    m.bytes.WithLabelValues(s.operation, s.table),
			duration: m.duration.WithLabelValues(s.operation, s.table),
		}
		more := map[series]*counted{s: c}
		maps.Copy(more, *seen)
		m.seen.CompareAndSwap(seen, &more) // or the next such request does it
	}
	c.requests.Inc()
	c.rows.Add(float64(e.Rows))
	c.bytes.Add(float64(e.Bytes))
	c.duration.Observe(e.Took.Seconds())
	if e.Stale {
		m.stale.WithLabelValues(e.Operation, e.Table).Inc()
	}
	for _, n := range e.Adjustments {
		m.notes.WithLabelValues(string(n)).Inc()
	}
}

// Read notes that a configuration has come into force.
func (m *Metrics) Read() {
	m.current.Set(1)
	m.modified.Set(float64(time.Now().Unix()))
}

// Reloaded counts a reload that is done.
func (m *Metrics) Reloaded() { m.reloads.WithLabelValues("done").Inc() }

// ReloadRefused counts a reload that was refused.
func (m *Metrics) ReloadRefused() {
	m.current.Set(0)
	m.reloads.WithLabelValues("refused").Inc()
}

// Handler answers the series in the form that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
