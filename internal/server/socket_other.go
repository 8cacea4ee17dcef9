//go:build !linux

package server

import "syscall"

// closeToOthers does nothing: only Linux makes the file of a socket with the mode of the
// socket. Here the umask decides until the mode is set.
func closeToOthers(string, string, syscall.RawConn) error { return nil }
