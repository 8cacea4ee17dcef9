//go:build unix

package configfile

import (
	"os"
	"strconv"
	"syscall"
)

// inode identifies a file among all of the machine.
func inode(info os.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return strconv.FormatUint(uint64(s.Dev), 16) + "-" + strconv.FormatUint(s.Ino, 16) + "-" //nolint:unconvert // Dev has another type on other systems
}
