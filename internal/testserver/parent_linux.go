package testserver

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server even where the tests are killed. The kernel
// watches the thread that started it, and Go keeps its threads until the
// program ends.
func dieWithParent(cmd *exec.Cmd, signal syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = signal
}
