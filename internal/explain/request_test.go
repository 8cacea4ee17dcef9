package explain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/compare"
	"dbsep/internal/explain"
)

func TestParse(t *testing.T) {
	post := func(path, query, body string) compare.Request {
		return compare.Request{Method: "POST", Path: path, Query: query, Body: body}
	}
	get := func(path, query string) compare.Request {
		return compare.Request{Method: "GET", Path: path, Query: query}
	}
	const logged = `level=WARN msg=x code=unknown-column operation=update table=peers client=192.0.2.1 user=alice`
	for _, test := range []struct {
		name        string
		text        string
		fields, set []string
		want        compare.Request
		client      string
	}{
		{"fields are encoded", "peers/multi", []string{"id LIKE=a;@%", "port <=5", "name=+ä&=b"}, nil, post("/peers/multi", "", "id%20LIKE=a%3B%40%25&port%20%3C%3D=5&name=%2B%C3%A4%26%3Db"), ""},
		{"an update", "peers/update", []string{"id=a"}, []string{"port=5", "name="}, post("/peers/update", "id=a", "port=5&name="), ""},
		{"a file", "ast_config/static", []string{"file=queues.conf"}, nil, get("/ast_config/static", "file=queues.conf"), ""},
		{"JSON", "peers/update.json", []string{"id=a"}, []string{"port=5"}, post("/peers/update.json", "id=a", "port=5"), ""},
		{"the end of a URL", "/cgi-bin/dbsep.cgi/peers/single?id=a%3Bb", nil, nil, get("/cgi-bin/dbsep.cgi/peers/single", "id=a%3Bb"), ""},
		{"a URL", "http://pbx:8000/peers/single", []string{"id=a"}, nil, post("/peers/single", "", "id=a"), ""},
		{"the URL of an update", "/peers/update?id=a", nil, []string{"port=5"}, post("/peers/update", "id=a", "port=5"), ""},
		{"a recorded request", `{"path":"/peers/multi","body":"id=a"}`, nil, nil, post("/peers/multi", "", "id=a"), ""},
		{"a recorded request without fields", `{"path":"/peers/multi"}`, []string{"id=a"}, nil, post("/peers/multi", "", "id=a"), ""},
		{"a line of a web server", `192.0.2.1 - - [28/Nov/2026:00:10:31 +0000] "GET /peers/single?id=a HTTP/1.1" 200 12`, nil, nil, get("/peers/single", "id=a"), ""},
		{"a line of a web server without a body", `192.0.2.1 - - [x] "POST /peers/single HTTP/1.1" 200 12`, []string{"id=a"}, nil, post("/peers/single", "", "id=a"), ""},
		{"a line of the log", logged + ` explain="dbsep explain --as name:alice --as address:192.0.2.1 peers/update 'id LIKE=' --set port= --set 'a b='"`, nil, nil,
			post("/peers/update", "id%20LIKE=", "port=&a%20b="), "user alice, certificate alice, address 192.0.2.1"},
		{"a line of the log with other fields", logged + ` explain="dbsep explain peers/update 'id='"`, []string{"id=a"}, []string{"port=5"},
			post("/peers/update", "id=a", "port=5"), "user alice, certificate alice, address 192.0.2.1"},
		{"a table with a slash", `level=INFO msg=request operation=multi table=a/b`, []string{"id=a"}, nil, post("/a%2Fb/multi", "", "id=a"), ""},
		{"an object of the log", `{"level":"INFO","msg":"request","operation":"single","table":"peers","client":"2001:db8::1"}`, []string{"id=a"}, nil,
			post("/peers/single", "", "id=a"), "address 2001:db8::1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := explain.Parse(test.text, test.fields, test.set)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Request); diff != "" {
				t.Error(diff)
			}
			if got.Client.String() != test.client {
				t.Errorf("the client is %q", got.Client)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name        string
		text        string
		fields, set []string
		want        string
	}{
		{"no operation", "peers", nil, nil, "write TABLE/OPERATION, as in ps_contacts/multi; the operations are single, multi, store, update, destroy, require, static"},
		{"nothing", "", nil, nil, "write TABLE/OPERATION"},
		{"new values of a read", "peers/multi", []string{"id=a"}, []string{"port=5"}, "--set is for the new values of an update"},
		{"fields twice", "/peers/single?id=a", []string{"id=b"}, nil, "the URL has fields behind its ?"},
		{"fields for a request that has some", `{"path":"/peers/multi","body":"id=a"}`, []string{"id=b"}, nil, "the request has its own fields"},
		{"an object without a path", `{"body":"id=a"}`, nil, nil, `it has no "path", nor a line of dbsep's log`},
		{"a line of another log", `Nov 28 kernel: "something"`, nil, nil, "neither a recorded request nor one of an access log, nor a line of dbsep's log"},
		{"a line about no table", "level=INFO msg=listening address=127.0.0.1:8000", nil, nil, "not about a request of a table"},
		{"a line without fields", "level=INFO msg=request operation=single table=peers", nil, nil, "add them, as in dbsep explain peers/single 'id=alice'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if r, err := explain.Parse(test.text, test.fields, test.set); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %+v", err, r)
			}
		})
	}
}

func TestClient(t *testing.T) {
	for text, want := range map[string]string{
		"user:alice":         "user alice",
		"user:a:b":           "user a:b",
		"certificate:pbx":    "certificate pbx",
		"name:pbx":           "user pbx, certificate pbx",
		"address:192.0.2.1":  "address 192.0.2.1",
		"address:2001:db8::": "address 2001:db8::",
	} {
		var c explain.Client
		if err := c.Set(text); err != nil || c.String() != want {
			t.Errorf("%s became %q, %v", text, c, err)
		}
	}
	for text, want := range map[string]string{
		"alice":           "write user:NAME, certificate:NAME, address:ADDRESS, or name:NAME",
		"user:":           "write user:NAME",
		"network:10/8":    "write user:NAME",
		"address:pbx.lan": "is not an IP address: write it as in address:192.0.2.1",
	} {
		var c explain.Client
		if err := c.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzParse reads anything, and what it makes of TABLE/OPERATION has the fields.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"peers/multi", `{"path":"/peers/multi"}`, `level=WARN msg=x operation=multi table=peers explain="dbsep explain 'a b/multi' 'c"`, `"GET /peers/single?id=a HTTP/1.1"`} {
		f.Add(text, "id LIKE=a")
	}
	f.Fuzz(func(t *testing.T, text, field string) {
		_, _ = explain.Parse(text, nil, nil)
		if r, err := explain.Parse("peers/multi", []string{field}, nil); err != nil || !strings.Contains(r.Body, "=") || strings.ContainsAny(r.Body, " &;") {
			t.Errorf("%q became %q, %v", field, r.Body, err)
		}
	})
}
