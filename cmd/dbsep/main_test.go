package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dbsep/internal/database/sqlite"
	"dbsep/internal/mariadbtest"
	"dbsep/internal/pgtest"
	"dbsep/internal/testserver"
)

// TestMain lets this test's own program be run as dbsep, and as dbsep.cgi.
func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"dbsep": main, "dbsep.cgi": main})
}

// tests end the servers that they started.
type tests struct{ *testing.M }

func (t tests) Run() int {
	defer mariadbtest.Stop()
	defer pgtest.Stop()
	return t.M.Run()
}

// TestScript runs the program as a black box: see testdata/script.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"send": send, "terminate": terminate},
	})
}

// contactColumns are further columns of contacts in Asterisk 16.0.
const contactColumns = `, expiration_time BIGINT, qualify_frequency INTEGER, outbound_proxy VARCHAR(255), path VARCHAR(1000), user_agent VARCHAR(255),
	qualify_timeout FLOAT, reg_server VARCHAR(255), authenticate_qualify VARCHAR(3), via_addr VARCHAR(40), via_port INTEGER, call_id VARCHAR(255),
	endpoint VARCHAR(255), prune_on_boot VARCHAR(3)`

// sampleSQL makes the sample of the demo.
var sampleSQL = sync.OnceValue(func() string {
	text, err := demoSQL()
	if err != nil {
		panic(err)
	}
	return text
})

// shortSQL is a database that dbsep check finds fault with.
const shortSQL = `
CREATE TABLE queue_members (uniqueid INTEGER PRIMARY KEY, paused INTEGER);
CREATE TABLE ps_contacts (id VARCHAR(255), uri VARCHAR(511)` + contactColumns + `);
INSERT INTO ps_contacts (id, uri) VALUES ('a;@1', 'sip:a'), ('b^3B@1', 'sip:b;transport=ws'), ('c^3B@1', 'sip:c');
`

// setUp makes the sample databases demo.db, other.db, short.db and older.db, and puts its folder into the
// configurations, where they say WORK.
func setUp(env *testscript.Env) error {
	env.Setenv("DBSEP_CONF", "dbsep.conf")
	for _, name := range []string{"OLD", "NEW"} { // addresses that are free
		port, err := testserver.FreePort()
		if err != nil {
			return err
		}
		env.Setenv(name, fmt.Sprintf("127.0.0.1:%d", port))
	}
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's second at each exit is for programs without a log
	files, err := filepath.Glob(filepath.Join(env.WorkDir, "*.conf"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("WORK"), []byte(env.WorkDir)), 0o600); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"demo.db": sampleSQL(), "other.db": sampleSQL(), "short.db": shortSQL, "older.db": "CREATE TABLE ps_contacts (id VARCHAR(255) NOT NULL PRIMARY KEY)"} {
		if err := sqlite.Create(context.Background(), filepath.Join(env.WorkDir, name), text); err != nil {
			return err
		}
	}
	return nil
}

// terminate sends TERM to the one program in the background.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	running := ts.BackgroundCmds()
	if neg || len(args) > 0 || len(running) != 1 {
		ts.Fatalf("usage: terminate, with one program in the background")
	}
	ts.Check(running[0].Process.Signal(syscall.SIGTERM))
}

// send sends a request to an address or a unix socket, as soon as a server listens
// on it, and writes status, X-Dbsep-Error and body for stdout: send WHERE METHOD
// TARGET [BODY].
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: send WHERE METHOD TARGET [BODY]")
	}
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if strings.Contains(args[0], ":") {
			return dialWhenReady(ctx, "tcp", args[0])
		}
		return dialWhenReady(ctx, "unix", ts.MkAbs(args[0]))
	}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequest(args[1], "http://localhost"+args[2], strings.NewReader(strings.Join(args[3:], " ")))
	ts.Check(err)
	response, err := client.Do(r)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	_, err = io.WriteString(ts.Stdout(), response.Status+" "+response.Header.Get("X-Dbsep-Error")+"\n"+string(body))
	ts.Check(err)
}

// dialWhenReady connects to an address as soon as somebody listens there.
func dialWhenReady(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, network, address)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestExitStatus(t *testing.T) {
	if got := exitStatus(exit{2, os.ErrNotExist}); got != 2 {
		t.Errorf("got %d", got)
	}
	if got := exitStatus(os.ErrNotExist); got != 1 {
		t.Errorf("got %d", got)
	}
}
