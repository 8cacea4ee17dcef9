//go:build e2e

package kamailio

import (
	"testing"

	"dbsep/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
