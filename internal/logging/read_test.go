package logging

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
)

func TestParseLine(t *testing.T) {
	odd := usual
	odd.User, odd.RequestedTable = `al"ice b=c\`, "τηλέφωνα"
	for _, test := range []struct {
		name, line string
		want       map[string]string // nil: it is none
	}{
		{"text", line("text", true, usual), map[string]string{"level": "INFO", "msg": "request", "operation": "update", "table": "peers", "client": "192.0.2.1",
			"status": "200", "rows": "1", "bytes": "2", "seconds": "0.000123456"}},
		{"text with quotes", line("text", false, odd), map[string]string{"level": "INFO", "msg": "request", "operation": "update", "table": "τηλέφωνα", "client": "192.0.2.1",
			"user": `al"ice b=c\`, "status": "200", "rows": "1", "bytes": "2", "seconds": "0.000123456"}},
		{"an object", line("json", false, odd), map[string]string{"level": "INFO", "msg": "request", "operation": "update", "table": "τηλέφωνα", "client": "192.0.2.1",
			"user": `al"ice b=c\`}},
		{"a line of journalctl", `Nov 28 00:10:31 pbx dbsep[1]: level=WARN msg="no such column" code=unknown-column`,
			map[string]string{"level": "WARN", "msg": "no such column", "code": "unknown-column"}},
		{"an object of journalctl", `Nov 28 00:10:31 pbx dbsep[1]: {"level":"WARN","msg":"x","rows":3}`, map[string]string{"level": "WARN", "msg": "x"}},
		{"a recorded request", `{"path":"/peers/multi","body":"id=a"}`, nil},
		{"half an object", `{"level":"WARN","msg":"x"`, nil},
		{"half a quote", `level=WARN msg="x`, nil},
		{"something behind a quote", `level=WARN msg="x"y`, nil},
		{"no message", `level=WARN code=unknown-column`, nil},
		{"a web server's line", `192.0.2.1 - - [28/Nov/2026:00:10:31 +0000] "GET /peers/single?id=a HTTP/1.1" 200 12`, nil},
		{"nothing", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseLine(test.line)
			delete(got, "time")
			if (err != nil) != (test.want == nil) {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzParseLine reads what was written, and anything else without harm.
func FuzzParseLine(f *testing.F) {
	f.Add("peers", `level=WARN msg="x" table=peers`)
	f.Add("a\"b = c\\\n", `{"level":"WARN","msg":"x"}`)
	f.Fuzz(func(t *testing.T, table, text string) {
		_, _ = ParseLine(text)
		e := gateway.Event{RequestedTable: table, Ended: usual.Ended}
		fields, err := ParseLine(line("text", false, e))
		if err != nil || fields["table"] != table {
			t.Errorf("%q became %q, %v", table, fields["table"], err)
		}
	})
}
