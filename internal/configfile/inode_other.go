//go:build !unix

package configfile

import "os"

// inode is not needed: dbsep-cgi is for Unix.
func inode(os.FileInfo) string { return "" }
