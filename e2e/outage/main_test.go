//go:build e2e

package outage

import (
	"testing"

	"dbsep/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
