//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// readable reports whether this process may read a file. It does not open it: to
// close it again would release the locks that SQLite holds on the file in this
// process (howtocorrupt.html, section 2.2).
func readable(path string) bool {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS) == nil
}
