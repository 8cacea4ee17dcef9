package metrics

import "github.com/prometheus/client_golang/prometheus"

// poolCollector reads the state of the pools for each scrape.
type poolCollector struct{ pools func() []Pool }

var (
	poolMax    = poolSeries("dbsep_db_pool_max_connections", "Limit of open connections to the database.")
	poolOpen   = prometheus.NewDesc("dbsep_db_pool_connections", "Open connections to the database, by state: idle or in_use.", []string{"pool", "state"}, nil)
	poolWaited = poolSeries("dbsep_db_pool_waits_total", "Statements that waited for a connection.")
	poolFailed = poolSeries("dbsep_db_pool_wait_failures_total", "Statements that waited for a connection and got none.")
	poolBroken = poolSeries("dbsep_db_breaker_open", "1 while statements or new connections fail at once, because the database was unavailable a moment ago.")
)

func poolSeries(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"pool"}, nil)
}

func (c poolCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolMax, poolOpen, poolWaited, poolFailed, poolBroken} {
		to <- d
	}
}

func (c poolCollector) Collect(to chan<- prometheus.Metric) {
	for _, p := range c.pools() {
		broken := map[bool]int{true: 1}[p.Broken]
		for d, value := range map[*prometheus.Desc]int{poolMax: p.Max, poolBroken: broken} {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), p.Name)
		}
		for state, n := range map[string]int{"idle": p.Open - p.InUse, "in_use": p.InUse} {
			to <- prometheus.MustNewConstMetric(poolOpen, prometheus.GaugeValue, float64(n), p.Name, state)
		}
		to <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, float64(p.Waited), p.Name)
		to <- prometheus.MustNewConstMetric(poolFailed, prometheus.CounterValue, float64(p.Failed), p.Name)
	}
}
