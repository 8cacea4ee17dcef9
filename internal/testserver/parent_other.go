//go:build !linux

package testserver

import (
	"os/exec"
	"syscall"
)

// dieWithParent has no counterpart here: a server outlives tests that are
// killed.
func dieWithParent(*exec.Cmd, syscall.Signal) {}
