package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		request *http.Request
		rows    [][]any
		count   int64
		options gateway.Options
		body    string
		sql     string // empty: not looked at
		args    []any
	}{
		{name: "single: columns in table order, NULL and empty ones left out", request: post("/peers/single", "id=alice"),
			rows: [][]any{{"alice", "2", nil, ""}}, body: "id=alice&call%2Dlimit=2\n",
			sql: `SELECT "id", "call-limit", "contact", "port" FROM "peers" WHERE "id" = ? LIMIT 1`, args: []any{"alice"}},
		{name: "single: no row is an empty line", request: post("/peers/single", "id=alice"), body: "\n"},
		{name: "single: a row with nothing in it is one too", request: post("/peers/single", "id=alice"), rows: [][]any{{"", nil, nil, nil}}, body: "\n"},
		{name: "a space is %20 and is kept", request: post("/peers/single", "id=a"), rows: [][]any{{" ", " x ", nil, nil}}, body: "id=%20&call%2Dlimit=%20x%20\n"},
		{name: "everything but letters, digits, _ and . is encoded, byte by byte", request: post("/peers/single", "id=a"),
			rows: [][]any{{"aZ0_.", "-~*+&=%\r\n\t'\"/é\xff", nil, nil}},
			body: "id=aZ0_.&call%2Dlimit=%2D%7E%2A%2B%26%3D%25%0D%0A%09%27%22%2F%C3%A9%FF\n"},
		{name: "multi: one row a line, ordered by the first field", request: post("/peers/multi", "id%20LIKE=%25&contact=x"),
			rows: [][]any{{"a", nil, nil, "1"}, {nil, nil, nil, nil}, {"b", nil, nil, "2"}}, body: "id=a&port=1\n\nid=b&port=2\n",
			sql:  `SELECT "id", "call-limit", "contact", "port" FROM "peers" WHERE "id" LIKE ? ESCAPE '\' AND "contact" = ? ORDER BY "id"`,
			args: []any{"%", "x"}},
		{name: "multi: no rows are nothing", request: post("/peers/multi", "id=alice"), body: ""},
		{name: "a list is split at ; and its items trimmed and decoded", request: post("/peers/single", "id=a"),
			rows: [][]any{{"alice^3B@c1", "a; b ;c", ";x;;y;", ";"}}, body: "id=alice%3B%40c1&call%2Dlimit=a&call%2Dlimit=b&call%2Dlimit=c&contact=x&contact=y\n"},
		{name: "a ^ that codes nothing stays", request: post("/peers/single", "id=a"), rows: [][]any{{"^", "a^b^3b^5E^", nil, nil}}, body: "id=%5E&call%2Dlimit=a%5Eb%5E3b%5E%5E\n"},
		{name: "raw: lists as the Perl script split them", request: post("/peers/single", "id=a"), options: forTables(gateway.TableOptions{RawSemicolons: true}),
			rows: [][]any{{"alice^3B@c1", "a; b ;c", ";x;;y;", ";"}}, body: "id=alice%5E3B%40c1&call%2Dlimit=a&call%2Dlimit=%20b%20&call%2Dlimit=c&contact=&contact=x&contact=&contact=y\n"},
		{name: "; and ^ of a lookup are coded, in patterns too", request: post("/peers/multi", "id%20LIKE=al^ice%3B@%25"), args: []any{"al^5Eice^3B@%"}},
		{name: "raw: nothing is coded", request: post("/peers/multi", "id=al^ice%3B@"), options: forTables(gateway.TableOptions{RawSemicolons: true}), args: []any{"al^ice;@"}},
		{name: "store: values hold anything", request: post("/peers/store", "id=a%3Bb&contact=sip%3Aa%40b%3Btransport%3Dws'%22%0A%5C%2B+x&port="),
			count: 1, body: "1\n", sql: `INSERT INTO "peers" ("id", "contact", "port") VALUES (?, ?, ?)`, args: []any{"a^3Bb", "sip:a@b^3Btransport=ws'\"\n\\+ x", nil}},
		{name: "update: conditions from the query string, values from the body, one column in both", request: post("/peers/update?id=old%3B1", "id=new&port=5"),
			count: 3, body: "3\n", sql: `UPDATE "peers" SET "id" = ?, "port" = ? WHERE "id" = ?`, args: []any{"new", "5", "old^3B1"}},
		{name: "update: no row is 0", request: post("/peers/update?id=x", "port=5"), body: "0\n"},
		{name: "update: an empty value for a number is NULL", request: post("/peers/update?id=x", "port=&contact="), count: 1, body: "1\n", args: []any{nil, "", "x"}},
		{name: "destroy: Asterisk's closing & means nothing", request: post("/peers/destroy", "id=x&"), count: 2, body: "2\n",
			sql: `DELETE FROM "peers" WHERE "id" = ?`, args: []any{"x"}},
		{name: "the query string of a POST does not count", request: post("/peers/single?id=other", "id=x"), body: "\n", args: []any{"x"}},
		{name: "a read by GET has its fields in the query string", request: get("/peers/single?id=x+y%2Bz"), body: "\n", args: []any{"x y+z"}},
		{name: "any prefix, any case, double slashes, a slash at the end", request: post("/cgi-bin/dbsep.cgi//peers//SINGLE/", "id=x"), body: "\n"},
		{name: "static: four keys always, NULL as empty, nothing split or decoded", request: get("/ast_config/static?x=1&file=a%20b.conf&file=other"),
			rows: [][]any{{"1", "general", "allow", "a;b^3B"}, {"0", "x", "empty", nil}},
			body: "cat_metric=1&category=general&var_name=allow&var_val=a%3Bb%5E3B\ncat_metric=0&category=x&var_name=empty&var_val=\n",
			sql: `SELECT "cat_metric", "category", "var_name", "var_val" FROM "ast_config" WHERE "filename" = ? AND "commented" = 0 ` +
				`ORDER BY "cat_metric" DESC, "var_metric", "category", "var_name", "id"`, args: []any{"a b.conf"}},
		{name: "static: an unknown file is nothing", request: get("/ast_config/static?file=x"), body: ""},
		{name: "require: met is 0", request: post("/peers/require", "id=char%3A40&port=uinteger2%3A5"), body: "0\n"},
		{name: "JSON single: every column, one line", request: asJSON(post("/peers/single", "id=a")), rows: [][]any{{"alice^3B@c1", "a;b", nil, ""}},
			body: `{"id":"alice;@c1","call-limit":"a;b","contact":null,"port":""}` + "\n"},
		{name: "JSON by the end of the URL", request: get("/peers/multi.JSON?id=a"), rows: [][]any{{"a", nil, nil, nil}, {"\"\\\n\r\t\x01é", nil, nil, "1"}},
			body: `[{"id":"a","call-limit":null,"contact":null,"port":null},{"id":"\"\\\n\r\t\u0001é","call-limit":null,"contact":null,"port":"1"}]` + "\n"},
		{name: "JSON of bytes that are no text", request: asJSON(post("/peers/multi", "id=a")), rows: [][]any{{"é", "\xe9", "RIFF\xff\xfe\x00", nil}, {"\xc3", "", "^C3", "^C3^A9"}},
			body: `[{"id":"é","call-limit":{"base64":"6Q=="},"contact":{"base64":"UklGRv/+AA=="},"port":null},` +
				`{"id":{"base64":"ww=="},"call-limit":"","contact":{"base64":"ww=="},"port":"é"}]` + "\n"},
		{name: "JSON: a value that begins with a coded byte", request: asJSON(post("/peers/single", "id=a")), rows: [][]any{{"^3Bx", nil, nil, nil}},
			body: `{"id":";x","call-limit":null,"contact":null,"port":null}` + "\n"},
		{name: "JSON raw: nothing is decoded", request: asJSON(post("/peers/single", "id=a")), options: forTables(gateway.TableOptions{RawSemicolons: true}),
			rows: [][]any{{"a^3Bb", nil, nil, nil}}, body: `{"id":"a^3Bb","call-limit":null,"contact":null,"port":null}` + "\n"},
		{name: "JSON multi: no rows are an empty list", request: asJSON(post("/peers/multi", "id=a")), body: "[]\n"},
		{name: "JSON static", request: asJSON(get("/ast_config/static?file=x")), rows: [][]any{{"0", "c", "n", nil}},
			body: `[{"cat_metric":"0","category":"c","var_name":"n","var_val":null}]` + "\n"},
		{name: "JSON counts", request: asJSON(post("/peers/destroy", "id=a")), count: 7, body: `{"affected":7}` + "\n"},
		{name: "JSON require", request: post("/peers/require.json", "id=char%3A1"), body: `{"met":true}` + "\n"},
		{name: "JSON is asked for by media type, not by */*", request: withAccept(post("/peers/destroy", "id=a"), "text/html, Application/JSON;q=0.9"), body: `{"affected":0}` + "\n"},
		{name: "JSON is less wanted than text", request: withAccept(post("/peers/destroy", "id=a"), "text/plain, application/json;q=0.1"), body: "0\n"},
		{name: "JSON is not wanted", request: withAccept(post("/peers/destroy", "id=a"), "application/json;q=0, */*"), body: "0\n"},
		{name: "JSON is not wanted in its general form", request: withAccept(post("/peers/destroy", "id=a"), "application/json; q=0.000 , application/*"), body: "0\n"},
		{name: "JSON is wanted as much as text", request: withAccept(post("/peers/destroy", "id=a"), "application/json, text/plain, */*"), body: `{"affected":0}` + "\n"},
		{name: "JSON is wanted more than anything", request: withAccept(post("/peers/destroy", "id=a"), "*/*;q=0.8, application/json;charset=utf-8;q=0.9"), body: `{"affected":0}` + "\n"},
		{name: "anything is wanted more than JSON", request: withAccept(post("/peers/destroy", "id=a"), "application/json;q=0.5, */*"), body: "0\n"},
		{name: "text is wanted less than anything", request: withAccept(post("/peers/destroy", "id=a"), "application/json;q=0.5, */*, text/*;q=0.2"), body: `{"affected":0}` + "\n"},
		{name: "any application", request: withAccept(post("/peers/destroy", "id=a"), "application/*"), body: `{"affected":0}` + "\n"},
		{name: "anything is text", request: withAccept(post("/peers/destroy", "id=a"), "*/*"), body: "0\n"},
		{name: "a quality that is none", request: withAccept(post("/peers/destroy", "id=a"), "application/json;q=high"), body: `{"affected":0}` + "\n"},
		{name: "the end of the URL counts whatever is wanted", request: withAccept(post("/peers/destroy.json", "id=a"), "text/plain"), body: `{"affected":0}` + "\n"},
		{name: "a negative number is a byte of Asterisk", request: post("/peers/destroy", "id=%FFFFFFC3%FFFFFFA9%FFFFFF7F%FFFFFFg0%FFFFFF"), body: "0\n", args: []any{"é\xffFFFF7F\xffFFFFg0\xffFFFF"}},
		{name: "the least of them, and half of one", request: post("/peers/destroy", "id=%FFFFFF80%FFFFFFC"), body: "0\n", args: []any{"\x80\xffFFFFC"}},
		{name: "and none of a JSON client", request: asJSON(post("/peers/destroy", "id=%FFFFFFC3")), body: `{"affected":0}` + "\n", args: []any{"\xffFFFFC3"}},
		{name: "a content type that is none of ours is read as a form", request: withType(post("/peers/destroy", "id=a"), "text/plain"), body: "0\n"},
		{name: "so is a body without one", request: withType(post("/peers/destroy", "id=a"), ""), body: "0\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			db.rows, db.affected = test.rows, test.count
			got := send(t, db, test.options, test.request)
			kind := "text/plain"
			if strings.HasPrefix(test.body, "{") || strings.HasPrefix(test.body, "[") {
				kind = "application/json"
			}
			if test.args != nil && test.body == "" && len(test.rows) == 0 {
				kind = got.kind
			}
			want := result{status: http.StatusOK, kind: kind, body: test.body}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
				t.Error(diff)
			}
			if len(db.statements) != 1 && !strings.Contains(test.request.URL.Path, "require") {
				t.Fatalf("%d statements ran, want 1", len(db.statements))
			}
			if test.sql != "" && db.statements[0].SQL != test.sql {
				t.Error(cmp.Diff(test.sql, db.statements[0].SQL))
			}
			if test.args != nil {
				if diff := cmp.Diff(test.args, db.statements[0].Args); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func withAccept(r *http.Request, accept string) *http.Request {
	r.Header.Set("Accept", accept)
	return r
}

func withType(r *http.Request, kind string) *http.Request {
	r.Header.Del("Content-Type")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func TestUpdate2IsToldApart(t *testing.T) {
	for _, test := range []struct {
		name, target, body string
		args               []any // nil: refused
	}{
		{"two conditions", "/voicemail/update?&context=defaultmailbox=1234", "&password=8642", []any{"8642", "default", "1234"}},
		{"four conditions", "/rt_test/update?&name=s5c=Cb=Ba=A", "&e=X", []any{"X", "s5", "C", "B", "A"}},
		{"one pair needs nothing", "/rt_test/update?&name=s2", "&b=X", []any{"X", "s2"}},
		{"several values", "/voicemail/update?&uniqueid=7", "&password=1fullname=Jane%20Doe", []any{"1", "Jane Doe", "7"}},
		{"an empty value between", "/voicemail/update?&context=mailbox=1", "&password=2", []any{"2", "", "1"}},
		{"an encoded = belongs to the value", "/voicemail/update?&context=a%3Dmailbox=1", "&password=2", []any{"2", "a=", "1"}},
		{"one pair decides about another", "/rt_test/update?&id=1name=2e=3", "&b=X", []any{"X", "1", "2", "3"}},
		{"a space at the end of a value belongs to it", "/voicemail/update?&context=a%20mailbox=1", "&password=2", []any{"2", "a ", "1"}},
		{"an encoded name", "/voicemail/update?&context=amai%6Cbo%78=1", "&password=2", []any{"2", "a", "1"}},
		{"half of an encoded byte at the end", "/voicemail/update?&context=a%4=1", "&password=2", nil},
		{"a name of encoded bytes only", "/voicemail/update?uniqueid=7", "&password=1%66%75%6C%6C%6E%61%6D%65=Jane", []any{"1", "Jane", "7"}},
		{"as many pairs as columns", "/voicemail/update?uniqueid=7", "&uniqueid=1context=2mailbox=3password=4fullname=5", []any{"1", "2", "3", "4", "5", "7"}},
		{"a pair of its own may be of no column", "/voicemail/update?uniqueid=7", "&password=1fullname=Jane&nosuch=2", []any{"1", "Jane", "7"}},
		{"half of an encoded byte is no name", "/rt_test/update?&id=x%2b=1", "&e=X", nil},
		{"two readings after all are refused", "/rt_test/update?&id=1name=2name=3e=4", "&b=X", nil},
		{"two readings are refused", "/rt_test/update?&x_y=1name=2", "&e=X", nil},
		{"no reading is refused", "/voicemail/update?&context=defaultnosuch=1234", "&password=8642", nil},
		{"nor is a first name that is no column", "/voicemail/update?&nosuch=1mailbox=1234", "&password=8642", nil},
		{"without the leading & a second = is the value's", "/voicemail/update?context=a=mailbox=1", "password=2", []any{"2", "a=mailbox=1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			got := send(t, db, gateway.Options{}, post(test.target, test.body))
			if test.args == nil {
				if got.body != "-1\n" || got.status != 200 || got.code != "glued-fields" || len(db.statements) != 0 {
					t.Errorf("got %+v and %d statements, want a refusal", got, len(db.statements))
				}
				return
			}
			if got.body != "1\n" {
				t.Fatalf("got %+v", got)
			}
			if diff := cmp.Diff(test.args, db.statements[0].Args); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSeparatedFieldsAreReported(t *testing.T) {
	for target, want := range map[string][]gateway.Adjustment{
		"/voicemail/update?&context=defaultmailbox=1234": {gateway.SeparatedFields},
		"/voicemail/update?&context=default":             nil,
		"/voicemail/update?context=default&mailbox=1234": nil,
	} {
		var event gateway.Event
		send(t, newScript(), gateway.Options{Observe: func(e gateway.Event) { event = e }}, post(target, "password=1"))
		if diff := cmp.Diff(want, event.Adjustments); diff != "" {
			t.Errorf("%s:\n%s", target, diff)
		}
	}
}

func TestHalfCharacterOfACutValueIsTrimmed(t *testing.T) {
	for _, test := range []struct {
		name, character, half string
		escape                int // bytes
	}{
		{"the first of two bytes", "é", "%C3", 3},
		{"the first of two as a negative number", "é", "%FFFFFFC3", 9},
		{"the first of three", "世", "%E4", 3},
		{"two of three", "世", "%E4%B8", 3},
		{"three of four", "😀", "%F0%9F%98", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			for encoded := 185; encoded <= 260; encoded++ {
				begin := "x" + test.character + strings.Repeat("x", encoded-len("x")-len("%XX")*len(test.character)-len(test.half))
				want := begin
				if (encoded <= 199-test.escape || encoded > 199) && (encoded <= 255-test.escape || encoded > 255) { // as the client meant it
					want += unescape(t, strings.ReplaceAll(test.half, "%FFFFFF", "%"))
				}
				if got := stored(t, url.PathEscape(begin)+test.half); got != want {
					t.Errorf("%d encoded bytes became %q, not %q", encoded, got, want)
				}
			}
		})
	}
	for name, end := range map[string]string{
		"a whole character":               "%F0%9F%98%80",
		"a letter":                        "x",
		"a byte that never begins one":    "%A9",
		"a byte that is in no character":  "%FF",
		"bytes that never begin one":      "%A9%A9%A9%A9",
		"too many bytes after a half one": "%C3x%A9",
	} {
		begin := strings.Repeat("x", 255-len(end))
		if got, want := stored(t, begin+end), begin+unescape(t, end); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
}

// stored returns the value that is stored for an encoded one.
func stored(t *testing.T, encoded string) string {
	t.Helper()
	db := newScript()
	got := send(t, db, forTables(gateway.TableOptions{RawSemicolons: true}), post("/peers/store", "id="+encoded))
	if got.body != "1\n" {
		t.Fatalf("%q: %+v", encoded, got)
	}
	return db.statements[0].Args[0].(string)
}

func unescape(t *testing.T, encoded string) string {
	t.Helper()
	text, err := url.PathUnescape(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEveryByteIsDecoded(t *testing.T) {
	for c := 1; c < 256; c++ {
		for _, format := range []string{"%%%02x", "%%%02X", "x%%%02xx", "x%%%02Xx"} {
			encoded := fmt.Sprintf(format, c)
			if got, want := stored(t, encoded), unescape(t, encoded); got != want {
				t.Errorf("%q became %q, not %q", encoded, got, want)
			}
		}
		db := newScript()
		db.rows = [][]any{{fmt.Sprintf("x^%02X", c), nil, nil, nil}}
		if got, want := send(t, db, gateway.Options{}, post("/peers/single", "id=x")).body, "id=x"+escaped(byte(c))+"\n"; got != want {
			t.Errorf("^%02X became %q, not %q", c, got, want)
		}
	}
	for encoded, want := range map[string]string{"+": " ", "+x": " x", "x+": "x ", "%2B+": "+ "} {
		if got := stored(t, encoded); got != want {
			t.Errorf("%q became %q, not %q", encoded, got, want)
		}
	}
}

// escaped is a byte in a row.
func escaped(c byte) string {
	if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.", c) >= 0 {
		return string(c)
	}
	return fmt.Sprintf("%%%02X", c)
}

func TestWhatIsNoEncodedByteStays(t *testing.T) {
	for _, text := range []string{"%", "%%", "%4", "x%4", "%/0", "%0/", "%:0", "%0:", "%@0", "%0@", "%G0", "%0G", "%`0", "%0`", "%g0", "%0g"} {
		if got := stored(t, text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestUnknownColumnOfAWrite(t *testing.T) {
	update := func() *http.Request { return post("/peers/update?id=x", "port=1&regserver=y") }
	store := func() *http.Request { return post("/peers/store", "id=x&regserver=y") }
	for _, test := range []struct {
		name    string
		policy  gateway.Policy
		request *http.Request
		body    string
		warned  bool
	}{
		{"update leaves it out, with a warning", gateway.ByOperation, update(), "1\n", true},
		{"store refuses it", gateway.ByOperation, store(), "-1\n", false},
		{"skip: store leaves it out", gateway.Skip, store(), "1\n", true},
		{"fail: update refuses it", gateway.Fail, update(), "-1\n", false},
		{"an update of unknown columns only is refused", gateway.ByOperation, post("/peers/update?id=x", "regserver=y"), "-1\n", false},
		{"in a lookup it is never left out", gateway.Skip, post("/peers/update?regserver=x", "id=y"), "-1\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, newScript(), forTables(gateway.TableOptions{UnknownColumns: test.policy}), test.request)
			if got.body != test.body || got.status != 200 {
				t.Errorf("got %+v", got)
			}
			if warned := strings.Contains(got.log, "left out") && strings.Contains(got.log, "regserver"); warned != test.warned {
				t.Errorf("the log says %q", got.log)
			}
		})
	}
}

func TestLongAnswerStreams(t *testing.T) {
	db := newScript()
	for range 5000 {
		db.rows = append(db.rows, []any{strings.Repeat("x", 50), nil, nil, nil})
	}
	server := httptest.NewServer(gateway.New(db, gateway.Options{}))
	defer server.Close()
	response, err := http.Post(server.URL+"/peers/multi", "", strings.NewReader("id=x"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ContentLength != -1 {
		t.Errorf("a response of many chunks has the length %d", response.ContentLength)
	}
	body := new(strings.Builder)
	if _, err := copyAll(body, response.Body); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("id="+strings.Repeat("x", 50)+"\n", 5000); body.String() != want {
		t.Errorf("got %d bytes, want %d", body.Len(), len(want))
	}
}

func TestAnswerThatBreaksOffIsNotWhole(t *testing.T) {
	db := newScript()
	for range 5000 {
		db.rows = append(db.rows, []any{strings.Repeat("x", 50), nil, nil, nil})
	}
	db.err = &sqlgen.Fault{Cause: sqlgen.Unavailable, Err: errors.New("connection lost")}
	server := httptest.NewServer(gateway.New(db, gateway.Options{}))
	defer server.Close()
	response, err := http.Post(server.URL+"/peers/multi", "", strings.NewReader("id=x"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := copyAll(new(strings.Builder), response.Body); err == nil {
		t.Error("the client cannot notice that the response is incomplete")
	}
}

func TestDatabaseFailsAfterAFewRows(t *testing.T) {
	db := newScript()
	db.rows = [][]any{{"a", nil, nil, nil}}
	db.err = &sqlgen.Fault{Cause: sqlgen.Unavailable, Err: errors.New("connection lost")}
	got := send(t, db, gateway.Options{}, post("/peers/multi", "id=x"))
	if got.body != "" || got.status != http.StatusServiceUnavailable {
		t.Errorf("got %+v, want nothing of the rows", got)
	}
}

// refusing is a database that refuses some statements.
type refusing struct {
	*script
	refuse func(text string) error
}

func (r refusing) Exec(ctx context.Context, s sqlgen.Statement) (int64, error) {
	if err := r.refuse(s.SQL); err != nil {
		r.record(s)
		return 0, err
	}
	return r.script.Exec(ctx, s)
}

func TestStoreOverwritesTheRowOfTheSameKeyOnlyWhereThatIsAskedFor(t *testing.T) {
	const insert, update = `INSERT INTO "peers" ("id", "contact") VALUES (?, ?)`, `UPDATE "peers" SET "id" = ?, "contact" = ? WHERE "id" = ?`
	duplicate := &sqlgen.Fault{Cause: sqlgen.Duplicate}
	replace := forTables(gateway.TableOptions{ReplaceDuplicates: true})
	for name, test := range map[string]struct {
		options  gateway.Options
		keys     [][]string
		inserted int // inserts that are refused
		affected int64
		ran      []string
		body     string
	}{
		"a new row":                      {replace, [][]string{{"id"}}, 0, 1, []string{insert}, "1\n"},
		"a row that is there":            {replace, [][]string{{"id"}}, 1, 1, []string{insert, update}, "1\n"},
		"it is not asked for":            {gateway.Options{}, [][]string{{"id"}}, 1, 1, []string{insert}, "-1\n"},
		"another key is in the way":      {replace, [][]string{{"id"}}, 2, 0, []string{insert, update, insert}, "-1\n"},
		"the row has gone":               {replace, [][]string{{"id"}}, 1, 0, []string{insert, update, insert}, "0\n"},
		"no key is given":                {replace, [][]string{{"call-limit"}}, 1, 1, []string{insert}, "-1\n"},
		"the table has no key, they say": {replace, nil, 1, 1, []string{insert}, "-1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			db := newScript()
			db.keys, db.affected = test.keys, test.affected
			left := test.inserted
			got := send(t, refusing{db, func(text string) error {
				if strings.HasPrefix(text, "INSERT") && left > 0 {
					left--
					return duplicate
				}
				return nil
			}}, test.options, post("/peers/store", "id=a&contact=b"))
			var ran []string
			for _, s := range db.statements {
				ran = append(ran, s.SQL)
			}
			if diff := cmp.Diff(test.ran, ran); diff != "" || got.body != test.body {
				t.Errorf("%+v\n%s", got, diff)
			}
		})
	}
}
