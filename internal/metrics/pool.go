package metrics

import "github.com/prometheus/client_golang/prometheus"

// poolCollector reads the state of the pools for each scrape.
type poolCollector struct{ pools func() []Pool }

var (
	poolMax    = poolSeries("dbsep_database_connections_max", "Limit of open connections to the database.")
	poolOpen   = poolSeries("dbsep_database_connections_open", "Open connections to the database.")
	poolInUse  = poolSeries("dbsep_database_connections_in_use", "Connections to the database that are in use.")
	poolWaited = poolSeries("dbsep_database_waits_total", "Statements that waited for a connection.")
	poolFailed = poolSeries("dbsep_database_waits_failed_total", "Statements that waited for a connection and got none.")
	poolBroken = poolSeries("dbsep_database_breaker_open", "1 while statements or new connections fail at once, because the database was unavailable a moment ago.")
)

func poolSeries(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"pool"}, nil)
}

func (c poolCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolMax, poolOpen, poolInUse, poolWaited, poolFailed, poolBroken} {
		to <- d
	}
}

func (c poolCollector) Collect(to chan<- prometheus.Metric) {
	for _, p := range c.pools() {
		broken := map[bool]int{true: 1}[p.Broken]
		for d, value := range map[*prometheus.Desc]int{poolMax: p.Max, poolOpen: p.Open, poolInUse: p.InUse, poolBroken: broken} {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), p.Name)
		}
		to <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, float64(p.Waited), p.Name)
		to <- prometheus.MustNewConstMetric(poolFailed, prometheus.CounterValue, float64(p.Failed), p.Name)
	}
}
