package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// A running server is the program as a process, on a unix socket of its own.
type running struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	log    *lines
	client *http.Client
	url    string
}

// lines keeps what a program writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// configure writes the configuration of a server: on the sample database unless
// the text has a dsn, on a socket in its folder unless it has a listen.
func configure(t *testing.T, dir, text string) {
	t.Helper()
	if !strings.Contains(text, "dsn=") {
		text = "dsn=DBI:SQLite:dbname=" + filepath.Join(dir, "demo.db") + "\n" + text
	}
	if !strings.Contains(text, "listen=") {
		text += "\n[server]\nlisten=unix:" + filepath.Join(dir, "socket") + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "dbsep.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startServer starts the server with a configuration and waits until it responds. before
// goes in front of the program's command line.
func startServer(t *testing.T, dir, text string, before ...string) *running {
	t.Helper()
	configure(t, dir, text)
	r := &running{t: t, dir: dir, log: new(lines), url: "http://server"}
	line := append(before, "dbsep", "serve")
	r.cmd = exec.Command(line[0], line[1:]...)
	r.cmd.Env = append(os.Environ(), "DBSEP_CONF="+filepath.Join(dir, "dbsep.conf"), "GORACE=atexit_sleep_ms=0")
	r.cmd.Stderr = r.log
	r.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialWhenReady(ctx, "unix", filepath.Join(dir, "socket"))
	}}}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	r.said("msg=listening")
	return r
}

// stop ends the server and waits for it.
func (r *running) stop() {
	r.client.CloseIdleConnections()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	_ = r.cmd.Wait()
}

// runSample runs a server on a copy of the sample database.
func runSample(t *testing.T, text string) *running { return startServer(t, sampleSite(t), text) }

// said waits until the log has a line that matches.
func (r *running) said(expression string) string {
	r.t.Helper()
	wanted := regexp.MustCompile("(?m)^.*" + expression + ".*$")
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if line := wanted.FindString(r.log.String()); line != "" {
			return line
		}
	}
	r.t.Fatalf("the log never said %s:\n%s", expression, r.log)
	return ""
}

// reload gives the server another configuration, and waits for what it says.
func (r *running) reload(text, says string) {
	r.t.Helper()
	configure(r.t, r.dir, text)
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
	r.said(says)
}

// reply is what a client sees of a response.
type reply struct {
	status int
	code   string
	body   string
}

func (r *running) post(target, body string) reply {
	r.t.Helper()
	return r.do(http.MethodPost, target, body, nil)
}

func (r *running) do(method, target, body string, change func(*http.Request)) reply {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	response, err := r.client.Do(request)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.log)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header.Get("X-Dbsep-Error"), string(text)}
}

func (r *running) want(got, want reply) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("got %+v, want %+v\n%s", got, want, r.log)
	}
}

// metric is the sum of all series that begin so.
func (r *running) metric(prefix string) float64 {
	r.t.Helper()
	sum := 0.0
	for line := range strings.Lines(r.do(http.MethodGet, "/metrics", "", nil).body) {
		if strings.HasPrefix(line, prefix) {
			fields := strings.Fields(line)
			n, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				r.t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

func TestReload(t *testing.T) {
	r := runSample(t, "")
	alice := func() reply { return r.post("/ps_endpoints/destroy", "id=nobody") }
	r.want(alice(), reply{200, "", "0\n"})

	t.Run("a new setting counts, and the connections to the same database stay", func(t *testing.T) {
		r.t = t
		r.reload("[tables]\n*=read\n", "msg=reloaded .*database_kept=true")
		r.want(alice(), reply{403, "forbidden", "-1\n"})
	})
	t.Run("a broken file is refused with every mistake, and the old settings go on", func(t *testing.T) {
		r.t = t
		r.reload("[tables]\nps_*=write\n[limits]\nmax_rows=none\n", "reload refused.*has no line for all other tables")
		r.said("reload refused.*rows: .*none.* is not a number")
		r.want(alice(), reply{403, "forbidden", "-1\n"})
		if r.metric(`dbsep_config_reloads_total{result="failure"}`) != 1 {
			t.Error("the refused reload is not counted")
		}
	})
	t.Run("a file of stale responses that cannot be created is refused, and the database stays open", func(t *testing.T) {
		r.t = t
		r.reload("[database]\nlastgood_file=/nowhere/at/all\n[lastgood]\n*=1h\n", "reload refused.*open \\[lastgood\\] /nowhere/at/all")
		r.want(alice(), reply{403, "forbidden", "-1\n"})
		if got := r.post("/ps_endpoints/single", "id=bob"); got.status != 200 {
			t.Errorf("%+v\n%s", got, r.log)
		}
	})
	t.Run("another database takes the place of the old", func(t *testing.T) {
		r.t = t
		text, err := os.ReadFile(filepath.Join(r.dir, "demo.db"))
		if err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(r.dir, "other.db")
		if err := os.WriteFile(other, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r.reload("dsn=DBI:SQLite:dbname="+other+"\n", "msg=reloaded .*database_kept=false")
		r.want(alice(), reply{200, "", "0\n"})
	})
	t.Run("another address takes the place of the old", func(t *testing.T) {
		r.t = t
		moved := filepath.Join(r.dir, "moved")
		r.reload("[server]\nlisten=unix:"+moved+"\n", "msg=reloaded address="+moved)
		c := dial(t, "unix", moved)
		defer c.Close()
		waitUntilRefused(t, filepath.Join(r.dir, "socket"))
	})
}

func TestKeptConnectionOutlivesAReload(t *testing.T) {
	r := runSample(t, "")
	c := dial(t, "unix", filepath.Join(r.dir, "socket"))
	send := func(want string) {
		t.Helper()
		const request = "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nid=nobody"
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != want {
			t.Errorf("%q, %v, want %q", body, err, want)
		}
	}
	send("0\n")
	r.reload("[tables]\n*=read\n", "msg=reloaded .*database_kept=true")
	send("-1\n")
	r.reload("", "msg=reloaded .*database_kept=true(.|\n)*msg=reloaded .*database_kept=true")
	send("0\n")
}

func TestRequestInFlightOutlivesAReload(t *testing.T) {
	r := runSample(t, "")
	c := dial(t, "unix", filepath.Join(r.dir, "socket"))
	if _, err := io.WriteString(c, "POST /ps_endpoints/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	begun := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(c, begun); err != nil {
		t.Fatal(err)
	}
	r.reload("dsn=DBI:SQLite:dbname="+filepath.Join(r.dir, "demo.db")+";sqlite_busy_timeout=1\n[tables]\n*=none\n", "msg=reloaded")
	r.want(r.post("/ps_endpoints/single", "id=bob"), reply{403, "forbidden", ""})
	if _, err := io.WriteString(c, "id=bob"); err != nil {
		t.Fatal(err)
	}
	if response, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(response), "\r\n1\n") {
		t.Errorf("%q, %v", response, err)
	}
}

// TestReloadLosesNoRequest reloads again and again while clients send requests, on new
// connections and on kept ones, and while monitoring does: each gets its response.
func TestReloadLosesNoRequest(t *testing.T) {
	dir := sampleSite(t)
	clients, state := filepath.Join(dir, "socket"), filepath.Join(dir, "status")
	listening := "[server]\nlisten=unix:" + clients + "\nstatus_listen=unix:" + state + "\n"
	r := startServer(t, dir, listening)
	sending, stopSending := context.WithCancel(t.Context())
	defer stopSending()
	var all sync.WaitGroup
	keepSending := func(socket, method, path, body string, kept bool) {
		transport := &http.Transport{DisableKeepAlives: !kept, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}
		defer transport.CloseIdleConnections()
		for sending.Err() == nil {
			request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			response, err := (&http.Client{Transport: transport}).Do(request)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}
	for _, kept := range []bool{false, false, true, true} {
		all.Go(func() { keepSending(clients, http.MethodPost, "/ps_endpoints/single", "id=bob", kept) })
	}
	for _, kept := range []bool{false, true} {
		all.Go(func() { keepSending(state, http.MethodGet, "/metrics", "", kept) })
	}
	for n := range 20 {
		configure(t, dir, listening+"[limits]\nheader_timeout="+strconv.Itoa(100+n)+"\n[log]\nlevel="+[]string{"info", "debug"}[n%2]+"\n")
		if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for until := time.Now().Add(30 * time.Second); strings.Count(r.log.String(), "msg=reloaded") <= n; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal(r.log)
			}
		}
	}
	stopSending()
	all.Wait()
}

func TestServerRefusesToBeOpenToEverybody(t *testing.T) {
	dir := sampleSite(t)
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		configure(t, dir, "")
		cmd := exec.Command("dbsep", "serve", "--listen", address)
		cmd.Env = append(os.Environ(), "DBSEP_CONF="+filepath.Join(dir, "dbsep.conf"))
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "add to [server] a line allow=") {
			t.Errorf("%s: %v\n%s", address, err, out)
		}
	}
	for _, rule := range []string{"allow=127.0.0.0/8", ""} {
		arguments := []string{"serve", "--listen", "0.0.0.0:0"}
		if rule == "" {
			arguments = append(arguments, "--insecure")
		}
		configure(t, dir, "[server]\n"+rule+"\n")
		log := new(lines)
		cmd := exec.Command("dbsep", arguments...)
		cmd.Env = append(os.Environ(), "DBSEP_CONF="+filepath.Join(dir, "dbsep.conf"))
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		(&running{t: t, log: log}).said("msg=listening")
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", arguments, err)
		}
	}
}

func TestSocketHasItsMode(t *testing.T) {
	r := runSample(t, "[server]\nsocket_mode=0600\n")
	r.post("/ps_endpoints/single", "id=bob")
	want := func(mode os.FileMode) {
		t.Helper()
		file, err := os.Stat(filepath.Join(r.dir, "socket"))
		if err != nil || file.Mode().Perm() != mode {
			t.Errorf("%v, %v, want %v", file.Mode(), err, mode)
		}
	}
	want(0o600)
	r.reload("[server]\nsocket_mode=0640\n", "msg=reloaded")
	want(0o640)
	r.reload("[server]\nsocket_mode=0660\nsocket_group=nobody-has-it\n", "reload refused.*socket_group")
	want(0o640)
}

func TestStateOfTheServer(t *testing.T) {
	r := runSample(t, "[tables]\n*=none\n")
	get := func(path string) reply { return r.do(http.MethodGet, path, "", nil) }
	r.want(get("/livez"), reply{200, "", "ok\n"})
	for until := time.Now().Add(30 * time.Second); get("/readyz") != (reply{200, "", "ok\n"}); {
		if time.Now().After(until) {
			t.Fatalf("%+v", get("/readyz"))
		}
	}
	if r.metric("dbsep_db_up ") != 1 {
		t.Error("the database is up")
	}
	if r.metric("dbsep_http_requests_total") != 0 {
		t.Error("requests for the status are counted as requests to the gateway")
	}
}

func TestStateHasAnAddressOfItsOwn(t *testing.T) {
	dir := sampleSite(t)
	socket := filepath.Join(dir, "status")
	r := startServer(t, dir, "[server]\nallow=10.0.0.0/8\nlisten=unix:"+filepath.Join(dir, "socket")+"\nstatus_listen=unix:"+socket+"\n")
	if got := r.do(http.MethodGet, "/metrics", "", nil); got.code != "unknown-operation" {
		t.Errorf("clients can read the metrics too: %+v", got)
	}
	c := dial(t, "unix", socket)
	if _, err := io.WriteString(c, "GET /metrics HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(c); err != nil || !strings.Contains(string(text), "dbsep_build_info{") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestMetricsAreForThoseWhoMayAsk(t *testing.T) {
	r := runSample(t, "")
	r.post("/ps_endpoints/single", "id=bob")
	htpasswd := filepath.Join(r.dir, "htpasswd")
	// The password is "wonderland", with the least work that bcrypt allows.
	if err := os.WriteFile(htpasswd, []byte("alice:"+wonderland(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.reload("[server]\nhtpasswd="+htpasswd+"\nlisten=unix:"+filepath.Join(r.dir, "socket")+"\n[tables user:alice]\n*=read\n", "msg=reloaded")
	r.want(r.do(http.MethodGet, "/metrics", "", nil), reply{401, "unauthorized", ""})
	r.want(r.do(http.MethodGet, "/livez", "", nil), reply{200, "", "ok\n"})
	r.want(r.post("/ps_endpoints/update?id=bob", "context=x"), reply{401, "unauthorized", "-1\n"})
	alice := func(q *http.Request) { q.SetBasicAuth("alice", "wonderland") }
	if got := r.do(http.MethodGet, "/metrics", "", alice); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := r.do(http.MethodPost, "/ps_endpoints/single", "id=bob", alice); got.status != 200 || got.body == "" {
		t.Errorf("%+v", got)
	}
	r.want(r.do(http.MethodPost, "/ps_endpoints/destroy", "id=bob", alice), reply{403, "forbidden", "-1\n"})
	if line := r.said("user=alice"); strings.Contains(line, "wonderland") {
		t.Error(line)
	}
}

func TestAccessLogOfAServer(t *testing.T) {
	r := runSample(t, "[log]\naccess=yes\n")
	r.post("/ps_endpoints/single", "id=secret")
	line := r.said("msg=request operation=single table=ps_endpoints .*status=200 rows=0 bytes=1 seconds=")
	if strings.Contains(line, "secret") {
		t.Errorf("a value is in the log: %s", line)
	}
	r.reload("[log]\nformat=json\naccess=yes\n", `"msg":"reloaded"`)
	r.post("/ps_endpoints/multi", "nope=1")
	r.said(`"msg":"request","code":"unknown-column","operation":"multi","table":"ps_endpoints"`)
}

func wonderland(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("wonderland"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}
