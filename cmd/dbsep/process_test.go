package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/database/sqlite"
)

// sampleSite writes a sample database and a configuration into a folder of the test
// and returns the folder.
func sampleSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := sqlite.Create(t.Context(), filepath.Join(dir, "demo.db"), sampleSQL()); err != nil {
		t.Fatal(err)
	}
	text := "dsn=DBI:SQLite:dbname=" + filepath.Join(dir, "demo.db") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "dbsep.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start runs the program in the background; the test ends it if it still runs.
func start(t *testing.T, dir string, stdin *os.File, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("dbsep", arguments...)
	cmd.Env = append(os.Environ(), "DBSEP_CONF="+filepath.Join(dir, "dbsep.conf"), "GORACE=atexit_sleep_ms=0")
	cmd.Stdin, cmd.Stderr = stdin, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := dialWhenReady(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

// waitUntilRefused returns when nobody listens on the socket any more. A socket
// that nobody accepts from refuses too, with EAGAIN, once its queue is full.
func waitUntilRefused(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "unix", path)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
			return
		case err != nil:
			t.Fatal(err)
		}
		c.Close()
	}
}

func TestRequestInFlightFinishesWhenTheServerEnds(t *testing.T) {
	dir := sampleSite(t)
	socket := filepath.Join(dir, "s")
	server := start(t, dir, nil, "serve", "--listen", "unix:"+socket)
	c := dial(t, "unix", socket)
	fmt.Fprint(c, "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
	reader := bufio.NewReader(c)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server did not begin to read the body: %q, %v", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitUntilRefused(t, socket)
	fmt.Fprint(c, "id=bob")
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "1\n" {
		t.Errorf("the request in flight got %q, %v", body, err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestFirstRequestsFinishWhenTheServerEnds connects clients that send their first
// request after the server got a TERM signal.
func TestFirstRequestsFinishWhenTheServerEnds(t *testing.T) {
	for range 5 {
		r := runSample(t, "")
		var clients []*keptConnection
		for range 20 {
			clients = append(clients, keep(dial(t, "unix", filepath.Join(r.dir, "socket"))))
		}
		r.post("/ps_endpoints/single", "id=bob") // connections are accepted in their order
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		r.said(`msg="ending`)
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() {
				if _, err := io.WriteString(c, "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"); err != nil {
					t.Error(err)
				}
				if response, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(response), "\r\n0\n") {
					t.Errorf("got %q, %v", response, err)
				}
			})
		}
		all.Wait()
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}
}

// TestFastCGI starts the program as mod_fcgid does, with a listening socket for
// its standard input, and sends it requests over the FastCGI protocol.
func TestFastCGI(t *testing.T) {
	program, socket := startFastCGI(t, sampleSite(t))
	for _, test := range []struct{ path, query, body, want string }{
		{"/ps_endpoints/single", "", "id=bob", "id=bob&aors=bob&"},
		{"/ps_endpoints/update", "id=bob", "context=other", "\r\n\r\n1\n"},
		{"/ps_endpoints/update", "id=bob", "nosuch=1", "X-Dbsep-Error: unknown-column\r\n\r\n-1\n"},
	} {
		c := fastCGI{dial(t, "unix", socket)}
		c.begin(t, test.path, test.query, len(test.body))
		c.body(t, test.body)
		if got := c.response(t); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q in it", test.path, got, test.want)
		}
	}

	// The web server ends the program, and may start another for the next request,
	// while one is in flight: while its body is read, which is larger than the buffers
	// between the two.
	value := strings.Repeat("x", 1<<20)
	c := fastCGI{dial(t, "unix", socket)}
	c.begin(t, "/ps_endpoints/destroy", "", len("id=")+len(value))
	c.body(t, "id=")
	c.body(t, value)
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitUntilRefused(t, socket)
	if got := c.response(t); !strings.HasSuffix(got, "\r\n\r\n0\n") {
		t.Errorf("the request in flight got %q", got)
	}
	if err := program.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

// startFastCGI starts the program with a listening socket for its standard input.
func startFastCGI(t *testing.T, dir string) (program *exec.Cmd, socket string) {
	t.Helper()
	socket = filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	program = start(t, dir, stdin)
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return program, socket
}

// A fastCGI connection carries one request in the records of the FastCGI protocol
// (specification 3.3 and 8).
type fastCGI struct{ net.Conn }

const fcgiBegin, fcgiEnd, fcgiParams, fcgiStdin, fcgiStdout = 1, 3, 4, 5, 6

// send sends a record.
func (c fastCGI) send(t *testing.T, kind byte, content []byte) {
	t.Helper()
	var out bytes.Buffer
	out.Write([]byte{1, kind, 0, 1})
	_ = binary.Write(&out, binary.BigEndian, uint16(len(content)))
	out.Write([]byte{0, 0})
	out.Write(content)
	if _, err := c.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
}

func (c fastCGI) begin(t *testing.T, path, query string, length int) {
	t.Helper()
	c.beginWith(t, map[string]string{
		"REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_URI": "/fcgi-bin/dbsep.fcgi" + path + "?" + query,
		"CONTENT_LENGTH": fmt.Sprint(length), "CONTENT_TYPE": "application/x-www-form-urlencoded",
	})
}

// beginWith begins a request of these variables, in records that cut them anywhere.
func (c fastCGI) beginWith(t *testing.T, variables map[string]string) {
	t.Helper()
	c.send(t, fcgiBegin, []byte{0, 1, 0, 0, 0, 0, 0, 0})
	var pairs []byte
	for name, value := range variables {
		pairs = append(pairs, byte(len(name)))
		if len(value) < 128 {
			pairs = append(pairs, byte(len(value)))
		} else {
			pairs = binary.BigEndian.AppendUint32(pairs, uint32(len(value))|1<<31)
		}
		pairs = append(append(pairs, name...), value...)
	}
	for part := range slices.Chunk(pairs, 50) {
		c.send(t, fcgiParams, part)
	}
	c.send(t, fcgiParams, nil)
}

func (c fastCGI) body(t *testing.T, text string) {
	t.Helper()
	for part := range slices.Chunk([]byte(text), 1<<15) {
		c.send(t, fcgiStdin, part)
	}
}

// response ends the body and returns what the program writes to its stdout.
func (c fastCGI) response(t *testing.T) string {
	t.Helper()
	c.send(t, fcgiStdin, nil)
	var stdout bytes.Buffer
	for {
		var head [8]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			t.Fatal(err)
		}
		content := make([]byte, int(head[4])<<8+int(head[5])+int(head[6]))
		if _, err := io.ReadFull(c, content); err != nil {
			t.Fatal(err)
		}
		switch head[1] {
		case fcgiStdout:
			stdout.Write(content[:len(content)-int(head[6])])
		case fcgiEnd:
			return stdout.String()
		}
	}
}

// TestSlowClientIsCutOff shows that a client that does not finish its request
// does not keep its connection.
func TestSlowClientIsCutOff(t *testing.T) {
	dir := sampleSite(t)
	conf, err := os.OpenFile(filepath.Join(dir, "dbsep.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer conf.Close()
	if _, err := conf.WriteString("[limits]\nheader_timeout=50ms\nread_timeout=100ms\nidle_timeout=50ms\n"); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	start(t, dir, nil, "serve", "--listen", "unix:"+socket)
	for name, sent := range map[string]string{
		"in its header":            "POST /ps_endpoints/destroy HTTP/1.1\r\nHost:",
		"in its body":              "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nid=al",
		"without another request":  "POST /ps_endpoints/require HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=char:1",
		"before its first request": "",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, "unix", socket)
			fmt.Fprint(c, sent)
			response, err := io.ReadAll(c) // ends when the server closes the connection; the test's own limit is a minute
			if err != nil {
				t.Errorf("the connection stays: %v", err)
			}
			if strings.HasSuffix(sent, "id=al") && !strings.HasSuffix(string(response), "\r\n-1\n") {
				t.Errorf("half a request got %q", response)
			}
		})
	}
}
