package mariadbtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server even where the tests are killed. The kernel
// watches the thread that started it, and Go keeps its threads until the
// program ends.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
