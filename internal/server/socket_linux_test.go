package server_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"dbsep/internal/config"
	"dbsep/internal/server"
)

// withoutUmask runs a function while new files may have every mode.
func withoutUmask(f func()) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	f()
}

// TestSocketIsClosedBeforeItHasItsMode shows that nobody else can connect between bind
// and chmod.
func TestSocketIsClosedBeforeItHasItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	withoutUmask(func() {
		lc := net.ListenConfig{Control: server.CloseToOthers}
		l, err := lc.Listen(t.Context(), "unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		file, err := os.Stat(path)
		if err != nil || file.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", file.Mode(), err)
		}
	})
}

// TestNoModeIsWiderThanTheLast looks at a socket while it is opened, over and over.
func TestNoModeIsWiderThanTheLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	ctx, stop := context.WithCancel(t.Context())
	var looks sync.WaitGroup
	looks.Go(func() {
		for ctx.Err() == nil {
			file, err := os.Stat(path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				t.Error(err)
			case file.Mode().Perm()&^0o660 != 0:
				t.Errorf("%v", file.Mode())
				return
			}
		}
	})
	withoutUmask(func() {
		for range 2000 {
			l, err := server.Listen(ctx, "unix:"+path, config.Server{SocketMode: 0o660})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	stop()
	looks.Wait()
}
