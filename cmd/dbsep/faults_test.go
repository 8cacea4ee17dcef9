package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/database/sqlite"
	"dbsep/internal/metrics"
	"dbsep/internal/sqlitedriver"
	"dbsep/internal/testserver"
	"dbsep/sqlgen"
)

// secret is in every value that the fault tests send, and in every password. It
// must not be in a log, a metric or a response.
const secret = "s3cr3t"

// faultSQL is what the sample has more for faults to happen in. A look at slow never ends, and
// a look at full ends when the disk of its file is full.
const faultSQL = `
CREATE TABLE plain (id VARCHAR(40) PRIMARY KEY, note TEXT);
INSERT INTO plain VALUES ('a', 'x');
CREATE TABLE vm (uniqueid INTEGER PRIMARY KEY, context TEXT, mailbox TEXT, password TEXT);
INSERT INTO vm VALUES (1, 'default', '100', '1234');
CREATE VIEW large AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 10000) SELECT id, hex(randomblob(500)) AS note FROM n;
CREATE VIEW slow AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT count(*) AS id FROM n;
`

// A fault is something that goes wrong, and the four things that must be seen of
// it: the response, the metric that changes, the line in the log, and no secret.
type fault struct {
	name     string
	settings string // of dbsep.conf; DIR is the folder, ADDRESS a port where nobody listens
	before   []string
	happen   func(t *testing.T, r *running) reply
	response reply
	metric   string // the beginning of its line
	log      string // an expression
}

var faults = []fault{
	{name: "the database is down", settings: "dsn=DBI:mysql:database=db;host=127.0.0.1;port=PORT\ndbuser=u\ndbpass=" + secret + "\n",
		happen:   func(_ *testing.T, r *running) reply { return r.post("/plain/update?id="+secret, "note="+secret) },
		response: reply{200, "unavailable", "-1\n"}, metric: `dbsep_http_requests_total{code="unavailable",operation="update",table=""}`,
		log: `level=ERROR msg="the database cannot be reached" code=unavailable operation=update table=plain`},

	// Time enough for the statement to begin: SQLite's drivers lose an interrupt that
	// comes a moment before.
	{name: "the database is slow", settings: "[limits]\nstatement_timeout=500ms\n",
		happen: func(_ *testing.T, r *running) reply {
			r.describe("slow")
			return r.post("/slow/single", "id="+secret)
		},
		response: reply{503, "timeout", ""}, metric: `dbsep_http_requests_total{code="timeout",operation="single",table="slow"}`,
		log: `level=ERROR msg="the database took too long" code=timeout operation=single table=slow`},

	{name: "all connections are in use", settings: "[database]\nmax_connections=1\n[limits]\npool_timeout=20ms\n",
		happen: func(t *testing.T, r *running) reply {
			r.describe("plain")
			r.describe("slow")
			slow, cancel := context.WithCancel(t.Context())
			defer cancel()
			r.inBackground(slow, "/slow/single", "id="+secret)
			for until := time.Now().Add(30 * time.Second); ; { // until the slow statement has the connection
				if got := r.post("/plain/single", "id="+secret); got.code != "" || time.Now().After(until) {
					return got
				}
			}
		},
		response: reply{503, "busy", ""}, metric: `dbsep_db_pool_wait_failures_total{pool="reads"}`,
		log: `level=ERROR msg="the database or dbsep is busy" code=busy operation=single table=plain .*raise \[database\] max_connections`},

	{name: "the file is locked", settings: "[database]\nbusy_timeout=20ms\n",
		happen: func(t *testing.T, r *running) reply {
			defer r.lock(t)()
			return r.post("/plain/store", "id="+secret)
		},
		response: reply{200, "busy", "-1\n"}, metric: `dbsep_http_requests_total{code="busy",operation="store",table="plain"}`,
		log: `level=ERROR msg="the database or dbsep is busy" code=busy operation=store table=plain`},

	{name: "the disk is full", settings: "dsn=DBI:SQLite:dbname=DIR/small/demo.db\n",
		before: []string{"unshare", "--mount", "--map-root-user", "sh", "-c",
			`mkdir DIR/small && mount -t tmpfs -o size=512k none DIR/small && cp DIR/demo.db DIR/small && exec "$@"`, "sh"},
		happen: func(_ *testing.T, r *running) reply {
			for i := range 20 {
				if got := r.post("/plain/store", fmt.Sprintf("id=%d&note=%s%s", i, secret, strings.Repeat("x", 100<<10))); got.body != "1\n" {
					return got
				}
			}
			return reply{}
		},
		response: reply{200, "full", "-1\n"}, metric: `dbsep_http_requests_total{code="full",operation="store",table="plain"}`,
		log: `level=ERROR msg="the database has no space left" code=full operation=store table=plain .*make room`},

	{name: "the file system is read-only", settings: "dsn=DBI:SQLite:dbname=DIR/small/demo.db\n",
		before: []string{"unshare", "--mount", "--map-root-user", "sh", "-c",
			`mkdir DIR/small && mount -t tmpfs none DIR/small && cp DIR/demo.db DIR/small && mount -o remount,ro DIR/small && exec "$@"`, "sh"},
		// SQLite cannot even read a file with a write-ahead log there.
		happen:   func(_ *testing.T, r *running) reply { return r.post("/plain/store", "id="+secret) },
		response: reply{200, "unavailable", "-1\n"}, metric: `dbsep_http_requests_total{code="unavailable",operation="store",table=""}`,
		log: `level=ERROR msg="the database cannot be reached" code=unavailable operation=store table=plain .*write the database file and its directory`},

	{name: "no folder for temporary files may be written", settings: "dsn=DBI:SQLite:dbname=DIR/demo.db\n", before: withoutTemporaryFolders(""),
		happen: func(_ *testing.T, r *running) reply {
			r.want(r.post("/plain/store", "id=1"), reply{200, "", "1\n"})
			return r.post("/large/multi", "id LIKE=%25") // which is sorted in a file
		},
		response: reply{503, "unavailable", ""}, metric: `dbsep_http_requests_total{code="unavailable",operation="multi",table="large"}`,
		log: `level=ERROR msg="the database cannot be reached" code=unavailable operation=multi table=large .*hint=".*SQLITE_TMPDIR`},

	{name: "a column is missing",
		happen:   func(_ *testing.T, r *running) reply { return r.post("/plain/update?id=a", "nosuch="+secret) },
		response: reply{200, "unknown-column", "-1\n"}, metric: `dbsep_http_requests_total{code="unknown-column",operation="update",table="plain"}`,
		log: `level=WARN msg="the table has no such column" code=unknown-column operation=update table=plain .*column=nosuch`},

	{name: "a table is unknown",
		happen:   func(_ *testing.T, r *running) reply { return r.post("/nosuch/multi", "id="+secret) },
		response: reply{404, "unknown-table", ""}, metric: `dbsep_http_requests_total{code="unknown-table",operation="multi",table=""}`,
		log: `level=WARN msg="there is no such table" code=unknown-table operation=multi table=nosuch`},

	{name: "a client may not write", settings: "[tables]\n*=read\n",
		happen:   func(_ *testing.T, r *running) reply { return r.post("/plain/destroy", "id="+secret) },
		response: reply{403, "forbidden", "-1\n"}, metric: `dbsep_http_requests_total{code="forbidden",operation="destroy",table="plain"}`,
		log: `level=WARN msg=forbidden code=forbidden operation=destroy table=plain`},

	{name: "a value was cut within a letter",
		happen: func(_ *testing.T, r *running) reply {
			r.want(r.post("/plain/update?id=a", "note="+secret+strings.Repeat("x", 198-len(secret)-4)+"%C3"), reply{200, "", "1\n"})
			return r.post("/plain/update?id=a", "note="+secret+strings.Repeat("x", 254-len(secret)-3)+"%C3")
		},
		response: reply{200, "", "1\n"}, metric: `dbsep_request_adjustments_total{adjustment="cut-value"}`,
		log: `level=WARN msg="the half character at the end of a value was removed: the client has cut the value" operation=update table=plain .*column=note`},

	{name: "an update2 is glued",
		happen: func(_ *testing.T, r *running) reply {
			return r.post("/vm/update?&context=defaultmailbox=100", "&password="+secret)
		},
		response: reply{200, "", "1\n"}, metric: `dbsep_request_adjustments_total{adjustment="separated-fields"}`,
		log: `level=INFO msg="glued fields were separated" operation=update table=vm `},

	{name: "a reload has mistakes",
		happen: func(_ *testing.T, r *running) reply {
			r.reload("dbpass="+secret+"\n[server]\nliste=x\n", "reload refused")
			return r.post("/plain/update?id=a", "note=1")
		},
		response: reply{200, "", "1\n"}, metric: `dbsep_config_reloads_total{result="failure"}`,
		log: `level=ERROR msg="reload refused, the old configuration goes on: .*dbsep.conf:4: liste: \[server\] has no such setting; did you mean listen`},

	{name: "a client speaks no TLS", settings: "[server]\ntls_cert=DIR/cert.pem\ntls_key=DIR/key.pem\nlisten=unix:DIR/socket\nstatus_listen=unix:DIR/status\n",
		happen: func(t *testing.T, r *running) reply {
			got := r.post("/plain/destroy", "id="+secret)
			r.statusAt(filepath.Join(r.dir, "status"))
			return got
		},
		response: reply{200, "https-required", "-1\n"}, metric: "dbsep_tls_handshake_errors_total",
		log: `level=WARN msg="plain HTTP was sent to an HTTPS port" code=https-required operation=destroy .*hint="write https://`},

	{name: "a client does not trust the certificate", settings: "[server]\ntls_cert=DIR/cert.pem\ntls_key=DIR/key.pem\nlisten=unix:DIR/socket\nstatus_listen=unix:DIR/status\n",
		happen: func(t *testing.T, r *running) reply {
			c := tls.Client(dial(t, "unix", filepath.Join(r.dir, "socket")), &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()})
			if err := c.Handshake(); err == nil {
				t.Error("the client trusts it")
			}
			r.statusAt(filepath.Join(r.dir, "status"))
			return reply{}
		},
		metric: "dbsep_tls_handshake_errors_total",
		log:    `level=WARN msg="TLS handshake failed" client=.*hint="let the client use https://`},

	{name: "a client disconnects", settings: "[log]\nlevel=debug\n",
		happen: func(t *testing.T, r *running) reply {
			r.describe("slow")
			gone, cancel := context.WithCancel(t.Context())
			r.inBackground(gone, "/slow/single", "id="+secret)
			r.await(`dbsep_db_pool_connections{pool="reads",state="in_use"}`, 1) // of the statement, or of a look at the database's state
			cancel()
			r.await(`dbsep_db_pool_connections{pool="reads",state="in_use"}`, 0)
			return r.post("/plain/update?id=a", "note=1")
		},
		response: reply{200, "", "1\n"}, metric: `dbsep_http_requests_total{code="client-gone",operation="single",table="slow"}`,
		log: `level=DEBUG msg="the client disconnected before the response was complete" code=client-gone operation=single table=slow`},
}

// withoutTemporaryFolders starts a program that may write no folder for temporary files,
// with a variable set to DIR, which it may write.
func withoutTemporaryFolders(variable string) []string {
	return []string{"unshare", "--mount", "--map-root-user", "sh", "-c",
		`mount --bind DIR DIR && mount --rbind /tmp /tmp && mount -o remount,bind,ro /tmp && mount -t tmpfs -o ro none /var/tmp &&
			{ test ! -d /usr/tmp || mount -t tmpfs -o ro none /usr/tmp; } && cd /var/tmp && exec env --unset=TMPD''IR ` + variable + ` "$@"`, "sh"}
}

// SQLite sorts in the folder that is set for it.
func TestSQLiteSortsWhereItMayWrite(t *testing.T) {
	needMounts(t)
	dir := t.TempDir()
	if err := sqlite.Create(t.Context(), filepath.Join(dir, "demo.db"), sampleSQL()+faultSQL); err != nil {
		t.Fatal(err)
	}
	before := withoutTemporaryFolders("SQLITE_TMPD''IR=DIR")
	for i := range before {
		before[i] = strings.ReplaceAll(before[i], "DIR", dir)
	}
	r := startServer(t, dir, "dsn=DBI:SQLite:dbname="+dir+"/demo.db\n", before...)
	if got := r.post("/large/multi", "id LIKE=%25"); got.code != "" || strings.Count(got.body, "\n") != 10000 {
		t.Errorf("%d, %s, %d rows", got.status, got.code, strings.Count(got.body, "\n"))
	}
}

func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if len(f.before) > 0 {
				needMounts(t)
			}
			dir := t.TempDir()
			if err := sqlite.Create(t.Context(), filepath.Join(dir, "demo.db"), sampleSQL()+faultSQL); err != nil {
				t.Fatal(err)
			}
			certify(t, dir)
			place := strings.NewReplacer("DIR", dir, "PORT", freePort(t))
			before := make([]string, len(f.before))
			for i := range f.before {
				before[i] = place.Replace(f.before[i])
			}
			r := startServer(t, dir, place.Replace(f.settings), before...)
			r.want(f.happen(t, r), f.response)
			r.await(f.metric, 1)
			r.said(f.log)
			if n := len(regexp.MustCompile("(?m)"+f.log).FindAllString(r.log.String(), -1)); n > 2 {
				t.Errorf("the log has %d lines of it", n)
			}
			for what, text := range map[string]string{"log": r.log.String(), "metrics": r.do(http.MethodGet, "/metrics", "", nil).body} {
				if strings.Contains(text, secret) || strings.Contains(text, "SELECT") {
					t.Errorf("a secret or SQL is in the %s:\n%s", what, text)
				}
			}
		})
	}
}

// TestRequireWhileTheDatabaseIsUnavailable sends require to a server and to a
// FastCGI process that cannot read the table.
func TestRequireWhileTheDatabaseIsUnavailable(t *testing.T) {
	const settings = "dsn=DBI:mysql:database=gone;host=127.0.0.1;port=PORT\ndbuser=u\ndbpass=p\n"
	r := startServer(t, t.TempDir(), strings.ReplaceAll(settings, "PORT", freePort(t)))
	for range 5 { // the breaker opens
		r.want(r.post("/queue_log/require", "data1=char:20"), reply{200, "unavailable", "0\n"})
	}
	r.want(r.post("/queue_log/update?id=1", "data1=x"), reply{200, "unavailable", "-1\n"})
	r.want(r.post("/queue_log/require", "data1=x"), reply{200, "unavailable", "0\n"}) // nobody has looked at it
	if got := r.post("/queue_log/require.json", "data1=char:20"); got.status != 503 || got.code != "unavailable" || !strings.HasPrefix(got.body, `{"error":{"code":"unavailable"`) {
		t.Errorf("%+v", got)
	}
	r.said("code=unavailable operation=require")

	dir := t.TempDir()
	configure(t, dir, "dsn=DBI:Nosuch:dbname=x\n") // a configuration that cannot be used
	socket := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stdin, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	start(t, dir, stdin)
	for path, want := range map[string]string{"/queue_log/require": "X-Dbsep-Error: unavailable\r\n\r\n0\n", "/queue_log/store": "X-Dbsep-Error: unavailable\r\n\r\n-1\n"} {
		c := fastCGI{dial(t, "unix", socket)}
		c.begin(t, path, "", len("data1=char:20"))
		c.body(t, "data1=char:20")
		if got := c.response(t); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", path, got, want)
		}
	}
}

// needMounts skips a test where this account may mount no file system of its own,
// as in most containers and under chroot. In CI, where nothing is left out, it fails
// instead.
func needMounts(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "--map-root-user", "sh", "-c", "mount -t tmpfs none /tmp").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("unshare --mount and mount are not allowed here: %v: %s", err, out)
	default:
		t.Skipf("unshare --mount and mount are not allowed here, so no disk is full and none refuses writes: %v: %s", err, out)
	}
}

// TestPanic is the one fault that cannot be brought about from outside.
func TestPanic(t *testing.T) {
	m := metrics.New("", metrics.Sources{})
	var log bytes.Buffer
	g := gateway.New(broken{}, gateway.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Observe: m.Observe})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/plain/destroy", strings.NewReader("id="+secret)))
	if w.Code != 200 || w.Body.String() != "-1\n" || w.Header().Get("X-Dbsep-Error") != "internal" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `level=ERROR msg="an error inside dbsep or the database" code=internal operation=destroy`) || strings.Contains(text, secret) {
		t.Error(text)
	}
	series := httptest.NewRecorder()
	m.Handler().ServeHTTP(series, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(series.Body.String(), `dbsep_http_requests_total{code="internal",operation="destroy",table=""} 1`) {
		t.Error(series.Body)
	}
}

// broken is a database with a fault of ours in it.
type broken struct{ gateway.Database }

func (broken) Describe(context.Context, string) (*sqlgen.Table, error) { panic(secret) }

// describe lets the server read the description of a table, so that requests need
// nothing of the database but their statement. The description may be late too.
func (r *running) describe(table string) {
	r.t.Helper()
	var got reply
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); {
		if got = r.post("/"+table+"/require", "id=char:1"); got.code == "" {
			return
		}
	}
	r.t.Fatalf("%s is not described: %+v\n%s", table, got, r.log)
}

// inBackground sends a request that somebody gives up when ctx ends. When it
// returns the request is on its way to the server and will get there.
func (r *running) inBackground(ctx context.Context, target, body string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	written := make(chan error, 1)
	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written <- info.Err },
	}))
	go func() {
		if response, err := r.client.Do(request); err == nil {
			response.Body.Close()
		} else if !errors.Is(err, context.Canceled) {
			r.t.Error(err)
		}
	}()
	if err := <-written; err != nil {
		r.t.Fatal(err)
	}
}

// await waits until a metric has a value, or more for a counter.
func (r *running) await(metric string, value float64) {
	r.t.Helper()
	for until := time.Now().Add(30 * time.Second); ; {
		got := r.metric(metric)
		if got == value || strings.Contains(metric, "_total") && got >= value {
			return
		}
		if time.Now().After(until) {
			r.t.Fatalf("%s is %v, not %v", metric, got, value)
		}
	}
}

// lock keeps others from writing the database file until unlock.
func (r *running) lock(t *testing.T) (unlock func()) {
	t.Helper()
	db, err := sql.Open(sqlitedriver.Name, "file:"+filepath.Join(r.dir, "demo.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	// The server may just be opening the file, and another lock it for that.
	for _, text := range []string{"PRAGMA busy_timeout=30000", "BEGIN IMMEDIATE"} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	return func() { db.Close() }
}

// statusAt sends later requests for metrics to another socket.
func (r *running) statusAt(socket string) {
	r.client.CloseIdleConnections()
	r.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialWhenReady(ctx, "unix", socket)
	}}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := testserver.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

func certify(t *testing.T, dir string) {
	t.Helper()
	if _, err := testserver.Certify(dir); err != nil {
		t.Fatal(err)
	}
}
