//go:build !unix

package sqlite

import "os"

// readable reports whether this process may read a file.
func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
