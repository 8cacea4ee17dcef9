package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestStrangersFillNoLog sends what anybody can send, again and again.
func TestStrangersFillNoLog(t *testing.T) {
	dir := sampleSite(t)
	certify(t, dir)
	address := "127.0.0.1:" + freePort(t)
	r := startServer(t, dir, fmt.Sprintf("[server]\nlisten=%s\nstatus_listen=unix:%s\nallow=192.0.2.0/24\ntls_cert=%s\ntls_key=%s\n",
		address, filepath.Join(dir, "status"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	for n := range 50 {
		c := overTLS(dial(t, "tcp", address))
		fmt.Fprintf(c, "POST /ps_endpoints/update?id=%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", n)
		if answer, _ := io.ReadAll(c); !strings.Contains(string(answer), "X-Dbsep-Error: forbidden") {
			t.Fatalf("answered %q", answer)
		}
		c = dial(t, "tcp", address)
		fmt.Fprint(c, "\x16\x03\x01\x00\x04x\x00\x00\x00") // a handshake of no kind
		_, _ = io.ReadAll(c)
	}
	r.said("code=forbidden operation=update")
	r.said("TLS handshake failed")
	if n := strings.Count(r.log.String(), "\n"); n != 3 { // with that of the start
		t.Errorf("the log has %d lines, want 3:\n%s", n, r.log)
	}
	r.statusAt(filepath.Join(dir, "status"))
	r.await("dbsep_log_lines_left_out_total ", 98)
}

func TestRepeatedErrorsOfAFastCGIProgramAreCounted(t *testing.T) {
	dir := sampleSite(t)
	log, err := os.CreateTemp(dir, "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stderr := os.Stderr
	os.Stderr = log
	_, socket := startFastCGI(t, dir)
	os.Stderr = stderr
	for range 50 {
		c := fastCGI{dial(t, "unix", socket)}
		c.begin(t, "/nosuch/single", "", 4)
		c.body(t, "id=x")
		if got := c.response(t); !strings.Contains(got, "X-Dbsep-Error: unknown-table") {
			t.Fatalf("got %q", got)
		}
	}
	if text, err := os.ReadFile(log.Name()); err != nil || strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), "code=unknown-table") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestJSONThatIsSentAsAFormIsNotLogged sends what curl -d sends without a content type of
// its own, and other bodies that have no names.
func TestJSONThatIsSentAsAFormIsNotLogged(t *testing.T) {
	r := runSample(t, "[log]\nslow=1ms\naccess=yes\n")
	for _, body := range []string{`{"id":"alice","password":"hush"}`, `{"password":"a=hush"}`, "password: hush", "hush%0Ahush=1", "id LIKE 'hush'", `["hush"]`, strings.Repeat("hush", 20)} {
		for _, target := range []string{"/ps_endpoints/single", "/ps_endpoints/store", "/ps_endpoints/update?id=alice", "/ps_endpoints/require", "/ps_endpoints/destroy", "/%7B%22hush%22%7D/single"} {
			if got := r.post(target, body); got.code == "" {
				t.Errorf("%s %s: %+v", target, body, got)
			}
		}
	}
	r.said(`code=unknown-column .*column="\(32 bytes\)"`)
	if strings.Contains(r.log.String(), "hush") {
		t.Errorf("the log has a value:\n%s", r.log)
	}
}

// TestJournalIsFoundByItsFile starts a server from a program whose log is in the journal.
func TestJournalIsFoundByItsFile(t *testing.T) {
	for name, inJournal := range map[string]bool{"to the journal": true, "to another file": false} {
		t.Run(name, func(t *testing.T) {
			log, err := os.CreateTemp(t.TempDir(), "log")
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			file, err := log.Stat()
			if err != nil {
				t.Fatal(err)
			}
			stat := file.Sys().(*syscall.Stat_t)
			if !inJournal {
				stat.Ino++
			}
			t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
			stderr := os.Stderr
			os.Stderr = log
			dir := sampleSite(t)
			socket := filepath.Join(dir, "s")
			server := start(t, dir, nil, "serve", "--listen", "unix:"+socket)
			os.Stderr = stderr
			dial(t, "unix", socket).Close()
			if err := server.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := server.Wait(); err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(log.Name())
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "<6>level=INFO") != inJournal || strings.HasPrefix(line, "time=") == inJournal {
					t.Error(line)
				}
			}
		})
	}
}

// TestFailedStartIsAnErrorInTheJournal starts a server with a mistake in its configuration.
func TestFailedStartIsAnErrorInTheJournal(t *testing.T) {
	dir := sampleSite(t)
	configure(t, dir, "[log]\nacces=yes\nslow=x\n")
	log, err := os.CreateTemp(dir, "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	file, err := log.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := file.Sys().(*syscall.Stat_t)
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
	stderr := os.Stderr
	os.Stderr = log
	server := start(t, dir, nil, "serve")
	os.Stderr = stderr
	if err := server.Wait(); err == nil {
		t.Error("the server started")
	}
	text, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "dbsep.conf")
	if lines := strings.SplitAfter(string(text), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "<3>dbsep: "+conf+":3: acces: ") || !strings.HasPrefix(lines[1], "<3>"+conf+":4: slow: ") || lines[2] != "" {
		t.Errorf("got %q", text)
	}
}
