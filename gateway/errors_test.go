package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func copyAll(dst io.Writer, src io.Reader) (int64, error) { return io.Copy(dst, src) }

// TestBadRequest shows what a request that fails gets: its
// code, and that no statement ran.
func TestBadRequest(t *testing.T) {
	many := strings.Repeat("id=x&", 513)
	for _, test := range []struct {
		name    string
		request *http.Request
		code    gateway.Code
	}{
		{"no path", post("/", "id=x"), gateway.UnknownOperation},
		{"no operation", post("/peers", "id=x"), gateway.UnknownOperation},
		{"an operation that only ends like one", post("/peers/xmulti", "id=x"), gateway.UnknownOperation},
		{"an operation with a newline", post("/peers/multi%0A", "id=x"), gateway.UnknownOperation},
		{"no table", post("/multi", "id=x"), gateway.NoTable},
		{"no table for a write", post("/update?id=x", "id=y"), gateway.NoTable},
		{"a table that is not there", post("/nosuch/single", "id=x"), gateway.UnknownTable},
		{"SQL for a table", post("/peers%20WHERE%201=1%20--%20/destroy", "id=x"), gateway.UnknownTable},
		{"a schema before the table", post("/main.peers/single", "id=x"), gateway.UnknownTable},
		{"quotes round the table", post("/%22peers%22/single", "id=x"), gateway.UnknownTable},
		{"a NUL before the table", post("/%00peers/single", "id=x"), gateway.NoTable},
		{"a NUL in the table", post("/peers%00/single", "id=x"), gateway.NoTable},
		{"store by GET", get("/peers/store?id=x"), gateway.MethodNotAllowed},
		{"update by GET, as Asterisk does with a parenthesis", get("/peers/update?id=s(1,a=1"), gateway.MethodNotAllowed},
		{"destroy by GET", get("/peers/destroy?id=x"), gateway.MethodNotAllowed},
		{"require by GET", get("/peers/require?id=char%3A1"), gateway.MethodNotAllowed},
		{"DELETE", httptest.NewRequest(http.MethodDelete, "/peers/single?id=x", nil), gateway.MethodNotAllowed},
		{"PUT", httptest.NewRequest(http.MethodPut, "/peers/update?id=x", strings.NewReader("id=y")), gateway.MethodNotAllowed},
		{"a JSON body", withType(post("/peers/store", `{"id":"x"}`), "application/json; charset=utf-8"), gateway.UnsupportedMediaType},
		{"a multipart body", withType(post("/peers/single", "x"), "multipart/form-data; boundary=x"), gateway.UnsupportedMediaType},
		{"an empty single", post("/peers/single", ""), gateway.NoCondition},
		{"an empty multi", post("/peers/multi", ""), gateway.NoCondition},
		{"an empty destroy", post("/peers/destroy", ""), gateway.NoCondition},
		{"a destroy of nothing but &", post("/peers/destroy", "&&"), gateway.NoCondition},
		{"an update without a lookup", post("/peers/update", "id=x"), gateway.NoCondition},
		{"an update without a value", post("/peers/update?id=x", ""), gateway.NoValue},
		{"an empty store", post("/peers/store", ""), gateway.NoValue},
		{"an empty require", post("/peers/require", ""), gateway.BadRequirement},
		{"a requirement that is none", post("/peers/require", "id=x"), gateway.BadRequirement},
		{"a requirement for a column that is not there", post("/peers/require", "x=char%3A5"), gateway.RequirementNotMet},
		{"a name of spaces", post("/peers/destroy", "%20=1"), gateway.NoName},
		{"a value without a name", post("/peers/single", "=x&id=1"), gateway.NoName},
		{"a NUL in a value", post("/peers/single", "id=a%00b"), gateway.NulByte},
		{"a NUL in a name", post("/peers/single", "i%00d=a"), gateway.NulByte},
		{"a NUL before a value", post("/peers/single", "id=%00a"), gateway.NulByte},
		{"a NUL before a name", post("/peers/single", "%00id=a"), gateway.NulByte},
		{"a column that is not there", post("/peers/multi", "id=x&nosuch=1"), gateway.UnknownColumn},
		{"SQL for a name", post("/peers/destroy", "TRUE%20OR%20id%20LIKE=x"), gateway.UnknownColumn},
		{"an operator that is none", post("/peers/multi", "id%20RLIKE=x"), gateway.UnknownOperator},
		{"two values for a column", post("/peers/store", "id=x&id=y"), gateway.RepeatedColumn},
		{"too many fields", post("/peers/single", many), gateway.TooManyFields},
		{"too large a body", post("/peers/store", "id="+strings.Repeat("A", 5<<20)), gateway.BodyTooLarge},
		{"too large a body of unknown length", ofUnknownLength(post("/peers/store", "id="+strings.Repeat("A", 5<<20))), gateway.BodyTooLarge},
		{"a body that breaks off", broken("/peers/store", "id=x"), gateway.BodyUnreadable},
		{"a body shorter than its length says", shorter(post("/peers/destroy", "id=x")), gateway.BodyUnreadable},
		{"static without a file", get("/ast_config/static"), gateway.NoFile},
		{"static with an empty file", get("/ast_config/static?file="), gateway.NoFile},
		{"static with FILE for file", get("/ast_config/static?FILE=x"), gateway.NoFile},
		{"static from a table of another kind", get("/peers/static?file=x"), gateway.UnknownColumn},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			got := send(t, db, gateway.Options{}, test.request)
			if got.code != string(test.code) {
				t.Errorf("got %q, want %q", got.code, test.code)
			}
			if len(db.statements) != 0 {
				t.Errorf("a statement ran: %v", db.statements)
			}
			checkSafe(t, test.request, got)
		})
	}
}

// TestLimitsAreIncluded shows that what is as large as a limit is accepted, and that what is
// one larger is not.
func TestLimitsAreIncluded(t *testing.T) {
	body := "id=" + strings.Repeat("x", 8<<10-len("id="))
	for _, test := range []struct {
		name    string
		options gateway.Options
		within  *http.Request
		beyond  *http.Request
		code    gateway.Code
	}{
		{"a body", gateway.Options{MaxBodyBytes: 5}, post("/peers/store", "id=ab"), post("/peers/store", "id=abc"), gateway.BodyTooLarge},
		{"a body of unknown length", gateway.Options{MaxBodyBytes: 5}, ofUnknownLength(post("/peers/store", "id=ab")),
			ofUnknownLength(post("/peers/store", "id=abc")), gateway.BodyTooLarge},
		{"a body without a share of the memory", gateway.Options{BodyMemory: gateway.NewByteBudget(1)}, post("/peers/store", body), post("/peers/store", body+"x"), gateway.Busy},
		{"fields", gateway.Options{MaxFields: 2}, post("/peers/store", "id=a&port=1"), post("/peers/store", "id=a&port=1&contact=x"), gateway.TooManyFields},
		{"columns", gateway.Options{MaxColumns: 4}, post("/peers/store", "id=a"), post("/voicemail/store", "context=a"), gateway.TooManyColumns},
	} {
		if got := send(t, newScript(), test.options, test.within); got.body != "1\n" {
			t.Errorf("%s: %+v", test.name, got)
		}
		if got := send(t, newScript(), test.options, test.beyond); got.code != string(test.code) {
			t.Errorf("%s, one more: %+v", test.name, got)
		}
	}
}

func ofUnknownLength(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

func shorter(r *http.Request) *http.Request {
	r.ContentLength++
	return r
}

func broken(target, body string) *http.Request {
	r := post(target, body)
	r.Body = io.NopCloser(brokenBody{strings.NewReader(body)})
	r.ContentLength = -1
	return r
}

// checkSafe checks that the response to an error is one that Asterisk cannot
// mistake (P1 to P5), and that the log has one line that says what to do.
func checkSafe(t *testing.T, r *http.Request, got result) {
	t.Helper()
	path := strings.ToLower(strings.TrimRight(r.URL.Path, "/"))
	want, status := "", 0 // any
	if got.code == string(gateway.UnknownOperation) && r.Method == http.MethodPost {
		want, status = "-1\n", http.StatusNotFound // it may be a write
	}
	switch path[strings.LastIndexByte(path, '/')+1:] {
	case "store", "update", "destroy":
		want, status = "-1\n", http.StatusOK
	case "require":
		want, status = "-1\n", http.StatusOK
		if i := slices.IndexFunc(gateway.Catalogue, func(e gateway.Entry) bool { return string(e.Code) == got.code }); gateway.Catalogue[i].Status >= 500 {
			want = "0\n" // it says nothing of the table
		}
	case "static":
		want, status = "cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2F"+strings.ReplaceAll(got.code, "-", "%2D")+"\n", http.StatusOK
	}
	if got.body != want {
		t.Errorf("the body is %q, want %q", got.body, want)
	}
	if status == 0 && got.status < 400 || status != 0 && got.status != status {
		t.Errorf("the status is %d", got.status)
	}
	if !strings.Contains(got.log, "code="+got.code+" ") || !strings.Contains(got.log, "hint=") {
		t.Errorf("the log does not say what is wrong and what to do: %s", got.log)
	}
}

// TestFaultOfTheDatabase shows what becomes of each cause of failure, in text
// and in JSON, for a read and for a write.
func TestFaultOfTheDatabase(t *testing.T) {
	secret := errors.New("password hunter2 in SELECT secret FROM peers")
	for cause, want := range map[sqlgen.Cause]struct {
		code   gateway.Code
		status int
	}{
		sqlgen.Unexpected:  {gateway.Internal, 500},
		sqlgen.Duplicate:   {gateway.Duplicate, 409},
		sqlgen.Constraint:  {gateway.Constraint, 409},
		sqlgen.BadValue:    {gateway.BadValue, 400},
		sqlgen.Denied:      {gateway.Denied, 500},
		sqlgen.ReadOnly:    {gateway.ReadOnly, 503},
		sqlgen.Full:        {gateway.Full, 503},
		sqlgen.Busy:        {gateway.Busy, 503},
		sqlgen.Timeout:     {gateway.Timeout, 503},
		sqlgen.Unavailable: {gateway.Unavailable, 503},
		sqlgen.Canceled:    {gateway.ClientGone, 499},
	} {
		t.Run(string(want.code), func(t *testing.T) {
			db := newScript()
			db.err = &sqlgen.Fault{Cause: cause, Err: secret}
			write := send(t, db, gateway.Options{}, post("/peers/store", "id=x"))
			if write.status != 200 || write.body != "-1\n" || write.code != string(want.code) {
				t.Errorf("a write gets %+v", write)
			}
			read := send(t, db, gateway.Options{}, post("/peers/multi", "id=x"))
			if read.status != want.status || read.body != "" || read.code != string(want.code) {
				t.Errorf("a read gets %+v", read)
			}
			static := send(t, db, gateway.Options{}, get("/ast_config/static?file=x"))
			if static.status != 200 || !strings.Contains(static.body, "%23include") {
				t.Errorf("static gets %+v", static)
			}
			object := send(t, db, gateway.Options{}, asJSON(post("/peers/store", "id=x")))
			var parsed struct{ Error struct{ Code gateway.Code } }
			if err := json.Unmarshal([]byte(object.body), &parsed); err != nil || parsed.Error.Code != want.code || object.status != want.status {
				t.Errorf("JSON gets %+v", object)
			}
			for _, text := range []string{write.body, write.log, read.log, static.log, static.body, object.body, object.log} {
				if strings.Contains(text, "hunter2") || strings.Contains(text, "SELECT") {
					t.Errorf("a secret leaks: %s", text)
				}
			}
		})
	}
}

func TestRowThatIsNotThereIsAnErrorInJSONOnly(t *testing.T) {
	got := send(t, newScript(), gateway.Options{}, get("/peers/single.json?id=x"))
	want := `{"error":{"code":"no-row","message":"no row meets the conditions","table":"peers"}}` + "\n"
	if got.status != 404 || got.body != want || got.log != "" {
		t.Errorf("got %+v", got)
	}
}

func TestUnusableDatabaseIsSafeForEveryOperation(t *testing.T) {
	db := gateway.Unusable(errors.New("dsn: mistake"))
	for _, r := range []*http.Request{
		post("/x/single", "a=b"), post("/x/multi", "a=b"), post("/x/store", "a=b"), post("/x/update?a=b", "a=b"),
		post("/x/destroy", "a=b"), post("/x/require", "a=char%3A1"), get("/x/static?file=x"),
	} {
		got := send(t, db, gateway.Options{}, r)
		if got.code != "unavailable" {
			t.Errorf("%s: got %+v", r.URL, got)
		}
		checkSafe(t, r, got)
	}
}

func TestPanicIsAnErrorLikeAnyOther(t *testing.T) {
	db := newScript()
	db.before = func() { panic("our own fault") }
	r := post("/peers/store", "id=x")
	got := send(t, db, gateway.Options{}, r)
	if got.code != "internal" {
		t.Errorf("got %+v", got)
	}
	checkSafe(t, r, got)
}

func TestCauseIsLoggedAtDebugOnly(t *testing.T) {
	db := newScript()
	db.err = &sqlgen.Fault{Cause: sqlgen.Unavailable, Err: errors.New("dial: refused")}
	var log bytes.Buffer
	send(t, db, gateway.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, post("/peers/store", "id=x"))
	if !strings.Contains(log.String(), `cause="dial: refused"`) {
		t.Errorf("the log says %s", log.String())
	}
}

func TestLongNamesAreShortenedInTheLog(t *testing.T) {
	if got := send(t, newScript(), gateway.Options{}, post("/peers/single", strings.Repeat("n", 64)+"=x")); !strings.Contains(got.log, "column="+strings.Repeat("n", 64)+" ") {
		t.Errorf("the log says %s", got.log)
	}
	got := send(t, newScript(), gateway.Options{}, post("/peers/single", strings.Repeat("n", 300)+"=x"))
	if strings.Contains(got.log, strings.Repeat("n", 65)) || !strings.Contains(got.log, "(300 bytes)") {
		t.Errorf("the log says %s", got.log)
	}
}

// TestCatalogueIsDocumented compares docs/errors.md with the catalogue, line by line.
func TestCatalogueIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 6 && strings.HasPrefix(cells[1], " `") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	for i, e := range gateway.Catalogue {
		want := "| `" + string(e.Code) + "` | " + strconv.Itoa(e.Status) + " | " + e.Meaning + " | " + e.Hint + " |"
		if i >= len(documented) || documented[i] != want {
			t.Errorf("docs/errors.md lacks, as row %d:\n%s", i+1, want)
		}
	}
	if len(documented) > len(gateway.Catalogue) {
		t.Errorf("docs/errors.md has %d rows too many", len(documented)-len(gateway.Catalogue))
	}
}

func TestRefusedMethodNamesTheAllowedOnes(t *testing.T) {
	w := httptest.NewRecorder()
	gateway.New(newScript(), gateway.Options{}).ServeHTTP(w, get("/peers/store.json?id=x"))
	if got := w.Header().Get("Allow"); got != "POST" || w.Code != 405 {
		t.Errorf("got %d, Allow: %q", w.Code, got)
	}
	w = httptest.NewRecorder()
	gateway.New(newScript(), gateway.Options{}).ServeHTTP(w, httptest.NewRequest(http.MethodPatch, "/peers/single?id=x", nil))
	if got := w.Header().Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow: %q", got)
	}
}

func TestNameOfALeftOutColumnIsShortenedInTheLog(t *testing.T) {
	got := send(t, newScript(), gateway.Options{}, post("/peers/update?id=x", "port=1&"+strings.Repeat("n", 300)+"=x"))
	if got.body != "1\n" || strings.Contains(got.log, strings.Repeat("n", 65)) {
		t.Errorf("got %+v", got)
	}
}

// TestTooLargeBodyIsRefusedBeforeItIsSent shows that a client which sends
// Expect before its body gets an error, and never 100.
func TestTooLargeBodyIsRefusedBeforeItIsSent(t *testing.T) {
	server := httptest.NewServer(gateway.New(newScript(), gateway.Options{}))
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /peers/store HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(string(answer), "\r\n-1\n") {
		t.Errorf("got %q, %v", answer, err)
	}
}
