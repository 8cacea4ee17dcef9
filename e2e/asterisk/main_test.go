//go:build e2e

package asterisk

import (
	"slices"
	"testing"

	"dbsep/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// A feature is one thing that Asterisk does with its database. The features of
// one Asterisk run one after the other, and each finds what the seed and those
// before it have left.
type feature struct {
	name string
	test func(*testing.T, *pbx)
}

// features is the order of a run: what ends phones' registrations or the
// whole Asterisk stands last.
var features = slices.Concat(
	realtimeFeatures,
	functionFeatures,
	dialplanFeatures,
	staticFeatures,
	queueFeatures,
	musicFeatures,
	pjsipFeatures,
	voicemailFeatures,
	directoryFeatures,
	iaxFeatures,
	manualFeatures,
	reloadFeatures,
	outageFeatures,
	frontFeatures,
	queueLogFeatures,
	restartFeatures,
)

const data = "../../internal/replay/testdata/"

func TestAsterisk(t *testing.T) {
	configuration := readManual(t)
	root := debianRoot(t)
	for name, site := range map[string]func(*testing.T) *testenv.Site{
		"SQLite":     func(t *testing.T) *testenv.Site { return testenv.SQLite(t, data+"asterisk-sqlite.sql") },
		"MariaDB":    func(t *testing.T) *testenv.Site { return testenv.MariaDB(t, data+"asterisk-mysql.sql") },
		"PostgreSQL": func(t *testing.T) *testenv.Site { return testenv.Postgres(t, data+"asterisk-pg.sql") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPBX(t, root, site(t), configuration)
			for _, f := range features {
				testenv.Feature(t, "asterisk/"+name, f.name, func(t *testing.T) { f.test(t, p) })
			}
		})
	}
}
