//go:build !linux

package pgtest

import "os/exec"

// dieWithParent has no counterpart here: a server outlives tests that are
// killed.
func dieWithParent(*exec.Cmd) {}
