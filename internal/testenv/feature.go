package testenv

import (
	"fmt"
	"testing"
)

// Feature runs a test of one feature of a system and prints one line about it.
func Feature(t *testing.T, system, feature string, test func(t *testing.T)) bool {
	t.Helper()
	return t.Run(feature, func(t *testing.T) {
		t.Cleanup(func() {
			switch {
			case t.Failed():
				fmt.Printf("FAIL  %s  %s\n", system, feature)
			case !t.Skipped():
				fmt.Printf("PASS  %s  %s\n", system, feature)
			}
		})
		test(t)
	})
}
