//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/configfile"
	"dbsep/internal/database/sqlite"
	"dbsep/internal/fastcgi"
	"dbsep/internal/sqlitedriver"
)

// programs is the folder of the programs; TestMain removes it.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dbsep-cgi-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	programs = dir
	if out, err := exec.Command("go", "build", "-trimpath", "-o", dir, "dbsep/cmd/dbsep", "dbsep/cmd/dbsep-cgi").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the programs: %v\n%s", err, out))
	}
	return m.Run()
}

// A site is a folder with a database, a dbsep.conf, and a socket for dbsep-cgi.
type site struct {
	t      *testing.T
	dir    string
	server *exec.Cmd
	log    *bytes.Buffer // of the server; to be read when it has ended
}

const tables = `
CREATE TABLE phones (id TEXT PRIMARY KEY, context TEXT);
INSERT INTO phones VALUES ('alice', 'demo'), ('bob', 'demo');
CREATE TABLE many (id INTEGER PRIMARY KEY, val TEXT);
INSERT INTO many SELECT value, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 20000) SELECT value FROM n);
CREATE TABLE ast_config (id INTEGER PRIMARY KEY, cat_metric INTEGER, var_metric INTEGER, commented INTEGER, filename TEXT, category TEXT, var_name TEXT, var_val TEXT);
INSERT INTO ast_config VALUES (1, 0, 0, 0, 'a.conf', 'general', 'b', 'c');
`

func newSite(t *testing.T, settings string) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // the path of a socket is short
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &site{t: t, dir: dir, log: new(bytes.Buffer)}
	check(t, sqlite.Create(t.Context(), filepath.Join(dir, "site.db"), tables))
	s.configure(settings)
	return s
}

func (s *site) conf() string   { return filepath.Join(s.dir, "dbsep.conf") }
func (s *site) socket() string { return filepath.Join(s.dir, "cgi.sock") }

func (s *site) configure(settings string) {
	s.t.Helper()
	text := "dsn=DBI:SQLite:dbname=" + filepath.Join(s.dir, "site.db") + "\n[server]\nlisten=unix:" + filepath.Join(s.dir, "sock") +
		"\ncgi_listen=unix:" + s.socket() + "\n" + settings
	check(s.t, os.WriteFile(s.conf(), []byte(text), 0o600))
}

// serve starts the server and waits until it listens.
func (s *site) serve() {
	s.t.Helper()
	s.server = exec.Command(filepath.Join(programs, "dbsep"), "serve", "--config", s.conf())
	s.server.Stderr = s.log
	check(s.t, s.server.Start())
	s.t.Cleanup(func() { s.end(syscall.SIGKILL) })
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("unix", filepath.Join(s.dir, "sock")) // it listens there last
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("the server does not listen: %v\n%s", err, s.log)
		}
	}
}

// lock keeps other programs from writing to the database.
func (s *site) lock() (unlock func()) {
	s.t.Helper()
	db, err := sql.Open(sqlitedriver.Name, filepath.Join(s.dir, "site.db"))
	check(s.t, err)
	s.t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.Exec("BEGIN IMMEDIATE")
	check(s.t, err)
	return func() {
		_, err := db.Exec("ROLLBACK")
		check(s.t, err)
	}
}

// end sends a signal to the server, and waits for its end.
func (s *site) end(signal syscall.Signal) {
	if s.server != nil {
		_ = s.server.Process.Signal(signal)
		_ = s.server.Wait()
		s.server = nil
	}
}

// A result is what came of a CGI program.
type result struct {
	out    string
	status int
	log    string
}

// variables are those of a request as Asterisk sends it, with more, or with others in their
// place. "none" takes one away.
func variables(method, path, query, body string, more ...string) map[string]string {
	v := map[string]string{
		"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": method, "SCRIPT_NAME": "/cgi-bin/dbsep.cgi",
		"PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": strconv.Itoa(len(body)), "REMOTE_ADDR": "192.0.2.1",
		"CONTENT_TYPE": "application/x-www-form-urlencoded",
	}
	for i := 0; i < len(more); i += 2 {
		v[more[i]] = more[i+1]
	}
	maps.DeleteFunc(v, func(_, value string) bool { return value == "none" })
	return v
}

// run runs a program for one request.
func (s *site) run(program string, v map[string]string, body io.Reader) (r result) {
	s.t.Helper()
	cmd := s.command(program, v, body)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return result{out.String(), cmd.ProcessState.ExitCode(), log.String()}
}

func (s *site) command(program string, v map[string]string, body io.Reader) *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, program))
	cmd.Env = []string{"DBSEP_CONF=" + s.conf(), "DBSEP_CGI_SOCKET=" + s.socket()}
	for name, value := range v {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin = body
	return cmd
}

// pass runs dbsep-cgi, which has no other way than a server.
func (s *site) pass(v map[string]string, body string) result {
	s.t.Helper()
	v["DBSEP_PROGRAM"] = "/nowhere/dbsep"
	return s.run("dbsep-cgi", v, strings.NewReader(body))
}

// TestSameResponse shows that a response is that of dbsep as a CGI program, byte for byte.
func TestSameResponse(t *testing.T) {
	s := newSite(t, "[tables]\n*=read\nphones=write\n[tables user:carol]\n*=none\n")
	t.Setenv("DBSEP_LOG_FORMAT", "json") // of the server, which does not matter to responses
	s.serve()
	long := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name, body string
		variables  map[string]string
	}{
		{"a row", "id=bob", variables("POST", "/phones/single", "", "id=bob")},
		{"no row", "id=nobody", variables("POST", "/phones/single", "", "id=nobody")},
		{"rows", "id%20LIKE=%25", variables("POST", "/phones/multi", "", "id%20LIKE=%25")},
		{"more rows than wait", "id%20LIKE=%25", variables("POST", "/many/multi", "", "id%20LIKE=%25")},
		{"a write", "context=new", variables("POST", "/phones/update", "id=bob", "context=new")},
		{"a long write", "context=" + long, variables("POST", "/phones/update", "id=bob", "context="+long)},
		{"a body that is too long", long + long + long + long + long, variables("POST", "/phones/update", "id=bob", long+long+long+long+long)},
		{"a static file", "", variables("GET", "/ast_config/static", "file=a.conf", "")},
		{"a requirement", "id=char%3A10", variables("POST", "/phones/require", "", "id=char%3A10")},
		{"JSON", "", variables("GET", "/phones/single.json", "id=bob", "")},
		{"an error in JSON", "", variables("GET", "/nosuch/single", "id=bob", "", "HTTP_ACCEPT", "application/json")},
		{"HEAD", "", variables("HEAD", "/phones/single", "id=bob", "")},
		{"an error of a read", "nosuch=1", variables("POST", "/phones/single", "", "nosuch=1")},
		{"an error of a write", "nosuch=1", variables("POST", "/phones/store", "", "nosuch=1")},
		{"a method that is not allowed", "", variables("GET", "/phones/destroy", "id=bob", "")},
		{"no operation", "id=bob", variables("POST", "/phones/nosuch", "", "id=bob")},
		{"the status of a server", "", variables("GET", "/metrics", "", "")},
		{"no length", "id=bob", variables("POST", "/phones/single", "", "id=bob", "CONTENT_LENGTH", "none")},
		{"a length that is no number", "id=bob", variables("POST", "/phones/single", "", "id=bob", "CONTENT_LENGTH", "abc")},
		{"a negative length", "id=bob", variables("POST", "/phones/single", "", "id=bob", "CONTENT_LENGTH", "-6")},
		{"a length of less than there is", "id=bob", variables("POST", "/phones/single", "", "id=bo", "CONTENT_LENGTH", "5")},
		{"a length of more than there is", "id=bob", variables("POST", "/phones/single", "", "id=bob", "CONTENT_LENGTH", "60")},
		{"a table that only others may write", "id=1", variables("POST", "/many/destroy", "", "id=1")},
		{"a user without rights", "id=bob", variables("POST", "/phones/single", "", "id=bob", "REMOTE_USER", "carol")},
		{"a browser's request", "id=bob", variables("POST", "/phones/single", "", "id=bob", "HTTP_ORIGIN", "https://elsewhere.example", "HTTP_HOST", "elsewhere.example")},
		{"headers that look like settings", "id=bob", variables("POST", "/phones/single", "", "id=bob", "HTTP_DBSEP_CONF", "/nowhere", "HTTP_PROXY", "http://127.0.0.1:9/", "HTTP_REMOTE_USER", "carol")},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			want := s.run("dbsep", test.variables, strings.NewReader(test.body))
			got := s.pass(test.variables, test.body)
			if got.out != want.out || got.status != want.status {
				t.Errorf("got %d, %.500q\nwant %d, %.500q\n%s", got.status, got.out, want.status, want.out, got.log)
			}
			if want.out == "" {
				t.Error("there is no response")
			}
		})
	}
}

// TestExecutesDbsep shows when dbsep-cgi uses no server: dbsep then gets the whole request.
func TestExecutesDbsep(t *testing.T) {
	const settings = "[log]\nlevel=info\n"
	for _, test := range []struct {
		name    string
		prepare func(s *site)
		more    []string
	}{
		{"no server listens", func(*site) {}, nil},
		{"the socket is of a server that was killed", func(s *site) {
			s.serve()
			s.end(syscall.SIGKILL)
		}, nil},
		{"no socket is there, but a file", func(s *site) { check(s.t, os.WriteFile(s.socket(), nil, 0o600)) }, nil},
		{"the path of the socket is too long", (*site).serve, []string{"DBSEP_CGI_SOCKET", "/" + strings.Repeat("x", 200)}},
		{"the server works with another file", func(s *site) {
			s.serve()
			text, err := os.ReadFile(s.conf())
			check(s.t, err)
			check(s.t, os.Rename(s.conf(), s.conf()+".old"))
			check(s.t, os.WriteFile(s.conf(), text, 0o600))
		}, nil},
		{"the file has changed since the server has read it", func(s *site) {
			s.serve()
			s.configure(settings + "slow=2s\n")
		}, nil},
		{"the server's environment takes the place of the file", func(s *site) {
			s.t.Setenv("DBSEP_LIMITS_MAX_ROWS", "5")
			s.serve()
		}, nil},
		{"the environment has a part of the configuration", (*site).serve, []string{"DBI_USER", "asterisk"}},
		{"the variables are too long for a server", (*site).serve, []string{"HTTP_X", strings.Repeat("x", 100_000)}},
		{"the server closes before it has the request", func(s *site) {
			s.fake(func(c net.Conn) { c.Close() })
		}, nil},
		{"the server speaks another protocol", func(s *site) {
			s.fake(func(c net.Conn) {
				fmt.Fprint(c, "HTTP/1.0 200 OK\r\n\r\n1\n")
				c.Close()
			})
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, settings)
			test.prepare(s)
			program := filepath.Join(s.dir, "program")
			check(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"dbsep $GATEWAY_INTERFACE $DBSEP_REQUEST_LOST\" && exec cat\n"), 0o700))
			v := variables("POST", "/phones/single", "", "id=bob", append(test.more, "DBSEP_PROGRAM", program)...)
			got := s.run("dbsep-cgi", v, strings.NewReader("id=bob"))
			if want := "dbsep CGI/1.1 \nid=bob"; got.out != want {
				t.Errorf("got %q, want %q\n%s", got.out, want, got.log)
			}
		})
	}
}

// TestFindsDbsep shows which program is executed without DBSEP_PROGRAM.
func TestFindsDbsep(t *testing.T) {
	s := newSite(t, "")
	got := s.run("dbsep-cgi", variables("POST", "/phones/single", "", "id=bob"), strings.NewReader("id=bob"))
	if !strings.HasSuffix(got.out, "\r\n\r\nid=bob&context=demo\n") {
		t.Errorf("%q\n%s", got.out, got.log)
	}
	got = s.pass(variables("POST", "/phones/single", "", "id=bob"), "id=bob")
	if got.status != 1 || got.out != "" || !strings.Contains(got.log, "execute /nowhere/dbsep: no such file or directory; let DBSEP_PROGRAM name dbsep") {
		t.Errorf("%+v", got)
	}
}

func TestStartedByAPerson(t *testing.T) {
	s := newSite(t, "")
	got := s.run("dbsep-cgi", nil, nil)
	if got.status != 2 || got.out != "" || !strings.Contains(got.log, "a web server starts") {
		t.Errorf("%+v", got)
	}
}

// failures are what Asterisk gets of requests that are lost.
var failures = []struct {
	operation, method, query, body string
	want                           string
}{
	{"single", "POST", "", "id=bob", ""},
	{"multi", "POST", "", "id%20LIKE=%25", ""},
	{"store", "POST", "", "id=new", "-1\n"},
	{"update", "POST", "id=bob", "context=new", "-1\n"},
	{"destroy", "POST", "", "id=bob", "-1\n"},
	{"require", "POST", "", "id=char%3A10", "0\n"},
	{"static", "GET", "file=a.conf", "", "cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2Funavailable\n"},
}

// TestLostRequests shows what Asterisk gets if a server ends, at any moment, once it may have
// the request: a failure, and no second try.
func TestLostRequests(t *testing.T) {
	response := "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n1\n"
	for name, after := range map[string]func(c net.Conn){
		"of the variables":       func(net.Conn) {},
		"of the body":            readBody,
		"of half a head":         func(c net.Conn) { readBody(c); c.Write(stdout(response)[:5]) },
		"of half a record":       func(c net.Conn) { readBody(c); c.Write(stdout(response)[:20]) },
		"of the whole response":  func(c net.Conn) { readBody(c); c.Write(stdout(response)) }, // which could have been longer
		"of a part that is long": func(c net.Conn) { readBody(c); c.Write(stdout(response + strings.Repeat("x", 50_000))) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "")
			s.fake(func(c net.Conn) {
				s.agree(c)
				after(c)
				c.Close()
			})
			for _, f := range failures {
				path := map[bool]string{true: "/ast_config/", false: "/phones/"}[f.operation == "static"] + f.operation
				got := s.run("dbsep-cgi", variables(f.method, path, f.query, f.body), strings.NewReader(f.body))
				_, body, _ := strings.Cut(got.out, "\r\n\r\n")
				if body != f.want || got.status != 0 || !strings.Contains(got.out, "X-Dbsep-Error: unavailable\r\n") {
					t.Errorf("%s: got %d, %q\n%s", f.operation, got.status, got.out, got.log)
				}
			}
			row := s.run("dbsep", variables("POST", "/phones/multi", "", "id%20LIKE=%25"), strings.NewReader("id%20LIKE=%25"))
			if !strings.HasSuffix(row.out, "\r\n\r\nid=alice&context=demo\nid=bob&context=demo\n") {
				t.Errorf("a lost request was carried out: %q", row.out)
			}
		})
	}
}

// TestIncompleteResponse shows a response that is cut after its beginning was sent.
func TestIncompleteResponse(t *testing.T) {
	s := newSite(t, "")
	begin := "Status: 200 OK\r\n\r\n" + strings.Repeat("x", 60_000)
	s.fake(func(c net.Conn) {
		s.agree(c)
		readBody(c)
		for range 3 {
			c.Write(stdout(begin))
		}
		c.Close()
	})
	got := s.pass(variables("POST", "/phones/multi", "", "id=bob"), "id=bob")
	if got.status != 1 || got.out != begin+begin+begin || !strings.Contains(got.log, "the response is incomplete") {
		t.Errorf("%d, %d bytes\n%s", got.status, len(got.out), got.log)
	}
}

// TestServerThatHangs shows that no request waits for ever for a server that listens.
func TestServerThatHangs(t *testing.T) {
	s := newSite(t, "")
	l, err := net.Listen("unix", s.socket()) // nobody accepts
	check(t, err)
	defer l.Close()
	c, result := connect(s.socket())
	if result != done {
		t.Fatal(result)
	}
	c.setTimeout(1)
	if got := c.agree("version"); got != lost {
		t.Errorf("%v", got)
	}
}

// TestKilledServer kills a real server in the middle of a write, which waits for a lock, and of
// one whose body is on its way.
func TestKilledServer(t *testing.T) {
	for name, hold := range map[string]func(s *site, stdin *os.File){
		"in the middle of a write": func(s *site, stdin *os.File) {
			_, err := stdin.WriteString("context=new")
			check(s.t, err)
			s.await(func() bool { return strings.Count(s.openFiles(), "site.db\n") > 1 })
		},
		"in the middle of a body": func(s *site, stdin *os.File) {
			_, err := stdin.WriteString("context")
			check(s.t, err)
			s.await(func() bool { return strings.Contains(s.openFiles(), "socket:") && s.connections() > 0 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "[database]\nbusy_timeout=1h\n[limits]\nstatement_timeout=1h\n")
			s.serve()
			unlock := s.lock()
			stdin, in, err := os.Pipe()
			check(t, err)
			defer stdin.Close()
			cmd := s.command("dbsep-cgi", variables("POST", "/phones/update", "id=bob", "context=new"), stdin)
			var out bytes.Buffer
			cmd.Stdout = &out
			check(t, cmd.Start())
			hold(s, in)
			s.end(syscall.SIGKILL)
			in.Close()
			check(t, cmd.Wait())
			if !strings.HasSuffix(out.String(), "\r\n\r\n-1\n") {
				t.Errorf("%q", out.String())
			}
			unlock()
			s.serve()
			row := s.pass(variables("POST", "/phones/single", "", "id=bob"), "id=bob")
			if !strings.HasSuffix(row.out, "\r\n\r\nid=bob&context=demo\n") {
				t.Errorf("after a restart: %q\n%s", row.out, row.log)
			}
		})
	}
}

// TestServerEnds shows that a server that is ended responds first to what it has.
func TestServerEnds(t *testing.T) {
	s := newSite(t, "")
	s.serve()
	stdin, in, err := os.Pipe()
	check(t, err)
	defer stdin.Close()
	cmd := s.command("dbsep-cgi", variables("POST", "/phones/update", "id=bob", "context=new"), stdin)
	var out bytes.Buffer
	cmd.Stdout = &out
	check(t, cmd.Start())
	_, err = in.WriteString("context=")
	check(t, err)
	s.await(func() bool { return s.connections() > 0 })
	check(t, s.server.Process.Signal(syscall.SIGTERM))
	s.await(func() bool {
		c, err := net.Dial("unix", s.socket())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	_, err = in.WriteString("new")
	check(t, err)
	in.Close()
	check(t, cmd.Wait())
	if !strings.HasSuffix(out.String(), "\r\n\r\n1\n") {
		t.Errorf("%q", out.String())
	}
	check(t, s.server.Wait())
	s.server = nil
}

// TestRestartsLoseNothing sends writes while the server is restarted again and again: each is
// answered truly.
func TestRestartsLoseNothing(t *testing.T) {
	s := newSite(t, "")
	s.serve()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for client := range 4 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				body := fmt.Sprintf("id=new%d.%d", client, i)
				got := s.run("dbsep-cgi", variables("POST", "/phones/store", "", body), strings.NewReader(body))
				switch {
				case strings.HasSuffix(got.out, "\r\n\r\n1\n"):
					mu.Lock()
					stored++
					mu.Unlock()
				default:
					t.Errorf("%q\n%s", got.out, got.log)
				}
			}
		})
	}
	for range 5 {
		s.end(syscall.SIGTERM)
		s.serve()
	}
	stop()
	all.Wait()
	rows := s.run("dbsep", variables("POST", "/phones/multi", "", "id%20LIKE=new%25"), strings.NewReader("id%20LIKE=new%25"))
	if n := strings.Count(rows.out, "id=new"); n != stored || n == 0 {
		t.Errorf("%d rows, %d were answered so", n, stored)
	}
}

// TestManyAtOnce has more requests come at once than the server takes: the others wait.
func TestManyAtOnce(t *testing.T) {
	s := newSite(t, "[limits]\nmax_clients=8\n")
	s.serve()
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			got := s.pass(variables("POST", "/phones/update", "id=bob", "context=x"), "context=x")
			if !strings.HasSuffix(got.out, "\r\n\r\n1\n") {
				t.Errorf("%d: %q\n%s", i, got.out, got.log)
			}
		})
	}
	all.Wait()
}

// connections is how many the server's process has at the socket for dbsep-cgi.
func (s *site) connections() (n int) {
	text, err := os.ReadFile("/proc/net/unix")
	check(s.t, err)
	for line := range strings.Lines(string(text)) {
		// Connected (03), and accepted: those that wait have no inode of their own yet.
		if f := strings.Fields(line); len(f) == 8 && f[7] == s.socket() && f[5] == "03" && f[6] != "0" {
			n++
		}
	}
	return n
}

// openFiles lists what the server has open.
func (s *site) openFiles() string {
	var names strings.Builder
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.server.Process.Pid))
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil {
			names.WriteString(name + "\n")
		}
	}
	return names.String()
}

func (s *site) await(condition func() bool) {
	s.t.Helper()
	for until := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			s.t.Fatal("it never happened")
		}
	}
}

// fake listens in place of a server.
func (s *site) fake(serve func(c net.Conn)) {
	s.t.Helper()
	l, err := net.Listen("unix", s.socket())
	check(s.t, err)
	s.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
}

// agree is a fake server's response to the question for its configuration, and reads what
// comes until the last of the variables.
func (s *site) agree(c net.Conn) {
	version, err := configfile.Version(s.conf())
	if err != nil {
		s.t.Error(err)
		return
	}
	readUntil(c, fastcgi.GetValues, true)
	c.Write(fastcgi.AppendRecord(nil, fastcgi.GetValuesResult, 0, fastcgi.AppendPair(nil, configfile.VersionVariable, version)))
	readUntil(c, fastcgi.Params, false)
}

func readBody(c net.Conn) { readUntil(c, fastcgi.Stdin, false) }

// readUntil reads records until one of a kind, with or without content.
func readUntil(c net.Conn, kind byte, content bool) {
	for {
		b := make([]byte, fastcgi.HeadBytes)
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		head := fastcgi.ParseHead(b)
		if _, err := io.CopyN(io.Discard, c, int64(head.Length+head.Padding)); err != nil {
			return
		}
		if head.Kind == kind && (head.Length > 0) == content {
			return
		}
	}
}

func stdout(text string) []byte {
	return fastcgi.AppendRecord(nil, fastcgi.Stdout, request, []byte(text))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
