//go:build e2e

package perl

import (
	"testing"

	"dbsep/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
