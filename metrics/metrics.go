// Package metrics counts what a gateway answers, for Prometheus. It decides the
// names of the series; what is counted, the gateway and the database tell it.
//
// No series has a value of a request: tables are those of the schema, and all
// other labels come from short lists.
package metrics

import (
	"net/http"
	"runtime"
	"sync"
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

	seen sync.Map // series → *counted, so that a request costs one look-up

	notes    *prometheus.CounterVec // by what was mended
	Refused  prometheus.Counter     // connections of clients that were too many
	TLS      prometheus.Counter     // connections that came to no TLS
	Reloads  *prometheus.CounterVec // by result: "done" or "refused"
	Up       prometheus.Gauge       // 1 while the database answers
	Modified prometheus.Gauge       // when the configuration in force was read, in seconds since 1970
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
}

// New returns the series of a process. pools and clients are asked whenever the
// series are read.
func New(version string, pools func() []Pool, clients func() int) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
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
	m.Reloads = counter("dbsep_reloads_total", "Reloads of the configuration, by result: done or refused.", "result")
	m.Reloads.WithLabelValues("done")
	m.Reloads.WithLabelValues("refused")
	m.notes = counter("dbsep_notes_total", "What was mended in requests: cut-value, told-apart, left-out-column.", "note")
	for n := range gateway.Notes {
		m.notes.WithLabelValues(string(n))
	}
	m.TLS = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_tls_failures_total", Help: "Connections of clients that came to no TLS."}))
	m.Refused = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "dbsep_client_connections_refused_total", Help: "Connections of clients beyond the bound."}))
	m.Up = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_database_up", Help: "1 while the database answers."}))
	m.Modified = register(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "dbsep_config_read_timestamp_seconds", Help: "When the configuration in force was read."}))
	register(m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "dbsep_client_connections", Help: "Open connections of clients."},
		func() float64 { return float64(clients()) }))
	build := register(m, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dbsep_build_info", Help: "Always 1."}, []string{"version", "goversion"}))
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(poolCollector{pools}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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
	found, ok := m.seen.Load(s)
	if !ok {
		found, _ = m.seen.LoadOrStore(s, &counted{
			requests: m.requests.WithLabelValues(s.operation, s.table, s.code),
			rows:     m.rows.WithLabelValues(s.operation, s.table),
			bytes:    m.bytes.WithLabelValues(s.operation, s.table),
			duration: m.duration.WithLabelValues(s.operation, s.table),
		})
	}
	c := found.(*counted)
	c.requests.Inc()
	c.rows.Add(float64(e.Rows))
	c.bytes.Add(float64(e.Bytes))
	c.duration.Observe(e.Took.Seconds())
	for _, n := range e.Notes {
		m.notes.WithLabelValues(string(n)).Inc()
	}
}

// Read notes that a configuration has come into force.
func (m *Metrics) Read() { m.Modified.Set(float64(time.Now().Unix())) }

// Handler answers the series in the form that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
