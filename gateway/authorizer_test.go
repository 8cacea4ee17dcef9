package gateway_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dbsep/gateway"
)

// An authorizer admits every client as the one it holds, or refuses all.
type authorizer struct {
	client gateway.Client
	err    error
}

func (a authorizer) Authorize(*http.Request) (gateway.Client, error) { return a.client, a.err }

// rights to a table.
type rights struct {
	read, write bool
	columns     []string // none: all
}

func (r *rights) CanRead() bool    { return r.read }
func (r *rights) CanWrite() bool   { return r.write }
func (r *rights) AllColumns() bool { return len(r.columns) == 0 }
func (r *rights) CanUse(column string) bool {
	return slices.ContainsFunc(r.columns, func(name string) bool { return strings.EqualFold(name, column) })
}

// withRights admits every client, with its rights by table.
func withRights(all map[string]*rights) gateway.Authorizer {
	return authorizer{client: gateway.Client{Name: "kamailio", Rights: func(table string) gateway.Rights {
		if r := all[table]; r != nil {
			return r
		}
		return nil
	}}}
}

// A client that is refused gets no second response on its connection; one that only has
// to say who it is does.
func TestConnectionOfARefusedClient(t *testing.T) {
	for refused, want := range map[bool]string{true: "close", false: ""} {
		g := gateway.New(newScript(), gateway.Options{Log: slog.New(slog.DiscardHandler), Authorizer: authorizer{err: &gateway.Error{Code: gateway.Unauthorized, Refused: refused}}})
		w := httptest.NewRecorder()
		g.ServeHTTP(w, post("/peers/update?id=a", "id=b"))
		if got := w.Header().Get("Connection"); got != want || w.Body.String() != "-1\n" {
			t.Errorf("refused %v: Connection: %q, %q", refused, got, w.Body)
		}
	}
}

func TestRefusedClients(t *testing.T) {
	const static = "cat_metric=0&category=general&var_name=%23include&var_val=%2Fdbsep%2Ferror%2F"
	for _, test := range []struct {
		name    string
		code    gateway.Code
		request *http.Request
		status  int
		body    string
	}{
		{"a read is nothing", gateway.Unauthorized, post("/peers/single", "id=a"), 401, ""},
		{"a write is -1, with the status too", gateway.Unauthorized, post("/peers/update?id=a", "id=b"), 401, "-1\n"},
		{"a static file keeps what Asterisk has", gateway.Forbidden, get("/ast_config/static?file=x"), 403, static + "forbidden\n"},
		{"a requirement is not met", gateway.Forbidden, post("/peers/require", "id=char:1"), 403, "-1\n"},
		{"a requirement of a client too many: nobody knows", gateway.TooManyClients, post("/peers/require", "id=char:1"), 200, "0\n"},
		{"a requirement after wrong passwords: nobody knows", gateway.TooManyAttempts, post("/peers/require", "id=char:1"), 429, "0\n"},
		{"a requirement of who is not known", gateway.Unauthorized, post("/peers/require", "id=char:1"), 401, "-1\n"},
		{"a guess too many", gateway.TooManyAttempts, post("/peers/destroy", "id=a"), 429, "-1\n"},
		{"a client too many: 200, as for every error inside", gateway.TooManyClients, post("/peers/destroy", "id=a"), 200, "-1\n"},
		{"a write of a web page", gateway.CrossOrigin, post("/peers/store", "id=a"), 403, "-1\n"},
		{"a read for another host", gateway.UnknownHost, get("/peers/multi?id=a"), 403, ""},
		{"what cannot be understood is not admitted either", gateway.Unauthorized, get("/"), 401, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			got := send(t, db, gateway.Options{Authorizer: authorizer{err: &gateway.Error{Code: test.code}}}, test.request)
			if got.status != test.status || got.body != test.body || got.code != string(test.code) {
				t.Errorf("%+v", got)
			}
			if len(db.statements)+db.described > 0 {
				t.Error("the database was used")
			}
		})
	}
}

func TestUnauthorizedNamesTheScheme(t *testing.T) {
	w := newRecorder()
	gateway.New(newScript(), gateway.Options{Authorizer: authorizer{err: &gateway.Error{Code: gateway.Unauthorized}}}).ServeHTTP(w, get("/peers/single?id=a"))
	if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
		t.Errorf("%q", got)
	}
}

func TestRights(t *testing.T) {
	authorizer := withRights(map[string]*rights{
		"peers":      {read: true},
		"voicemail":  {read: true, write: true},
		"rt_test":    {},
		"ast_config": nil,
	})
	for _, test := range []struct {
		request *http.Request
		status  int
	}{
		{post("/peers/single", "id=a"), 200},
		{post("/peers/multi", "id=a"), 200},
		{post("/peers/require", "id=char:1"), 200},
		{post("/peers/store", "id=a"), 403},
		{post("/peers/update?id=a", "id=b"), 403},
		{post("/peers/destroy", "id=a"), 403},
		{post("/voicemail/destroy", "context=a"), 200},
		{post("/voicemail/single", "context=a"), 200},
		{post("/rt_test/single", "id=a"), 403},
		{get("/ast_config/static?file=x"), 403},
	} {
		got := send(t, newScript(), gateway.Options{Authorizer: authorizer}, test.request)
		if got.status != test.status {
			t.Errorf("%s: %+v", test.request.URL, got)
		}
		if got.status == 403 && !strings.Contains(got.log, "user=kamailio") {
			t.Errorf("%s: the log does not name the client: %s", test.request.URL, got.log)
		}
	}
}

func TestColumnsThatMayNotLeave(t *testing.T) {
	authorizer := withRights(map[string]*rights{"voicemail": {read: true, write: true, columns: []string{"CONTEXT", "mailbox"}}})
	for _, test := range []struct {
		name    string
		request *http.Request
		rows    [][]any
		code    gateway.Code
		body    string
		sql     string
	}{
		{name: "are not read", request: post("/voicemail/single", "mailbox=1"), rows: [][]any{{"default", "1"}}, body: "context=default&mailbox=1\n",
			sql: `SELECT "context", "mailbox" FROM "voicemail" WHERE "mailbox" = ? LIMIT 1`},
		{name: "cannot be a condition", request: post("/voicemail/multi", "password LIKE=1%25"), code: gateway.Forbidden},
		{name: "cannot be compared with", request: post("/voicemail/multi", "PASSWORD=1"), code: gateway.Forbidden},
		{name: "cannot be written", request: post("/voicemail/store", "mailbox=1&password=1"), code: gateway.Forbidden, body: "-1\n"},
		{name: "cannot be written beside others", request: post("/voicemail/update?mailbox=1", "context=a&password=1"), code: gateway.Forbidden, body: "-1\n"},
		{name: "cannot be compared with in an update", request: post("/voicemail/update?password=1", "context=a"), code: gateway.Forbidden, body: "-1\n"},
		{name: "cannot be compared with in a destroy", request: post("/voicemail/destroy", "mailbox=1&password %21%3D=x"), code: gateway.Forbidden, body: "-1\n"},
		{name: "are no reason to read glued fields in another way", request: post("/voicemail/update?&context=defaultmailbox=1234", "&context=a"), body: "1\n",
			sql: `UPDATE "voicemail" SET "context" = ? WHERE "context" = ? AND "mailbox" = ?`},
		{name: "are glued fields all the same", request: post("/voicemail/update?&mailbox=1234password=1", "&context=a"), code: gateway.Forbidden, body: "-1\n"},
		{name: "are others than those that the table does not have", request: post("/voicemail/update?mailbox=1", "context=a&nosuch=1"), body: "1\n",
			sql: `UPDATE "voicemail" SET "context" = ? WHERE "mailbox" = ?`},
		{name: "cannot be required", request: post("/voicemail/require", "password=char:1"), code: gateway.Forbidden, body: "-1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			db.rows = test.rows
			got := send(t, db, gateway.Options{Authorizer: authorizer}, test.request)
			if got.code != string(test.code) || got.body != test.body {
				t.Errorf("%+v", got)
			}
			if test.sql != "" && (len(db.statements) != 1 || db.statements[0].SQL != test.sql) {
				t.Errorf("%+v", db.statements)
			}
			if test.sql == "" && len(db.statements) > 0 {
				t.Errorf("%+v", db.statements)
			}
		})
	}
}

func TestLimitsOfTableAndAnswer(t *testing.T) {
	db := newScript()
	got := send(t, db, gateway.Options{MaxColumns: 3}, post("/peers/single", "id=a"))
	if got.code != "too-many-columns" || len(db.statements) > 0 {
		t.Errorf("%+v", got)
	}
	db.rows = [][]any{{"a", nil, nil, nil}, {"b", nil, nil, nil}, {"c", nil, nil, nil}}
	if got := send(t, db, gateway.Options{MaxRows: 3}, post("/peers/multi", "id=a")); got.body != "id=a\nid=b\nid=c\n" {
		t.Errorf("%+v", got)
	}
	if got := send(t, db, gateway.Options{MaxRows: 2}, post("/peers/multi", "id=a")); got.code != "too-many-rows" || got.body != "" || got.status != 400 {
		t.Errorf("%+v", got)
	}
}

func TestEvent(t *testing.T) {
	for _, test := range []struct {
		name    string
		request *http.Request
		want    gateway.Event
	}{
		{"a row", post("/PEERS/single", "id=a"), gateway.Event{Operation: "single", Code: gateway.UnknownTable, Status: 404}},
		{"a table that is there", post("/peers/multi", "id=a"), gateway.Event{Operation: "multi", Table: "peers", Status: 200, Rows: 2, Bytes: 10}},
		{"a write", post("/peers/destroy", "id=a"), gateway.Event{Operation: "destroy", Table: "peers", Status: 200, Rows: 1, Bytes: 2}},
		{"a refused write", post("/peers/destroy", "nope=a"), gateway.Event{Operation: "destroy", Table: "peers", Status: 200, Code: gateway.UnknownColumn, Bytes: 3}},
		{"no operation", post("/", ""), gateway.Event{Code: gateway.UnknownOperation, Status: 404, Bytes: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			db.rows = [][]any{{"a", nil, nil, nil}, {"b", nil, nil, nil}}
			var events []gateway.Event
			send(t, db, gateway.Options{Observe: func(e gateway.Event) { events = append(events, e) }}, test.request)
			if diff := cmp.Diff([]gateway.Event{test.want}, events, cmpopts.IgnoreFields(gateway.Event{}, "Ended", "Took", "RequestedTable", "Client")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEventNamesTheClient(t *testing.T) {
	var got gateway.Event
	r := post("/PEERS/update?id=secret1", "contact=secret2")
	r.Header.Set("X-Request-Id", "abc")
	begun := time.Now()
	send(t, newScript(), gateway.Options{Slow: 1, Observe: func(e gateway.Event) { got = e }}, r)
	if got.Took <= 0 || got.Ended.Before(begun.Add(got.Took)) || got.Ended.After(time.Now()) {
		t.Errorf("ended at %v, after %v", got.Ended, got.Took)
	}
	got.Ended, got.Took = time.Time{}, 0
	want := gateway.Event{Operation: "update", Code: gateway.UnknownTable, Status: 200, Bytes: 3, RequestedTable: "PEERS", Client: "192.0.2.1", ID: "abc"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLineOfASlowRequest(t *testing.T) {
	var log logBuffer
	ask := func(o gateway.Options, body, id string) map[string]any {
		t.Helper()
		log.text.Reset()
		o.Log = slog.New(slog.NewJSONHandler(&log, nil))
		r := post("/peers/update?id+LIKE=secret1&call-limit=secret2", body)
		r.Header.Set("X-Request-Id", id)
		send(t, newScript(), o, r)
		line := map[string]any{}
		if text := log.String(); text != "" {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if strings.Contains(text, "secret") {
				t.Errorf("a value is in the log: %s", text)
			}
		}
		delete(line, "time")
		delete(line, "seconds")
		return line
	}
	if diff := cmp.Diff(map[string]any{}, ask(gateway.Options{}, "contact=secret3", "abc")); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"level": "WARN", "msg": "slow request", "operation": "update", "table": "peers", "client": "192.0.2.1",
		"request": "abc", "status": 200.0, "rows": 1.0, "bytes": 2.0, "fields": "id LIKE, call-limit, contact",
		"explain": "dbsep explain peers/update 'id LIKE=' call-limit= --set contact="}
	if diff := cmp.Diff(want, ask(gateway.Options{Slow: 1}, "contact=secret3", "abc")); diff != "" {
		t.Error(diff)
	}
	if line := ask(gateway.Options{Slow: 1}, "contact=x", "two words"); line["request"] != nil {
		t.Errorf("a request ID with a space is in the log: %v", line)
	}
}

// What lies between two = is split by all columns of the table: by those that the
// client sees alone it would be split elsewhere.
func TestGluedFieldsAreSplitByTheColumnsOfTheTable(t *testing.T) {
	db := newScript()
	db.tables["voicemail"] = textTable("voicemail", "context", "box", "mailbox", "password")
	authorizer := withRights(map[string]*rights{"voicemail": {read: true, write: true, columns: []string{"context", "box", "password"}}})
	for _, r := range []*http.Request{
		post("/voicemail/update?&context=defaultmailbox=1234", "&password=8642"),
		post("/voicemail/update?&context=default", "&password=8642mailbox=1"),
	} {
		if got := send(t, db, gateway.Options{Authorizer: authorizer}, r); got.body != "-1\n" || got.code == "" || len(db.statements) > 0 {
			t.Errorf("%s: %+v, ran %+v", r.URL, got, db.statements)
		}
	}
}
