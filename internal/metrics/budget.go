package metrics

import "github.com/prometheus/client_golang/prometheus"

// budgetCollector reads the state of the memory budgets for each scrape.
type budgetCollector struct{ budgets func() []Budget }

var (
	budgetUsed    = budgetSeries("dbsep_memory_budget_used_bytes", "Memory in use.")
	budgetLimit   = budgetSeries("dbsep_memory_budget_limit_bytes", "Limit of the memory.")
	budgetRefused = budgetSeries("dbsep_memory_budget_refusals_total", "Requests that failed because too little memory was left.")
)

func budgetSeries(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"budget"}, nil)
}

func (c budgetCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{budgetUsed, budgetLimit, budgetRefused} {
		to <- d
	}
}

func (c budgetCollector) Collect(to chan<- prometheus.Metric) {
	for _, b := range c.budgets() {
		to <- prometheus.MustNewConstMetric(budgetUsed, prometheus.GaugeValue, float64(b.Used), b.Name)
		to <- prometheus.MustNewConstMetric(budgetLimit, prometheus.GaugeValue, float64(b.Limit), b.Name)
		to <- prometheus.MustNewConstMetric(budgetRefused, prometheus.CounterValue, float64(b.Refused), b.Name)
	}
}
