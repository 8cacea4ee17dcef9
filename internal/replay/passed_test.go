package replay

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/database"
)

// passed runs dbsep-cgi, which passes requests to a server. The server stays the same as long
// as the source does.
type passed struct {
	path, dir string
	source    string
	server    *exec.Cmd
	log       logBuffer
}

// A logBuffer is written by a server and read by a test.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns what was written since the last time.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

func newPassed(t *testing.T) *passed {
	t.Helper()
	dir, err := os.MkdirTemp("", "replay") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	p := &passed{path: program(t, "dbsep-cgi"), dir: dir}
	t.Cleanup(func() {
		p.end()
		os.RemoveAll(dir)
	})
	return p
}

func (p *passed) conf() string   { return filepath.Join(p.dir, "dbsep.conf") }
func (p *passed) socket() string { return filepath.Join(p.dir, "cgi.sock") }

func (p *passed) end() {
	if p.server != nil {
		_ = p.server.Process.Signal(syscall.SIGTERM)
		_ = p.server.Wait()
	}
}

// serve starts a server for a source.
func (p *passed) serve(t *testing.T, source database.Source) {
	t.Helper()
	if p.source == source.DSN {
		return
	}
	p.end()
	conf := configuration(source) + "[server]\nlisten=unix:" + filepath.Join(p.dir, "sock") + "\ncgi_listen=unix:" + p.socket() + "\n"
	if err := os.WriteFile(p.conf(), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	p.server = exec.Command(program(t, "dbsep"), "serve", "--config", p.conf())
	p.server.Stderr = &p.log
	if err := p.server.Start(); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("unix", p.socket())
		if err == nil {
			c.Close()
			break
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(until) {
			t.Fatalf("%v\n%s", err, p.log.take())
		}
	}
	p.source = source.DSN
}

func (p *passed) ask(t *testing.T, source database.Source, r *request) answer {
	t.Helper()
	p.serve(t, source)
	a := runCGI(t, r, p.path, "DBSEP_CONF="+p.conf(), "DBSEP_CGI_SOCKET="+p.socket(), "DBSEP_PROGRAM=/nowhere/dbsep")
	a.log += p.log.take()
	return a
}
