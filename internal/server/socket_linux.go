package server

import "syscall"

// closeToOthers makes a socket one that only its owner can connect to, before it has a
// name: bind makes the file with the mode that the socket has, less the umask.
func closeToOthers(_, _ string, c syscall.RawConn) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) }); err != nil {
		return err
	}
	return failed
}
