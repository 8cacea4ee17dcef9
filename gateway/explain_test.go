package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func TestParseArgument(t *testing.T) {
	for argument, want := range map[string]sqlgen.Field{
		"id=alice":               {Name: "id", Value: "alice"},
		"id=":                    {Name: "id"},
		"id":                     {Name: "id"},
		"id LIKE=alice;@%":       {Name: "id LIKE", Value: "alice;@%"},
		"id NOT LIKE=a=b":        {Name: "id NOT LIKE", Value: "a=b"},
		"expiration_time <=5":    {Name: "expiration_time <=", Value: "5"},
		"expiration_time <==5":   {Name: "expiration_time <=", Value: "5"},
		"expiration_time<5":      {Name: "expiration_time<", Value: "5"},
		"startTime>= =5":         {Name: "startTime>=", Value: " =5"},
		"mailboxes !=":           {Name: "mailboxes !=", Value: ""},
		"mailboxes !==x":         {Name: "mailboxes !=", Value: "x"},
		"a<>b":                   {Name: "a<>", Value: "b"},
		"a==b":                   {Name: "a==", Value: "b"},
		"callerid=<100>":         {Name: "callerid", Value: "<100>"},
		`callerid="Alice" <100>`: {Name: "callerid", Value: `"Alice" <100>`},
		"password=!secret":       {Name: "password", Value: "!secret"},
		"time=char:20":           {Name: "time", Value: "char:20"},
		"voice!mail=1":           {Name: "voice!mail", Value: "1"},
		"":                       {},
		"=x":                     {Value: "x"},
		"appdata=SIP/a&SIP/b":    {Name: "appdata", Value: "SIP/a&SIP/b"},
		"set_var=a=b":            {Name: "set_var", Value: "a=b"},
		"id =alice":              {Name: "id ", Value: "alice"},
	} {
		if got := gateway.ParseArgument(argument); got != want {
			t.Errorf("%q became %q, want %q", argument, got, want)
		}
	}
}

// TestLogNamesTheCommandThatExplains finds a command where one shows the failure, and never a
// value.
func TestLogNamesTheCommandThatExplains(t *testing.T) {
	reads := withRights(map[string]*rights{"peers": {read: true}})
	for _, test := range []struct {
		name       string
		r          *http.Request
		err        error // of the database
		authorizer gateway.Authorizer
		want       string
	}{
		{"an unknown column", post("/peers/update?id+LIKE=secret", "port=5&nope=secret"), nil, nil, ""}, // nope is dropped
		{"unknown columns only", post("/peers/update?id+LIKE=secret", "nope=secret"), nil, nil, "dbsep explain peers/update 'id LIKE=' --set nope="},
		{"an unknown table", post("/nope/multi", "id=secret"), nil, nil, "dbsep explain nope/multi id="},
		{"operators", post("/peers/multi", "id+%21%3D=secret&port%3C=5&port%3C%3D=6&nope=7"), nil, nil, "dbsep explain peers/multi 'id !=' 'port<' 'port<=' nope="},
		{"by GET", get("/peers/single?nope=secret"), nil, nil, "dbsep explain peers/single nope="},
		{"a value that does not fit", post("/peers/store", "id=secret"), &sqlgen.Fault{Cause: sqlgen.BadValue}, nil, "dbsep explain peers/store id="},
		{"a right that is missing", post("/peers/destroy", "id=secret"), nil, reads, "dbsep explain --as name:kamailio --as address:192.0.2.1 peers/destroy id="},
		{"the database is unavailable", post("/peers/multi", "id=secret"), &sqlgen.Fault{Cause: sqlgen.Unavailable}, nil, ""},
		{"a value without a name", post("/peers/multi", "abc&nope=1"), nil, nil, ""},
		{"a name that a shell would read", post("/peers/multi", "$(reboot)=1"), nil, nil, ""},
		{"a name that ends a quote", post("/peers/multi", "a%27b=1"), nil, nil, ""},
		{"a name in quotes", post("/peers/multi", "a$b%23=1"), nil, nil, "dbsep explain peers/multi 'a$b#='"},
		{"words of an operator", post("/peers/multi", "id+not++like=secret&nope=1"), nil, nil, "dbsep explain peers/multi 'id not  like=' nope="},
		{"SQL in place of a name", post("/peers/multi", "1+OR+id+LIKE=secret"), nil, nil, ""},
		{"a name that is an option", post("/peers/multi", "-c=1"), nil, nil, ""},
		{"a table that is an option", post("/-c/multi", "id=1"), nil, nil, ""},
		{"a table that a shell would read", post("/%3Breboot/multi", "id=1"), nil, nil, ""},
		{"JSON in place of a form", post("/peers/multi", `{"id":"secret"}`), nil, nil, ""},
		{"more than a line holds", post("/peers/store", fields(100)), nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			db := newScript()
			db.err = test.err
			send(t, db, gateway.Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), Authorizer: test.authorizer}, test.r)
			var line struct{ Explain string }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if line.Explain != test.want {
				t.Errorf("got  %s\nwant %s", line.Explain, test.want)
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("a value is in the log: %s", log.String())
			}
		})
	}
}

func TestExplainedRequestChangesNothing(t *testing.T) {
	for _, test := range []struct {
		name, target, body string
		options            gateway.TableOptions
		count              string // of rows that meet a condition
		want               []string
		response           string
		code               gateway.Code
	}{
		{"an update", "/peers/update?id=a;b", "port=5", gateway.TableOptions{}, "7", []string{`SELECT COUNT(*) FROM "peers" WHERE "id" = ? [a^3Bb]`}, "7\n", ""},
		{"a destroy", "/peers/destroy", "id+LIKE=a%25", gateway.TableOptions{}, "7", []string{`SELECT COUNT(*) FROM "peers" WHERE "id" LIKE ? ESCAPE '\' [a%]`}, "7\n", ""},
		{"a store", "/peers/store", "id=a&port=5", gateway.TableOptions{}, "0", []string{`SELECT COUNT(*) FROM "peers" WHERE "id" = ? [a]`}, "1\n", ""},
		{"a store of a key that exists", "/peers/store", "id=a&port=5", gateway.TableOptions{}, "1", []string{`SELECT COUNT(*) FROM "peers" WHERE "id" = ? [a]`}, "-1\n", gateway.Duplicate},
		{"a store that replaces", "/peers/store", "id=a&port=5", gateway.TableOptions{ReplaceDuplicates: true}, "1",
			[]string{`SELECT COUNT(*) FROM "peers" WHERE "id" = ? [a]`, `SELECT COUNT(*) FROM "peers" WHERE "id" = ? [a]`}, "1\n", ""},
		{"a store without the key", "/peers/store", "port=5", gateway.TableOptions{}, "1", nil, "1\n", ""},
		{"a count that is none", "/peers/destroy", "id=a", gateway.TableOptions{}, "seven", []string{`SELECT COUNT(*) FROM "peers" WHERE "id" = ? [a]`}, "-1\n", gateway.Internal},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			db.rows, db.keys, db.affected = [][]any{{test.count}}, [][]string{{"id"}}, 99
			w := httptest.NewRecorder()
			x := gateway.ExplainRequest(db, forTables(test.options), w, post(test.target, test.body))
			var ran []string
			for _, s := range db.statements {
				ran = append(ran, fmt.Sprint(s.SQL, " ", s.Args))
			}
			if diff := cmp.Diff(test.want, ran); diff != "" {
				t.Error(diff)
			}
			if w.Body.String() != test.response {
				t.Errorf("the response is %q", w.Body)
			}
			if (x.Err != nil) != (test.code != "") || x.Err != nil && x.Err.Code != test.code {
				t.Errorf("the error is %v", x.Err)
			}
		})
	}
}

// checked is a database that refuses every write before it runs.
type checked struct{ *script }

func (checked) Check(context.Context, sqlgen.Statement) error {
	return &sqlgen.Fault{Cause: sqlgen.Denied, Table: "peers"}
}

func TestExplanation(t *testing.T) {
	reads := withRights(map[string]*rights{"peers": {read: true, columns: []string{"id", "port"}}})
	for _, test := range []struct {
		name       string
		r          *http.Request
		authorizer gateway.Authorizer
		want       string // fields, columns, statements, notes and the error
	}{
		{"a read", post("/peers/multi?x=1", "id+LIKE=a;b&port=5"), nil,
			`[[{id LIKE a;b} {port 5}]] 4 columns [SELECT 1 row] [] `},
		{"an update that leaves a value out", post("/peers/update?id=a", "port=5&nope=1"), nil,
			`[[{id a}] [{port 5} {nope 1}]] 4 columns [UPDATE denied] [{a value was left out: the table has no such column nope  add the column, or ignore this if Asterisk does not need it}] denied`},
		{"an unknown column", get("/peers/multi?idd=a"), nil,
			`[[{idd a}]] 4 columns [] [] unknown-column`},
		{"columns that the client may use", post("/peers/single", "id=a"), reads,
			`[[{id a}]] 2 columns [SELECT 1 row] [] `},
		{"columns that the client may not use", post("/peers/single", "contact=a"), reads,
			`[[{contact a}]] 2 columns [] [] forbidden`},
		{"a client that may not write", post("/peers/destroy", "id=a"), reads,
			`[] no table [] [] forbidden`},
		{"no operation", post("/peers/mutli", "id=a"), nil,
			`[] no table [] [] unknown-operation`},
		{"a method that is not allowed", get("/peers/update?id=a"), nil,
			`[] no table [] [] method-not-allowed`},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newScript()
			if db.rows = [][]any{{"a", "b", nil, "5"}}; test.authorizer != nil {
				db.rows = [][]any{{"a", "5"}}
			}
			x := gateway.ExplainRequest(checked{db}, gateway.Options{Authorizer: test.authorizer}, httptest.NewRecorder(), test.r)
			columns, code := "no table", gateway.Code("")
			if x.Table != nil {
				columns = fmt.Sprint(len(x.Table.Columns), " columns")
			}
			var ran []string
			for _, s := range x.Statements {
				word, _, _ := strings.Cut(s.SQL, " ")
				became := fmt.Sprint(s.Rows, " row")
				if s.Err != nil {
					code, _ := gateway.Explain(s.Err)
					became = string(code)
				}
				ran = append(ran, word+" "+became)
			}
			if x.Err != nil {
				code = x.Err.Code
			}
			if got := fmt.Sprint(x.Fields, " ", columns, " ", ran, " ", x.Notes, " ", code); got != test.want {
				t.Errorf("\ngot  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestExplanationOfAPanic(t *testing.T) {
	db := newScript()
	db.before = func() { panic("a bug") }
	w := httptest.NewRecorder()
	x := gateway.ExplainRequest(db, gateway.Options{}, w, post("/peers/multi", "id=a"))
	if x.Err == nil || x.Err.Code != gateway.Internal || w.Header().Get("X-Dbsep-Error") != "internal" {
		t.Errorf("the error is %v", x.Err)
	}
}
