package config

import (
	"io/fs"
	"strings"
	"testing"
)

// Root may read every file, so the error is made here.
func TestFileThatMayNotBeRead(t *testing.T) {
	p := unreadableFile("dbsep.conf", &fs.PathError{Op: "open", Path: "dbsep.conf", Err: fs.ErrPermission})
	if !strings.Contains(p.Text, "may not read the file") || !strings.Contains(p.Hint, "group") {
		t.Errorf("got %v", p)
	}
}
