//go:build !linux

package mariadbtest

import "os/exec"

// dieWithParent has no counterpart here: a server outlives tests that are
// killed.
func dieWithParent(*exec.Cmd) {}
