package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/testenv"
)

// TestStaleResponses makes the database unavailable to a server that sends stale
// responses, and restarts the server while it is unavailable.
func TestStaleResponses(t *testing.T) {
	server := mariadbtest.Start(t)
	name := server.Database(t)
	server.ExecIn(t, name,
		"CREATE TABLE peers (id VARCHAR(40) PRIMARY KEY, secret VARCHAR(40))",
		"INSERT INTO peers VALUES ('alice', 'one'), ('bob', 'two')",
		"CREATE TABLE ps_contacts (id VARCHAR(40) PRIMARY KEY)",
		"INSERT INTO ps_contacts VALUES ('alice')",
		"CREATE TABLE ast_config (id INT, cat_metric INT, var_metric INT, commented INT, filename VARCHAR(40), category VARCHAR(40), var_name VARCHAR(40), var_val VARCHAR(40))",
		"INSERT INTO ast_config VALUES (1, 0, 0, 0, 'x.conf', 'general', 'a', 'b')")
	relay := testenv.NewRelay(t, server.Address())
	dir := t.TempDir()
	conf := fmt.Sprintf("dsn=DBI:mysql:database=%s;host=127.0.0.1;port=%s\ndbuser=%s\ndbpass=%s\n[database]\nlastgood_file=%s\n[lastgood]\n*=1h\n[cache]\npeers=0\n",
		name, relay.Port(), server.User, server.Password, filepath.Join(dir, "lastgood"))
	r := startServer(t, dir, conf)

	const static = "cat_metric=0&category=general&var_name=a&var_val=b\n"
	wantReads := func(stale string) {
		t.Helper()
		for target, want := range map[string]string{"/peers/single?id=alice": "id=alice&secret=one\n", "/peers/multi?id+LIKE=%25": "id=alice&secret=one\nid=bob&secret=two\n",
			"/peers/single.json?id=alice": `{"id":"alice","secret":"one"}` + "\n", "/ast_config/static?file=x.conf": static} {
			response, err := r.client.Get(r.url + target)
			if err != nil {
				t.Fatal(err)
			}
			body := new(strings.Builder)
			if err := response.Write(body); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != http.StatusOK || !strings.HasSuffix(body.String(), want) || (response.Header.Get("X-Dbsep-Stale") != "") != (stale != "") {
				t.Errorf("%s %s: %s", target, stale, body)
			}
		}
	}
	wantReads("")
	r.want(r.post("/ps_contacts/single", "id=alice"), reply{200, "", "id=alice\n"})

	relay.Cut()
	wantReads("stale")
	wantReads("stale")
	r.want(r.post("/peers/single", "id=carol"), reply{503, "unavailable", ""})
	r.want(r.post("/ps_contacts/single", "id=alice"), reply{503, "unavailable", ""}) // Asterisk writes it
	r.await(`dbsep_stale_responses_total{operation="single",table="peers"}`, 4)
	r.said("level=WARN msg=\"the database is unavailable: stale responses are sent\"")
	if n := strings.Count(r.log.String(), "stale responses are sent"); n != 1 {
		t.Errorf("the log reports the first stale response %d times", n)
	}

	r.stop()
	r = startServer(t, dir, conf)
	wantReads("stale")

	r.want(r.post("/peers/update?id=bob", "secret=new"), reply{200, "unavailable", "-1\n"})
	r.want(r.post("/peers/single", "id=alice"), reply{200, "", "id=alice&secret=one\n"})
	r.want(r.do(http.MethodGet, "/peers/multi?id+LIKE=%25", "", nil), reply{503, "unavailable", ""}) // it may have been changed

	relay.Open(t)
	for until := time.Now().Add(time.Minute); r.post("/peers/update?id=bob", "secret=two").body != "1\n"; { // as soon as dbsep has noticed
		if time.Now().After(until) {
			t.Fatal("the database does not come back")
		}
	}
	wantReads("")
	r.said("msg=\"the database answers again\" stale_responses=")
}

// TestForeignStaleCacheFileIsRefused names files that are not dbsep's, at a reload.
// The server continues, and the files stay as they are.
func TestForeignStaleCacheFileIsRefused(t *testing.T) {
	r := runSample(t, "")
	database := filepath.Join(r.dir, "demo.db")
	link := filepath.Join(r.dir, "link")
	if err := os.Link(database, link); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range []string{database, link, filepath.Join(r.dir, "dbsep.conf"), r.dir, filepath.Join(r.dir, "socket")} {
		r.reload("[database]\nlastgood_file="+file+"\n[lastgood]\nps_*=1h\n", strings.Repeat("msg=\"reload refused, the old configuration goes on: .*dbsep.conf:3: lastgood_file: .*(.|\n)*", i+1))
		r.want(r.post("/ps_endpoints/destroy", "id=nobody"), reply{200, "", "0\n"})
	}
	after, err := os.ReadFile(database)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database has changed: %v", err)
	}
	if others, err := filepath.Glob(filepath.Join(r.dir, "*.damaged*")); err != nil || len(others) > 0 {
		t.Errorf("%v, %v", others, err)
	}
	r.reload("[database]\nlastgood_file="+filepath.Join(r.dir, "lastgood")+"\n[lastgood]\nps_*=1h\n", "msg=reloaded")
}

// TestTwoServersWithOneFile starts a server while another one has its file of stale
// responses, as in an update that starts the new one before it ends the old one.
func TestTwoServersWithOneFile(t *testing.T) {
	first := runSample(t, "")
	lines := "dsn=DBI:SQLite:dbname=" + filepath.Join(first.dir, "demo.db") + "\n[database]\nlastgood_file=" + filepath.Join(first.dir, "lastgood") + "\n[lastgood]\nps_*=1h\n"
	first.reload(lines, "msg=reloaded")
	alice := first.post("/ps_auths/single", "id=alice")
	first.want(alice, reply{200, "", alice.body})

	second := startServer(t, t.TempDir(), lines)
	second.said(`level=ERROR msg="the file of stale responses failed" .*hint="another process uses it: configure a different file for each dbsep"`)
	second.want(second.post("/ps_auths/single", "id=alice"), alice)
	second.await("dbsep_stale_cache_file_usable", 0)
	out, err := exec.CommandContext(t.Context(), "dbsep", "check", filepath.Join(first.dir, "dbsep.conf")).CombinedOutput()
	if err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}

	first.stop()
	second.said("the file of stale responses works again")
	second.await("dbsep_stale_cache_file_usable", 1)
	if err := os.Rename(filepath.Join(first.dir, "demo.db"), filepath.Join(first.dir, "away")); err != nil {
		t.Fatal(err)
	}
	second.want(second.post("/ps_auths/single", "id=alice"), alice) // from the first server
}

// TestReplicaThatIsBehind reads from a replica to which nothing is replicated until the test
// does it. What is cached or stale is never older than what was written.
func TestReplicaThatIsBehind(t *testing.T) {
	primary, replica := mariadbtest.Start(t), mariadbtest.New(t)
	name := primary.Database(t)
	replica.Exec(t, "CREATE DATABASE "+name)
	for _, server := range []*mariadbtest.Server{primary, replica} {
		server.ExecIn(t, name,
			"CREATE TABLE peers (id VARCHAR(40) PRIMARY KEY, secret VARCHAR(40))", "INSERT INTO peers VALUES ('alice', 'one'), ('bob', 'two')",
			"CREATE TABLE queues (id VARCHAR(40) PRIMARY KEY)", "INSERT INTO queues VALUES ('sales')")
	}
	toPrimary, toReplica := testenv.NewRelay(t, primary.Address()), testenv.NewRelay(t, replica.Address())
	dir := t.TempDir()
	r := startServer(t, dir, fmt.Sprintf("dsn=DBI:mysql:database=%s;host=127.0.0.1;port=%s\ndbuser=%s\ndbpass=%s\n[database]\nread_replicas=%s\nlastgood_file=%s\n[lastgood]\n*=1h\n[cache]\n*=1h\n",
		name, toPrimary.Port(), primary.User, primary.Password, toReplica.Address, filepath.Join(dir, "lastgood")))

	alice, bob := reply{200, "", "id=alice&secret=one\n"}, reply{200, "", "id=bob&secret=two\n"}
	r.want(r.post("/peers/single", "id=alice"), alice)
	r.want(r.post("/peers/single", "id=bob"), bob)
	r.want(r.post("/queues/single", "id=sales"), reply{200, "", "id=sales\n"})
	r.want(r.post("/peers/update?id=alice", "secret=new"), reply{200, "", "1\n"})
	r.want(r.post("/peers/single", "id=alice"), alice) // as the replica has it

	toPrimary.Cut()
	toReplica.Cut()
	r.want(r.post("/peers/single", "id=alice"), reply{503, "unavailable", ""})
	r.want(r.post("/peers/single", "id=bob"), bob)
	r.want(r.post("/queues/single", "id=sales"), reply{200, "", "id=sales\n"})

	replica.ExecIn(t, name, "UPDATE peers SET secret = 'new' WHERE id = 'alice'")
	toPrimary.Open(t)
	toReplica.Open(t)
	for until := time.Now().Add(time.Minute); ; {
		got := r.post("/peers/single", "id=alice")
		if got.status == 200 {
			r.want(got, reply{200, "", "id=alice&secret=new\n"})
			break
		}
		if time.Now().After(until) {
			t.Fatal("the database does not come back")
		}
	}
}
