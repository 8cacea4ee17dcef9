//go:build e2e

package perl

import (
	"net/http"
	"testing"

	"dbsep/internal/testenv"
)

// oddRequests are those that no recording has, of rows of their own.
var oddRequests = []struct {
	what, method, target, body string
	script                     map[string]string // by database
	dbsep                      string
	query                      string            // one value that is read afterwards
	wrote                      map[string]string // by the script
	writes                     string            // by dbsep
}{
	{
		what: "+ in a query string", method: http.MethodPost, target: "/mwi/update?id=a+b", body: "msgs_new=9",
		script: map[string]string{"sqlite": "0E0\n", "mariadb": "0E0\n", "pg": "0E0\n"}, dbsep: "1\n",
		query: "SELECT msgs_new FROM mwi WHERE id = 'a b'", wrote: map[string]string{"sqlite": "1", "mariadb": "1", "pg": "1"}, writes: "9",
	},
	{
		what: "an empty value for a number", method: http.MethodPost, target: "/mwi/update?id=Dazed", body: "msgs_new=",
		script: map[string]string{"sqlite": "1\n", "mariadb": "\n", "pg": "\n"}, dbsep: "1\n",
		query: "SELECT COALESCE(CAST(msgs_new AS CHAR(1)), 'NULL') FROM mwi WHERE id = 'Dazed'", wrote: map[string]string{"sqlite": "", "mariadb": "5", "pg": "5"}, writes: "NULL",
	},
	{
		what: ".cgifields", method: http.MethodPost, target: "/mwi/destroy", body: "id=a%20b&.cgifields=x",
		script: map[string]string{"sqlite": "1\n", "mariadb": "1\n", "pg": "1\n"}, dbsep: "-1\n",
	},
	{
		what: "HEAD", method: http.MethodHead, target: "/mwi/single?id=Confused",
		script: map[string]string{"sqlite": "", "mariadb": "", "pg": ""}, dbsep: "",
	},
}

func TestOddRequests(t *testing.T) {
	for db := range sites {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			s := openSite(t, db, "")
			s.exec(t, "INSERT INTO mwi (id, msgs_new, msgs_old) VALUES ('a b', 1, 1)")
			new := s.Serve(t)
			testenv.Feature(t, "compare/"+s.Kind, "requests that no recording has", func(t *testing.T) {
				for _, r := range oddRequests {
					got := ask(t, r.method, s.script+r.target, r.body).body
					if got != r.script[db] {
						t.Errorf("%s: the script answers %q, not %q", r.what, got, r.script[db])
					}
					if r.query != "" {
						if wrote := s.value(t, r.query); wrote != r.wrote[db] {
							t.Errorf("%s: the script makes %q of it, not %q", r.what, wrote, r.wrote[db])
						}
					}
					if got := ask(t, r.method, new+r.target, r.body).body; got != r.dbsep {
						t.Errorf("%s: dbsep answers %q, not %q", r.what, got, r.dbsep)
					}
					if r.query != "" {
						if wrote := s.value(t, r.query); wrote != r.writes {
							t.Errorf("%s: dbsep makes %q of it, not %q", r.what, wrote, r.writes)
						}
					}
				}
			})
		})
	}
}
