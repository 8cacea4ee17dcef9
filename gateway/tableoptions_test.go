package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
	"dbsep/sqlgen"

	"github.com/google/go-cmp/cmp"
)

// forPeers are options for the table peers only.
func forPeers(o gateway.TableOptions) gateway.Options {
	return gateway.Options{TableOptions: func(table string) gateway.TableOptions {
		if table == "peers" {
			return o
		}
		return gateway.TableOptions{}
	}}
}

// The options of a table hold for each operation on it, in text and in JSON, and not for
// other tables.
func TestOptionsOfATable(t *testing.T) {
	options := forPeers(gateway.TableOptions{RawSemicolons: true, Lenient: true, UnknownColumns: gateway.Fail, ReplaceDuplicates: true})
	for _, test := range []struct {
		request   *http.Request
		rows      [][]any
		body      string
		args      []any
		isLenient bool
	}{
		{request: post("/peers/single", "id=a%3Bb^"), rows: [][]any{{"a;b^3B", nil, nil, nil}}, body: "id=a&id=b%5E3B\n", args: []any{"a;b^"}},
		{request: post("/rt_test/single", "id=a%3Bb^"), rows: [][]any{{"a;b^3B"}}, body: "id=a&id=b%3B\n", args: []any{"a^3Bb^5E"}},
		{request: asJSON(post("/peers/single", "id=a%3Bb")), rows: [][]any{{"a;b^3B", nil, nil, nil}},
			body: `{"id":"a;b^3B","call-limit":null,"contact":null,"port":null}` + "\n", args: []any{"a;b"}},
		{request: asJSON(get("/voicemail/single?context=a%3Bb")), rows: [][]any{{"a;b^3B", nil, nil, nil, nil}},
			body: `{"uniqueid":"a;b;","context":null,"mailbox":null,"password":null,"fullname":null}` + "\n", args: []any{"a^3Bb"}},
		{request: get("/peers/multi.json?id%20LIKE=a%3B%25"), body: "[]\n", args: []any{"a;%"}},
		{request: get("/rt_test/multi.json?id%20LIKE=a%3B%25"), body: "[]\n", args: []any{"a^3B%"}},
		{request: post("/peers/store", "id=a%3Bb&contact=^"), body: "1\n", args: []any{"a;b", "^"}, isLenient: true},
		{request: post("/rt_test/store", "id=a%3Bb&a=^"), body: "1\n", args: []any{"a^3Bb", "^5E"}},
		{request: post("/peers/update?id=a%3B", "contact=b%3B"), body: "1\n", args: []any{"b;", "a;"}, isLenient: true},
		{request: post("/rt_test/update?id=a%3B", "a=b%3B"), body: "1\n", args: []any{"b^3B", "a^3B"}},
		{request: post("/peers/destroy", "id=a%3B"), body: "1\n", args: []any{"a;"}, isLenient: true},
		{request: post("/rt_test/destroy", "id=a%3B"), body: "1\n", args: []any{"a^3B"}},
		{request: post("/peers/update?id=a", "contact=b&nosuch=c"), body: "-1\n"},
		{request: post("/rt_test/update?id=a", "a=b&nosuch=c"), body: "1\n", args: []any{"b", "a"}},
	} {
		target := test.request.Method + " " + test.request.URL.String()
		db := newScript()
		db.rows = test.rows
		if got := send(t, db, options, test.request); got.body != test.body {
			t.Errorf("%s: %+v, want %q", target, got, test.body)
		}
		if test.args == nil {
			continue
		}
		if diff := cmp.Diff(test.args, db.statements[0].Args); diff != "" || len(db.statements) != 1 {
			t.Errorf("%s: %d statements, %s", target, len(db.statements), diff)
		}
		if s := db.statements[0]; s.Lenient != test.isLenient {
			t.Errorf("%s: lenient: %v", target, s.Lenient)
		}
	}
}

func TestDuplicateOfATable(t *testing.T) {
	for target, want := range map[string]int{"/peers/store": 3, "/rt_test/store": 1} {
		db := newScript()
		db.keys = [][]string{{"id"}}
		db.affected = 0
		send(t, refusing{db, func(text string) error {
			if strings.HasPrefix(text, "INSERT") {
				return &sqlgen.Fault{Cause: sqlgen.Duplicate}
			}
			return nil
		}}, forPeers(gateway.TableOptions{ReplaceDuplicates: true}), post(target, "id=a"))
		if len(db.statements) != want {
			t.Errorf("%s: %d statements, want %d", target, len(db.statements), want)
		}
	}
}

func TestOrderOfATable(t *testing.T) {
	hidden := withRights(map[string]*rights{"peers": {read: true, columns: []string{"id"}}})
	for name, test := range map[string]struct {
		options    gateway.TableOptions
		authorizer gateway.Authorizer
		target     string
		end        string // of the statement
	}{
		"none is set":                      {gateway.TableOptions{}, nil, "/peers/multi", ` ORDER BY "id"`},
		"a column":                         {gateway.TableOptions{OrderBy: "port"}, nil, "/peers/multi", ` ORDER BY "port"`},
		"a column in another case":         {gateway.TableOptions{OrderBy: "PORT"}, nil, "/peers/multi.json", ` ORDER BY "port"`},
		"another table":                    {gateway.TableOptions{OrderBy: "port"}, nil, "/rt_test/multi", ` ORDER BY "id"`},
		"no order":                         {gateway.TableOptions{Unordered: true}, nil, "/peers/multi", `"id" = ?`},
		"no order, and a column":           {gateway.TableOptions{Unordered: true, OrderBy: "nosuch"}, nil, "/peers/multi", `"id" = ?`},
		"no order of another table":        {gateway.TableOptions{Unordered: true}, nil, "/rt_test/multi", ` ORDER BY "id"`},
		"single has none":                  {gateway.TableOptions{OrderBy: "port"}, nil, "/peers/single", ` LIMIT 1`},
		"a column that the client may not": {gateway.TableOptions{OrderBy: "port"}, hidden, "/peers/multi", `SELECT "id" FROM "peers" WHERE "id" = ? ORDER BY "port"`},
	} {
		t.Run(name, func(t *testing.T) {
			db, o := newScript(), forPeers(test.options)
			o.Authorizer = test.authorizer
			got := send(t, db, o, post(test.target, "id=a"))
			if got.code != "" || len(db.statements) != 1 || !strings.HasSuffix(db.statements[0].SQL, test.end) || got.log != "" {
				t.Errorf("%+v, %+v", got, db.statements)
			}
		})
	}
}

// A column that the table does not have is logged once, and the rows have the usual order
// until the table has it.
func TestOrderByAColumnThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, log, adjusted := newScript(), new(logBuffer), 0
		o := forPeers(gateway.TableOptions{OrderBy: "position"})
		o.Log, o.SchemaTTL = log.logger(), time.Hour
		o.Observe = func(e gateway.Event) {
			for _, a := range e.Adjustments {
				if a != gateway.DefaultOrder {
					t.Errorf("adjustment %s", a)
				}
				adjusted++
			}
		}
		g := gateway.New(db, o)
		db.rows = [][]any{{"a", nil, nil, nil}}
		last := func() string { return db.statements[len(db.statements)-1].SQL }
		for range 100 {
			if got := serve(t, g, post("/peers/multi", "id=a")); got != "id=a\n" || !strings.HasSuffix(last(), ` ORDER BY "id"`) {
				t.Fatalf("%q of %s", got, last())
			}
		}
		serve(t, g, post("/peers/single", "id=a"))
		if adjusted != 100 || db.described > 2 {
			t.Errorf("%d adjustments; the schema was read %d times", adjusted, db.described)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "table=peers") ||
			!strings.Contains(log.String(), "column=position") || !strings.Contains(log.String(), "correct order=") {
			t.Errorf("%d lines:\n%s", n, log)
		}
		db.tables["peers"] = textTable("peers", "id", "call-limit", "contact", "#port", "#position")
		time.Sleep(recheckAfter)
		db.rows = [][]any{{"a", nil, nil, nil, "1"}}
		if got := serve(t, g, post("/peers/multi", "id=a")); got != "id=a&position=1\n" || !strings.HasSuffix(last(), ` ORDER BY "position"`) {
			t.Errorf("%q of %s", got, last())
		}
	})
}

// recheckAfter is when a table is looked at again that does not suit a request.
const recheckAfter = time.Second
