package metrics

import "github.com/prometheus/client_golang/prometheus"

// A StaleCache is the state of the file of stale responses.
type StaleCache struct {
	Usable          bool
	Bytes           int64
	Errors, NotKept int64
}

// staleCollector reads the state of the file of stale responses for each scrape. Without
// such a file there are no series.
type staleCollector struct {
	cache func() (state StaleCache, ok bool)
}

var (
	staleUsable  = staleSeries("file_usable", "1 while the file of stale responses can be read and written.")
	staleBytes   = staleSeries("file_bytes", "Size of the file of stale responses, with its write-ahead log.")
	staleErrors  = staleSeries("file_errors_total", "Failed uses of the file of stale responses.")
	staleNotKept = staleSeries("dropped_total", "Responses that were not kept, because too many waited to be written.")
)

func staleSeries(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("dbsep_stale_cache_"+name, help, nil, nil)
}

func (c staleCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{staleUsable, staleBytes, staleErrors, staleNotKept} {
		to <- d
	}
}

func (c staleCollector) Collect(to chan<- prometheus.Metric) {
	s, ok := c.cache()
	if !ok {
		return
	}
	usable := map[bool]float64{true: 1}[s.Usable]
	to <- prometheus.MustNewConstMetric(staleUsable, prometheus.GaugeValue, usable)
	to <- prometheus.MustNewConstMetric(staleBytes, prometheus.GaugeValue, float64(s.Bytes))
	to <- prometheus.MustNewConstMetric(staleErrors, prometheus.CounterValue, float64(s.Errors))
	to <- prometheus.MustNewConstMetric(staleNotKept, prometheus.CounterValue, float64(s.NotKept))
}
