//go:build e2e

package webserver

import (
	"testing"

	"dbsep/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
