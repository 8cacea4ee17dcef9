package setup

import (
	"os"
	"path/filepath"

	"dbsep/internal/cache"
	"dbsep/internal/database"
)

// CheckStaleCache reports why the file of stale responses cannot be used. It
// opens none of SQLite's own files: closing one would end SQLite's locks.
func (l *Loaded) CheckStaleCache() error {
	file := l.Config.Database.LastGoodFile
	if len(l.Config.LastGood) == 0 {
		return nil
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if sameFile(file, l.DB.Address()+suffix) {
			return locate(l.Config, database.Problem{Key: "lastgood_file", Text: "it is the database itself", Hint: "name a file that does not exist yet"})
		}
	}
	if err := cache.CheckFile(file); err != nil {
		return locate(l.Config, database.Problem{Key: "lastgood_file", Text: err.Error()})
	}
	return nil
}

// sameFile reports whether two names mean one file, which need not exist.
func sameFile(a, b string) bool {
	if x, err := os.Stat(a); err == nil {
		y, err := os.Stat(b)
		return err == nil && os.SameFile(x, y)
	}
	x, errX := filepath.Abs(a)
	y, errY := filepath.Abs(b)
	return errX == nil && errY == nil && x == y
}
