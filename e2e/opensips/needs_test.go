//go:build e2e

package opensips

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/testenv"
)

// needs are what both proxies need of a gateway, most important first.
var needs = []struct {
	name string
	test func(t *testing.T, g *gateway)
}{
	{"the body is read whatever the content type, and without one", testContentType},
	{"an empty POST is never an operation", testEmptyPost},
	{"rows are percent-encoded but for letters, digits, _ and .", testEncoding},
	{"JSON on one line, by header and by suffix; text for Accept: */*", testJSON},
	{"no row and a failure are told apart: 404 and 503", testStatus},
	{"a table of its own keeps its semicolons", testOwnTable},
	{"never a 1xx unasked, and a too large body is refused at once", testNo1xx},
	{"never a redirect", testNoRedirect},
	{"db_http is refused with a status that it takes for an error", testDatabaseModule},
	{"a connection serves many requests, and idles for 120 s", testKeepAlive},
	{"many connections from one address", testManyConnections},
	{"an error comes before the client gives up", testLatency},
	{"methods that are not known are answered", testMethods},
	{"the header's names are written as HTTP/1.1 has them", testHeader},
	{"a request in flight is answered before the server ends", testShutdown},
}

func TestNeeds(t *testing.T) {
	onEach(t, func(t *testing.T, g *gateway) {
		for _, n := range needs {
			testenv.Feature(t, g.system, n.name, func(t *testing.T) { n.test(t, g) })
		}
	})
}

const alice = "id=alice&auth_type=userpass&password=alice%2Dpw&realm=asterisk&username=alice\n"

func testContentType(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for _, kind := range []string{"", "application/x-www-form-urlencoded", "text/plain", "text/html; charset=utf-8", "application/octet-stream", "nonsense", ";"} {
		w.ask(t, rest("POST", "/ps_auths/single", "id=alice", kind)).want(t, 200, alice)
	}
	w.ask(t, kamailio("POST", "/ps_auths/single", "id=alice")).want(t, 200, alice)
}

func testEmptyPost(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for _, operation := range []string{"store", "update", "update?id=alice", "destroy", "destroy?id=alice", "require"} {
		target := "/ps_auths/" + operation
		w.ask(t, rest("POST", target, "", "")).want(t, 200, "-1\n")
		// http_async_client leaves the length out, too.
		w.ask(t, "POST "+target+" HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept: */*\r\n\r\n").want(t, 200, "-1\n")
		if a := w.ask(t, rest("POST", target, "", "", "Accept: application/json")); a.status != 400 {
			t.Errorf("%s in JSON: status %d", operation, a.status)
		}
	}
	for _, operation := range []string{"single", "multi", "single?id=alice"} {
		w.ask(t, rest("POST", "/ps_auths/"+operation, "", "")).want(t, 400, "")
	}
	var n int
	check(t, g.site.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM ps_auths").Scan(&n))
	if n != 4 {
		t.Errorf("%d rows are left of 4", n)
	}
}

func testEncoding(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	var value strings.Builder
	for c := byte(1); c < 127; c++ {
		if c != ';' && c != '^' {
			value.WriteByte(c)
		}
	}
	w.ask(t, rest("POST", "/rt_bulk/store", "name=bytes&val="+restEscape(value.String()), "")).want(t, 200, "1\n")
	a := w.ask(t, rest("POST", "/rt_bulk/single", "name=bytes", ""))
	_, got, _ := strings.Cut(strings.TrimSuffix(a.body, "\n"), "&val=")
	for i := 0; i < len(got); i++ {
		c := got[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '%') {
			t.Fatalf("%q stands as it is in %q", c, got)
		}
	}
	if strings.NewReplacer("%2D", "-", "%7E", "~").Replace(got) != restEscape(value.String()) {
		t.Errorf("got %q", got)
	}
}

func testJSON(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	const row = `{"name":"rtplay","position":"2","entry":"/srv/rt/moh/b"}`
	const table = "/musiconhold_entry"
	w.ask(t, rest("GET", table+"/single.json?position=2", "", "")).want(t, 200, row+"\n")
	w.ask(t, rest("GET", table+"/single?position=2", "", "", "Accept: application/json")).want(t, 200, row+"\n")
	w.ask(t, rest("POST", table+"/single.json", "position=2", "")).want(t, 200, row+"\n")
	w.ask(t, kamailio("POST", table+"/multi.json", "position=2")).want(t, 200, "["+row+"]\n")
	w.ask(t, kamailio("GET", table+"/multi.json?position=3", "")).want(t, 200, "[]\n")
	w.ask(t, rest("GET", table+"/single?position=2", "", "")).want(t, 200, "name=rtplay&position=2&entry=%2Fsrv%2Frt%2Fmoh%2Fb\n")
}

func testStatus(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	status := func(want int, request string) {
		t.Helper()
		if a := w.ask(t, request); a.status != want {
			t.Errorf("%.60q: got %d %q, want status %d", request, a.status, a.body, want)
		}
	}
	status(404, rest("GET", "/ps_auths/single.json?id=nobody", "", ""))
	status(404, rest("GET", "/nosuch/single.json?id=nobody", "", ""))
	w.ask(t, rest("POST", "/ps_auths/single", "id=nobody", "")).want(t, 200, "\n")
	g.outage.Begin(t)
	status(503, rest("GET", "/ps_auths/single.json?id=alice", "", ""))
	status(503, rest("POST", "/ps_auths/update.json?id=alice", "realm=x", ""))
	status(503, rest("POST", "/ps_auths/single", "id=alice", ""))
	w.ask(t, rest("POST", "/ps_auths/update?id=alice", "realm=x", "")).want(t, 200, "-1\n")
	g.outage.End(t, testenv.Answers("http://"+g.address+"/ps_auths/single?id=alice"))
	status(200, rest("GET", "/ps_auths/single.json?id=alice", "", ""))
}

// testOwnTable uses a table that OpenSIPS' module usrloc reads and writes itself.
func testOwnTable(t *testing.T, g *gateway) {
	const own, other = "sip:alice@192.0.2.1:5060;transport=ws;x=^3B", "sip:bob@192.0.2.2;ob;y=^"
	_, err := g.site.DB.ExecContext(t.Context(), "INSERT INTO location VALUES (1, 'alice', '"+own+"', NULL)")
	check(t, err)
	stored := func(id int, want string) {
		t.Helper()
		var got string
		check(t, g.site.DB.QueryRowContext(t.Context(), fmt.Sprint("SELECT contact FROM location WHERE contact_id = ", id)).Scan(&got))
		if got != want {
			t.Errorf("contact %d is %q, want %q", id, got, want)
		}
	}
	w := dial(t, g.address)
	row := `{"contact_id":"1","username":"alice","contact":"` + own + `","received":null}`
	w.ask(t, rest("GET", "/location/single.json?contact="+restEscape(own), "", "")).want(t, 200, row+"\n")
	w.ask(t, rest("GET", "/location/multi?username=alice", "", "", "Accept: application/json")).want(t, 200, "["+row+"]\n")
	w.ask(t, rest("POST", "/location/store.json", "contact_id=2&username=bob&contact="+restEscape(other), "")).want(t, 200, `{"affected":1}`+"\n")
	stored(2, other)
	w.ask(t, rest("POST", "/location/update.json?contact="+restEscape(other), "contact="+restEscape(other+";z"), "")).want(t, 200, `{"affected":1}`+"\n")
	stored(2, other+";z")
	w.ask(t, rest("POST", "/location/destroy.json", "contact="+restEscape(other+";z"), "")).want(t, 200, `{"affected":1}`+"\n")
	// Asterisk's tables stay as they are.
	w.ask(t, rest("POST", "/ps_contacts/store.json", "id=own&reg_server=x&uri="+restEscape(own), "")).want(t, 200, `{"affected":1}`+"\n")
	var uri string
	check(t, g.site.DB.QueryRowContext(t.Context(), "SELECT uri FROM ps_contacts WHERE id = 'own'").Scan(&uri))
	if uri != "sip:alice@192.0.2.1:5060^3Btransport=ws^3Bx=^5E3B" {
		t.Errorf("Asterisk's contact is %q", uri)
	}
	w.ask(t, rest("POST", "/ps_contacts/destroy.json", "uri="+restEscape(own), "")).want(t, 200, `{"affected":1}`+"\n")
}

func testNo1xx(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	long := strings.Repeat("x", 1<<20)
	w.ask(t, rest("POST", "/ps_auths/single", "id="+long, "")).want(t, 200, "\n")
	a := dial(t, g.address).ask(t, "POST /ps_auths/store.json HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n")
	if a.status != 413 || a.took > 500*time.Millisecond {
		t.Errorf("a too large body: status %d after %v", a.status, a.took)
	}
}

func testNoRedirect(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for _, target := range []string{"//ps_auths/single", "/ps_auths//single", "/ps_auths/single/", "/ps_auths/single/?id=x", "/a/../ps_auths/single", "/./ps_auths/single", "//ps_auths//single//"} {
		w.ask(t, rest("POST", target, "id=alice", "")).want(t, 200, alice)
		w.ask(t, kamailio("POST", target, "id=alice")).want(t, 200, alice)
	}
	for _, target := range []string{"/", "//", "/ps_auths", "/ps_auths/", "/ps_auths/nosuch"} {
		if a := w.ask(t, rest("GET", target, "", "")); a.status != 404 || a.body != "" {
			t.Errorf("%s: got %d %q", target, a.status, a.body)
		}
	}
}

// testDatabaseModule sends what OpenSIPS' db_http sends: it takes a redirect for
// success, and looks at no body of an error.
func testDatabaseModule(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for _, request := range []string{
		rest("GET", "/db/version/?k=table_name&v=location&c=table_version", "", ""),
		rest("GET", "/db/ps_auths/?k=id&v=alice&c=password,id", "", ""),
		rest("POST", "/db/ps_auths", "query_type=delete", "application/x-www-form-urlencoded"),
		rest("POST", "/db/ps_auths", "k=id&v=new&query_type=insert", "application/x-www-form-urlencoded"),
	} {
		if a := w.ask(t, request); a.status < 400 {
			t.Errorf("%.60q: got %d %q", request, a.status, a.body)
		}
	}
}

func testKeepAlive(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for i := range 50 {
		if a := w.ask(t, rest("POST", "/ps_auths/single", fmt.Sprint("id=nobody", i), "")); a.closed {
			t.Fatalf("the connection was closed after %d requests", i+1)
		}
		if a := w.ask(t, rest("GET", "/ps_auths/single.json?id=nobody", "", "")); a.closed {
			t.Fatalf("the connection was closed by an error after %d requests", i+1)
		}
	}
	// libcurl lets go of a connection after 118 s; the server must not before.
	out, _ := exec.CommandContext(t.Context(), testenv.Program(t), "check", "--all", g.site.Conf).Output() // with or without warnings
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "idle_timeout" {
			if idle, err := time.ParseDuration(f[1]); err != nil || idle < 120*time.Second {
				t.Errorf("idle_timeout is %s", f[1])
			}
			return
		}
	}
	t.Errorf("dbsep check names no idle_timeout:\n%s", out)
}

// testManyConnections opens as many as the worker processes of a large proxy,
// all at the same time.
func testManyConnections(t *testing.T, g *gateway) {
	wires := make([]*wire, 100)
	for i := range wires {
		wires[i] = dial(t, g.address)
	}
	for range 2 {
		for _, w := range wires {
			w.ask(t, rest("POST", "/ps_auths/single", "id=alice", "")).want(t, 200, alice)
		}
	}
}

func testLatency(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	g.outage.Begin(t)
	for _, request := range []string{
		rest("GET", "/ps_auths/single.json?id=alice", "", ""),
		rest("POST", "/ps_auths/update.json?id=alice", "realm=x", ""),
		rest("GET", "/ps_aors/multi.json?id=alice", "", ""), // not described yet
	} {
		if a := w.ask(t, request); a.status != 503 || a.took > 500*time.Millisecond {
			t.Errorf("%.60q: status %d after %v", request, a.status, a.took)
		}
	}
	g.outage.End(t, testenv.Answers("http://"+g.address+"/ps_auths/single?id=alice"))
}

func testMethods(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
		w.ask(t, rest(method, "/ps_auths/destroy?id=alice", "id=alice", "")).want(t, 200, "-1\n")
		if a := w.ask(t, rest(method, "/ps_auths/destroy.json?id=alice", "id=alice", "")); a.status != 405 || !strings.Contains(a.header, "\r\nAllow: POST\r\n") {
			t.Errorf("%s in JSON: %d %q", method, a.status, a.header)
		}
	}
	w.ask(t, rest("POST", "/ps_auths/single", "id=alice", "")).want(t, 200, alice)
}

// testHeader looks at the names as they are written: OpenSIPS finds the content
// type by its capital C.
func testHeader(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	for request, kind := range map[string]string{
		rest("GET", "/ps_auths/single.json?id=alice", "", ""):  "application/json",
		rest("GET", "/ps_auths/single.json?id=nobody", "", ""): "application/json",
		rest("POST", "/ps_auths/single", "id=alice", ""):       "text/plain",
		rest("POST", "/ps_auths/store", "id=alice", ""):        "text/plain",
	} {
		a := w.ask(t, request)
		for _, line := range []string{"Content-Type: " + kind, fmt.Sprint("Content-Length: ", len(a.body))} {
			if !strings.Contains(a.header, "\r\n"+line+"\r\n") {
				t.Errorf("%.60q: no %q in %q", request, line, a.header)
			}
		}
	}
}

// testShutdown ends the server while a request is on its way: OpenSIPS would wait
// for a response until its timeout. A 100 shows that the server has begun to read
// the request; only this request expects one.
func testShutdown(t *testing.T, g *gateway) {
	w := dial(t, g.address)
	const body = "id=alice"
	whole := rest("POST", "/ps_auths/single", body, "", "Expect: 100-continue")
	check(t, w.conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err := io.WriteString(w.conn, strings.TrimSuffix(whole, body))
	check(t, err)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := w.in.ReadString('\n'); err != nil || line != want {
			t.Fatalf("got %q, %v, want %q", line, err, want)
		}
	}
	check(t, g.process.Cmd.Process.Signal(syscall.SIGTERM))
	w.ask(t, body).want(t, 200, alice)
	<-g.process.Exited()
	if err := g.process.Err(); err != nil {
		t.Errorf("dbsep ended with %v", err)
	}
}
