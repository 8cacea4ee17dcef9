package pgtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server even where the tests are killed. The kernel
// watches the thread that started it, and Go keeps its threads until the
// program ends.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	// PostgreSQL's fast shutdown; its children notice when their parent is gone.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
}
