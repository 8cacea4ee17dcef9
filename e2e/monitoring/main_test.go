//go:build e2e

package monitoring

import (
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	page      = "../../docs/monitoring.md"
	rules     = "../../contrib/prometheus/dbsep.rules.yml"
	ruleTests = "../../contrib/prometheus/dbsep.rules.test.yml"
	dashboard = "../../contrib/grafana/dbsep.json"
	tables    = "../../internal/replay/testdata/asterisk-sqlite.sql"
)
