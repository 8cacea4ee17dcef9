package compare_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	realtime "dbsep/gateway"
	"dbsep/internal/compare"
)

func TestCompare(t *testing.T) {
	const order, coded = "order of the rows of `multi`", "a `;` in a value that is written"
	const letters, array = "letters beyond ASCII on PostgreSQL", "an array of PostgreSQL"
	for _, test := range []struct {
		name, operation string
		old, new        compare.Response
		want            compare.Verdict
	}{
		{"the order of columns does not count", "single", text("b=2&a=1\n"), text("a=1&b=2\n"), compare.Verdict{Same: true}},
		{"no row", "single", text("\n"), text("\n"), compare.Verdict{Same: true}},
		{"no rows", "multi", text(""), text(""), compare.Verdict{Same: true}},
		{"a row more", "multi", text("a=1\n"), text("a=1\na=2\n"), different("old has 1 rows, new 2")},
		{"another value, which is not shown", "multi", text("a=1&pw=x\n"), text("a=1&pw=hunter2\n"), different("row 1, column pw: old has 1 bytes, new 7 bytes")},
		{"a column less", "single", text("a=1&b=2\n"), text("a=1\n"), different("row 1, column b: old has 1 bytes, new nothing")},
		{"another order of the rows", "multi", text("a=2\na=1\n"), text("a=1\na=2\n"), explained(order)},
		{"of a file it counts", "static", text("a=2\na=1\n"), text("a=1\na=2\n"), different("row 1, column a: old has 1 bytes, new 1 bytes", "row 2, column a: old has 1 bytes, new 1 bytes")},
		{"a coded semicolon", "single", text("id=a%5E3B%40c\n"), text("id=a%3B%40c\n"), explained(coded)},
		{"a coded semicolon in rows of another order", "multi", text("id=b\nid=a%5E3Bc\n"), text("id=a%3Bc\nid=b\n"), explained(coded, order)},
		{"empty items", "single", text("a=&a=x\n"), text("a=x\n"), explained("empty items of a list")},
		{"spaces around items", "single", text("a=x&a=%20y\n"), text("a=x&a=y\n"), explained("spaces around the items of a list")},
		{"letters by their numbers", "single", text("a=%E9%20%20AC%1F600%2541\n"), text("a=%C3%A9%20%E2%82%AC%F0%9F%98%80%2541\n"), explained(letters)},
		{"letters that the script stored", "single", text("a=%C3%A9\n"), text("a=%C3%83%C2%A9\n"), explained(letters)},
		{"letters in a file", "static", text("a=%E9\na=x\n"), text("a=%C3%A9\na=x\n"), explained(letters)},
		{"letters beside the bytes of a bytea", "single", text("a=%E9&b=%FF\n"), text("a=%C3%A9&b=%FF\n"), explained(letters)},
		{"other letters", "single", text("a=%E9\n"), text("a=%C3%A8\n"), different("row 1, column a: old has 1 bytes, new 2 bytes")},
		{"an array", "multi", text("a=ARRAY%280x5653dba3d458%29\n"), text("a=%7Ba%2Cb%7D\n"), explained(array)},
		{"an array with a ; in rows of another order", "multi", text("a=x\na=ARRAY%280x1%29\n"), text("a=%7Ba&a=b%7D\na=x\n"), explained(array, order)},
		{"an array of letters, with letters beside it", "single", text("a=ARRAY%280x1%29&b=%E9\n"), text("a=%7B%C3%A9%7D&b=%C3%A9\n"), explained(letters, array)},
		{"an address in the place of a text", "single", text("a=ARRAY%280x1%29\n"), text("a=x\n"), different("row 1, column a: old has 10 bytes, new 1 bytes")},
		{"an error text of the script", "single", text("Invalid query: SELECT * FROM x WHERE a='1'\n"), refused(400, "unknown-column"), explained("an error's text")},
		{"a page of HTML", "multi", compare.Response{Status: 500, Body: "<!DOCTYPE HTML>\n"}, refused(503, "unavailable"), explained("an error's text")},
		{"a column that the script cannot use", "multi", text("Invalid query: SELECT 100rel\n"), text("id=a\n"), explained("columns, tables and operators that the script could not use")},
		{"files, which the script never reads", "static", text("Invalid query: SELECT\n"), text("cat_metric=0&category=a&var_name=b&var_val=c\n"), explained("files from the database")},
		{"dbsep refuses a request for which the script returns rows", "multi", text("a=1\n"), refused(400, "unknown-column"), different("old returns 1 rows, new refuses with unknown-column")},
		{"require is met", "require", text("0\n"), text("0\n"), compare.Verdict{Same: true}},
		{"require is not met", "require", text("0\n"), text("-1\n"), explained("`require` is answered from the real schema")},
		{"require of a script that died", "require", compare.Response{Status: 500, Body: "<!DOCTYPE"}, text("0\n"), explained("an error's text")},
		{"require with two other numbers", "require", text("1\n"), text("0\n"), different(`old returns "1\n", new "0\n"`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := compare.Request{Method: "POST", Path: "/t/" + test.operation, Body: "a=1"}
			if diff := cmp.Diff(test.want, compare.Compare(r, test.old, test.new)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConditionThatTheScriptLeftOut(t *testing.T) {
	const body = "position%20%3E%3D=0&name=default"
	old, new := text("position=0\nposition=%2D1\n"), text("position=0\n")
	want := explained("columns, tables and operators that the script could not use")
	for _, r := range []compare.Request{
		{Method: "POST", Path: "/musiconhold_entry/multi", Body: body},
		{Method: "GET", Path: "/musiconhold_entry/multi", Query: body},
	} {
		if diff := cmp.Diff(want, compare.Compare(r, old, new)); diff != "" {
			t.Error(diff)
		}
	}
	r := compare.Request{Method: "POST", Path: "/musiconhold_entry/multi", Body: "name=default"}
	if v := compare.Compare(r, old, new); v.Explained() {
		t.Errorf("got %+v", v)
	}
}

func TestConditionThatIsCoded(t *testing.T) {
	old, new := text("id=alice&id=%40c1\n"), text("id=alice%3B%40c2\n")
	for body, want := range map[string]compare.Verdict{
		"id%20LIKE=alice%3B%40%25": explained("a `;` in a condition"),
		"fullname=a%5Eb":           explained("a `^` in a condition"),
		"fullname=ab":              different("row 1, column id: old has 2 items, new 9 bytes"),
		"fullname;x=ab":            explained("columns, tables and operators that the script could not use"),
	} {
		r := compare.Request{Method: "POST", Path: "/ps_contacts/multi", Body: body}
		if diff := cmp.Diff(want, compare.Compare(r, old, new)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
		if v := compare.Compare(r, old, refused(400, "unknown-column")); v.Explained() {
			t.Errorf("%s: a refusal is explained: %+v", body, v)
		}
	}
}

func text(body string) compare.Response { return compare.Response{Status: 200, Body: body} }

func refused(status int, code string) compare.Response {
	return compare.Response{Status: status, Code: code}
}

func explained(reasons ...string) compare.Verdict { return compare.Verdict{Reasons: reasons} }
func different(details ...string) compare.Verdict { return compare.Verdict{Details: details} }

func TestParseRequest(t *testing.T) {
	for line, want := range map[string]compare.Request{
		`{"method":"POST","path":"/x/peers/single","body":"id=1"}`:                                                   {Method: "POST", Path: "/x/peers/single", Body: "id=1"},
		`{"path":"/peers/multi","body":"id=1"}`:                                                                      {Method: "POST", Path: "/peers/multi", Body: "id=1"},
		`127.0.0.1 - - [21/Nov/2026:20:51:57 +0000] "GET /cgi/ast_config/static?file=a.conf HTTP/1.1" 200 5 "-" "x"`: {Method: "GET", Path: "/cgi/ast_config/static", Query: "file=a.conf"},
		`127.0.0.1 - bob [x] "POST /cgi/peers/single HTTP/1.1" 200 5`:                                                {Method: "POST", Path: "/cgi/peers/single"},
	} {
		if got, err := compare.ParseRequest(line); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"nonsense", `{"path":`, `{"method":"GET"}`, `"GET /x"`, `x "GET /x" y`} {
		if got, err := compare.ParseRequest(line); err == nil {
			t.Errorf("%s: got %+v", line, got)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(`{"path":"/a/single","body":"secret=hunter2"}`)
	f.Add(`h - - [d] "GET /a/static?file=x HTTP/1.1" 200 1`)
	f.Fuzz(func(_ *testing.T, line string) {
		if r, err := compare.ParseRequest(line); err == nil {
			_, _, _ = r.Reads(), r.Complete(), r.String()
			compare.Compare(r, text(line), text(r.Body))
		}
	})
}

func TestRequestIsNamedWithoutItsValues(t *testing.T) {
	r := compare.Request{Method: "POST", Path: "/cgi-bin/x/voicemail/single", Body: "mailbox=100&password=1234"}
	if got := r.String(); got != "POST /voicemail/single mailbox password" {
		t.Errorf("got %q", got)
	}
	r = compare.Request{Method: "POST", Path: "/é/single", Body: "\x1b[2Jid=1&a b\x00=2"}
	if got := r.String(); got != "POST /%C3%A9/single %1B[2Jid a b%00" {
		t.Errorf("got %q", got)
	}
}

// A gateway responds to each path with a text, and records the requests.
type gateway struct {
	*httptest.Server
	mu       sync.Mutex
	received []string
}

func newGateway(t *testing.T, responses map[string]string) *gateway {
	g := new(gateway)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		g.received = append(g.received, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		g.mu.Unlock()
		fmt.Fprint(w, responses[r.URL.Path])
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.received...)
}

func TestRun(t *testing.T) {
	old := newGateway(t, map[string]string{"/cgi/p/single": "a=1\n", "/cgi/p/multi": "a=2\na=1\n", "/cgi/q/single": "a=1\n"})
	new := newGateway(t, map[string]string{"/p/single": "a=1\n", "/p/multi": "a=1\na=2\n", "/q/single": "a=2\n"})
	const file = `{"path":"/x/p/single","body":"a=1"}
{"path":"/x/p/multi","body":"a LIKE=%25"}

{"path":"/x/q/single","body":"a=1"}
{"path":"/x/p/destroy","body":"a=1"}
{"path":"/x/p/update","query":"a=1","body":"b=1"}
127.0.0.1 - - [x] "POST /x/p/single HTTP/1.1" 200 5
nonsense
`
	read := 0
	sum, err := compare.Run(t.Context(), compare.Dial(old.URL+"/cgi/"), compare.Dial(new.URL), strings.NewReader(file), func(n int) { read += n })
	if err != nil {
		t.Fatal(err)
	}
	want := &compare.Summary{Same: 1, Explained: 1, Different: 1, Writes: 2, Incomplete: 1, Unreadable: 1,
		Reasons: map[string]int{"order of the rows of `multi`": 1}}
	want.Differences = []compare.Difference{
		{Request: compare.Request{Method: "POST", Path: "/x/p/multi", Body: "a LIKE=%25"}, Verdict: explained("order of the rows of `multi`"), Count: 1},
		{Request: compare.Request{Method: "POST", Path: "/x/q/single", Body: "a=1"}, Verdict: different("row 1, column a: old has 1 bytes, new 1 bytes"), Count: 1},
	}
	if diff := cmp.Diff(want, sum, cmpopts.IgnoreUnexported(compare.Summary{})); diff != "" {
		t.Error(diff)
	}
	if read != len(file) || sum.Clean() {
		t.Errorf("%d bytes of %d; clean is %v", read, len(file), sum.Clean())
	}
	for _, q := range append(old.requests(), new.requests()...) {
		if strings.Contains(q, "destroy") || strings.Contains(q, "update") {
			t.Errorf("a write was sent: %s", q)
		}
	}
}

func TestGatewayThatDoesNotRespond(t *testing.T) {
	old := newGateway(t, nil)
	gone := newGateway(t, nil)
	gone.Close()
	sum, err := compare.Run(t.Context(), compare.Dial(old.URL), compare.Dial(gone.URL), strings.NewReader(`{"path":"/p/single","body":"a=1"}`), func(int) {})
	if err != nil || sum.Failed != 1 || sum.Clean() || sum.Differences[0].Err == nil || !strings.HasPrefix(sum.Problem(), "the new one does not respond: ") {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestRecorder(t *testing.T) {
	old := newGateway(t, map[string]string{"/cgi/p/single": "a=1\n", "/cgi/p/update": "1\n", "/cgi/q%/single": "x=1\n"})
	new := newGateway(t, map[string]string{"/p/single": "a=2\n", "/q%/single": "x=1\n"})
	reported := make(chan compare.Difference, 10)
	r, err := compare.NewRecorder(old.URL+"/cgi", compare.Dial(new.URL), realtime.Refuse, func(d compare.Difference) { reported <- d })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { r.Run(t.Context()); close(done) }()
	front := httptest.NewServer(r)
	defer front.Close()

	send := func(path, body string) string {
		response, err := http.Post(front.URL+path, "application/x-www-form-urlencoded", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := send("/any/prefix/p/update?a=1", "b=2"); got != "1\n" {
		t.Errorf("a write got %q", got)
	}
	if got := send("/q%25/single", "x=1"); got != "x=1\n" {
		t.Errorf("a table with an odd name got %q", got)
	}
	if got := send("/p/single", "a=1"); got != "a=1\n" {
		t.Errorf("the client does not get the old response but %q", got)
	}
	select {
	case d := <-reported:
		if d.Request.Path != "/p/single" || d.Verdict.Explained() {
			t.Errorf("reported %+v", d)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the difference was not reported")
	}
	r.Close()
	<-done
	sum := r.Summary()
	if sum.Same != 1 || sum.Different != 1 || sum.Writes != 1 || sum.Dropped != 0 || sum.Problem() != "" {
		t.Errorf("got %+v", sum)
	}
	wantOld := []string{"POST /cgi/p/update?a=1 b=2", "POST /cgi/q%25/single x=1", "POST /cgi/p/single a=1"}
	if diff := cmp.Diff(wantOld, old.requests()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"POST /q%25/single x=1", "POST /p/single a=1"}, new.requests()); diff != "" {
		t.Error(diff)
	}
}

func TestRecorderWithoutTheOldGateway(t *testing.T) {
	gone := newGateway(t, nil)
	gone.Close()
	r, err := compare.NewRecorder(gone.URL, compare.Dial(gone.URL), realtime.Refuse, func(compare.Difference) {})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/p/destroy": "-1\n", "/p/single": "",
		"/p/static": "cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2Finternal\n",
	} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader("a=1")))
		if w.Body.String() != want {
			t.Errorf("%s got %q", path, w.Body)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := newGateway(t, nil)
	if _, err := compare.Run(ctx, compare.Dial(g.URL), compare.Dial(g.URL), strings.NewReader(`{"path":"/p/single","body":"a=1"}`),
		func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range compare.Reasons {
		if !strings.Contains(string(page), "\n| "+reason+" |") {
			t.Errorf("docs/differences.md has no row %q", reason)
		}
	}
}

// MariaDB makes a number of any text that it compares with one.
func TestRowsFoundByANumberThatWasNotSent(t *testing.T) {
	for _, c := range []struct {
		body, old, new string
		explained      bool
	}{
		{"msgs_old=4xyz", "id=a&msgs_old=4\n", "", true},
		{"c_bool=yes", "id=a&c_bool=0\nid=b&c_bool=0\n", "", true},
		{"n=-1.5e", "n=-1.5\n", "", true},
		{"msgs_old=4xyz", "id=a&msgs_old=4\n", "id=b\n", false},
		{"msgs_old=4xyz", "id=a&msgs_old=5\n", "", false},
		{"msgs_old=4", "id=a&msgs_old=4\n", "", false},
		{"name=yes", "id=a&name=yes\n", "", false},
		{"name=yes", "id=a\n", "", false},
	} {
		r := compare.Request{Method: "POST", Path: "/mwi/multi", Body: c.body}
		if v := compare.Compare(r, text(c.old), text(c.new)); v.Explained() != c.explained {
			t.Errorf("%s: %q and %q: %+v, want an explanation: %v", c.body, c.old, c.new, v, c.explained)
		}
	}
}

// TestEachKindOfDifferenceIsReportedOnce sends the requests of a busy PBX.
func TestEachKindOfDifferenceIsReportedOnce(t *testing.T) {
	old := newGateway(t, map[string]string{"/p/single": "a=1&b=1\n", "/q/single": "a=1\n", "/q/multi": "a=2\na=1\n"})
	new := newGateway(t, map[string]string{"/p/single": "a=1&b=hush\n", "/q/single": "a=2\n", "/q/multi": "a=1\na=2\n"})
	var file strings.Builder
	for n := range 100 {
		for _, target := range []string{"p/single", "q/single", "q/multi"} {
			fmt.Fprintf(&file, `{"path":"/%s","body":"a=%d"}`+"\n", target, n)
		}
	}
	file.WriteString(`{"path":"/q/single","body":"a=1&b=1"}`)
	sum, err := compare.Run(t.Context(), compare.Dial(old.URL), compare.Dial(new.URL), strings.NewReader(file.String()), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var text, object strings.Builder
	sum.WriteText(&text)
	const want = `DIFFERENT  POST /p/single a
    row 1, column b: old has 1 bytes, new 4 bytes
    100 requests of this kind
DIFFERENT  POST /q/single a
    row 1, column a: old has 1 bytes, new 1 bytes
    100 requests of this kind
explained  POST /q/multi a
    order of the rows of ` + "`multi`" + `
    100 requests of this kind
DIFFERENT  POST /q/single a b
    row 1, column a: old has 1 bytes, new 1 bytes

0 the same, 100 explained, 201 different, 0 failed
      100  order of the rows of ` + "`multi`" + `
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	if err := sum.WriteJSON(&object); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Explained, Different int
		Differences          []struct {
			Status, Request string
			About           []string
			Count           int
		}
	}
	if err := json.Unmarshal([]byte(object.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Explained != 100 || got.Different != 201 || len(got.Differences) != 4 || got.Differences[2].Request != "POST /q/multi a" || got.Differences[2].Count != 100 {
		t.Errorf("got %s", &object)
	}
}

func TestSidesThatAreNoGateways(t *testing.T) {
	page := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	gateway := func(w http.ResponseWriter, r *http.Request) {
		switch table, operation, _ := strings.Cut(r.URL.Path[1:], "/"); operation {
		case "require":
			fmt.Fprint(w, "0\n")
		case "static":
			fmt.Fprint(w, "Invalid query: SELECT")
		default:
			fmt.Fprintf(w, "id=%s\n", table)
		}
	}
	const file = `{"path":"/p/single","body":"a=1"}
{"path":"/p/multi","body":"a=1"}
{"path":"/q/single","body":"a=1"}
{"path":"/q/require","body":"a=char:1"}
{"method":"GET","path":"/q/static","query":"file=x.conf"}
`
	for _, test := range []struct {
		name     string
		side     http.HandlerFunc
		requests string
		want     string
	}{
		{"a gateway", gateway, file, ""},
		{"a gateway without rows", page(200, "text/plain", "\n"), file[:strings.Index(file, `{"path":"/q/require"`)], ""},
		{"a gateway and a static file", gateway, file[strings.Index(file, `{"method":"GET"`):], ""},
		{"not found", page(404, "text/html; charset=iso-8859-1", "<html><title>404 Not Found</title>"), file,
			`is no realtime gateway: none of its 5 responses has rows or a number; the first other one is 404 Not Found, text/html, 34 bytes, a page with the title "404 Not Found"`},
		{"a welcome page", page(200, "text/html", "<html><title>It works</title>hush"), file,
			`is no realtime gateway: none of its 5 responses has rows or a number; the first other one is 200 OK, text/html, 33 bytes, a page with the title "It works"`},
		{"a script that dies", page(500, "text/plain", "hush"), file,
			"is no realtime gateway: none of its 5 responses has rows or a number; the first other one is 500 Internal Server Error, text/plain, 4 bytes"},
		{"a redirect", page(302, "", ""), file,
			"is no realtime gateway: none of its 5 responses has rows or a number; the first other one is 302 Found, 0 bytes"},
		{"nothing, also to require", page(200, "text/plain", ""), file,
			"is no realtime gateway: none of its 5 responses has rows or a number; the first other one is 200 OK, text/plain, 0 bytes"},
		{"a number for everything", page(200, "text/plain", "0\n"), file[:strings.Index(file, `{"path":"/q/require"`)],
			"is no realtime gateway: none of its 3 responses has rows or a number; the first other one is 200 OK, text/plain, 2 bytes"},
		{"the same row for everything", page(200, "text/plain", "status=hush\n"), file,
			"is no realtime gateway: it sends the same 12 bytes to all 4 requests for rows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, real := httptest.NewServer(test.side), httptest.NewServer(http.HandlerFunc(gateway))
			defer server.Close()
			defer real.Close()
			for name, gateways := range map[string][2]string{"the old one": {server.URL, real.URL}, "the new one": {real.URL, server.URL}} {
				sum, err := compare.Run(t.Context(), compare.Dial(gateways[0]), compare.Dial(gateways[1]), strings.NewReader(test.requests), func(int) {})
				if err != nil {
					t.Fatal(err)
				}
				want := ""
				if test.want != "" {
					want = name + " " + test.want
				}
				if diff := cmp.Diff(want, sum.Problem()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}
