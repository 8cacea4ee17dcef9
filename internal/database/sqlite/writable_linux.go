package sqlite

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"

	"dbsep/sqlgen"
)

// minRoom is what a small write needs on the disk: the pages that it changes, and the same
// in the journal.
const minRoom = 64 << 10

// checkWritable reports why a write would fail, as far as the system knows. It does not open
// the file, like readable.
func checkWritable(path string) *sqlgen.Fault {
	dir := filepath.Dir(path)
	for _, name := range []string{path, dir} {
		err := unix.Faccessat(unix.AT_FDCWD, name, unix.W_OK, unix.AT_EACCESS)
		if errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			return &sqlgen.Fault{Cause: sqlgen.ReadOnly, Hint: readOnlyHint, Err: err}
		}
	}
	var disk unix.Statfs_t
	if unix.Statfs(dir, &disk) == nil && disk.Bavail*uint64(disk.Bsize) < minRoom {
		return &sqlgen.Fault{Cause: sqlgen.Full, Hint: fullHint}
	}
	return nil
}
