package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

// Asterisk's driver cuts a value to 255 or 199 encoded bytes, within a character
// too (P16). A database would refuse a text with the half of one.
func TestHalfACharacterIsRemovedOnlyFromTextsOfAsterisk(t *testing.T) {
	trimmed := strings.Repeat("a", 252)
	whole, half := trimmed+"\xc3", trimmed+"%C3"
	blobs := sqlgen.NewTable("blobs", []sqlgen.Column{
		{Name: "id", Class: sqlgen.Text, Nullable: true}, {Name: "body", Class: sqlgen.Binary, Nullable: true},
	})
	for name, test := range map[string]struct {
		request *http.Request
		want    string
	}{
		"a text":                             {post("/blobs/store", "id="+half), trimmed},
		"a text of a client that wants JSON": {asJSON(post("/blobs/store", "id="+half)), whole},
		"a text by a path for JSON":          {post("/blobs/store.json", "id="+half), whole},
		"bytes":                              {post("/blobs/store", "body="+half), whole},
		"bytes of an update":                 {post("/blobs/update?id=a", "body="+half), whole},
		"a text of an update":                {post("/blobs/update?id=a", "id="+half), trimmed},
		"a condition of a text":              {post("/blobs/multi", "id="+half), trimmed},
		"a pattern":                          {post("/blobs/multi", "id LIKE="+half), trimmed},
		"a condition of bytes":               {post("/blobs/multi", "body %21%3D="+half), whole},
	} {
		t.Run(name, func(t *testing.T) {
			db := newScript()
			db.tables["blobs"] = blobs
			send(t, db, gateway.Options{}, test.request)
			if len(db.statements) != 1 || len(db.statements[0].Args) == 0 {
				t.Fatalf("%+v", db.statements)
			}
			if got := db.statements[0].Args[0]; got != test.want {
				t.Errorf("the argument is %q, want %q", got, test.want)
			}
		})
	}
}
