package mariadbtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server even where the tests are killed. The kernel
// watches the thread that starts it: on Go 1.26 threads of a program end with
// the program, unless a goroutine was locked to one.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
