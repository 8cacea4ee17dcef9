package testenv

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Series are the metrics of a server, by name and labels.
type Series map[string]float64

// ReadSeries requests a server's metrics.
func ReadSeries(ctx context.Context, base string) (Series, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for the metrics: %s", response.Status)
	}
	all := Series{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		i := strings.LastIndexByte(lines.Text(), ' ')
		if i < 0 || lines.Text()[0] == '#' {
			continue
		}
		if all[lines.Text()[:i]], err = strconv.ParseFloat(lines.Text()[i+1:], 64); err != nil {
			return nil, err
		}
	}
	return all, lines.Err()
}

// Sum adds up all series that begin so.
func (s Series) Sum(prefix string) (sum float64) {
	for name, value := range s {
		if strings.HasPrefix(name, prefix) {
			sum += value
		}
	}
	return sum
}

// Metrics requests a server's metrics, which must succeed.
func Metrics(t testing.TB, base string) Series {
	t.Helper()
	s, err := ReadSeries(t.Context(), base)
	check(t, err)
	return s
}
