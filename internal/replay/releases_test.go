package replay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// releases are the forms of requests that not every release of Asterisk since 1.6.2 has. All
// others are in wire.jsonl.
var releases = []struct {
	releases     string
	what         string
	target, body string // by POST, without a body by GET
	want         decision
}{
	{
		"1.6.2, 1.8.0 to 1.8.21, 10, 11.0 to 11.3", "the pairs of a require have no & between them",
		"/queue_log/require", "time=datetime%3A26data1=char%3A20data2=char%3A20data3=char%3A20data4=char%3A20data5=char%3A20",
		decision{`200 "0\n"`},
	},
	{
		"1.6.2, 1.8.0 to 1.8.21, 10, 11.0 to 11.3", "so for IAX2 peers",
		"/iaxfriends/require", "name=char%3A10ipaddr=char%3A15port=uinteger2%3A5regseconds=uinteger2%3A6",
		decision{`200 "0\n"`},
	},
	{
		"1.6.2, 1.8.0 to 1.8.21, 10, 11.0 to 11.3", "a column is missing",
		"/queue_log/require", "time=datetime%3A26data9=char%3A20",
		decision{`200 glued-fields "-1\n"`},
	},
	{
		"1.8.22 and later, 11.4 and later", "the pairs of a require have an & between them",
		"/queue_log/require", "time=datetime%3A26&data1=char%3A20",
		decision{`200 "0\n"`},
	},
	{
		"1.6.2 and later", "the pairs of an update2 have none, and one before them",
		"/voicemail/update?&context=defaultmailbox=1234", "&password=8642",
		decision{
			`200 "1\n"`,
			`- voicemail (1, "default", "1234", "4242", "Jane Doe", NULL, "jane@example.invalid", NULL, "no", NULL, NULL, NULL, "eastern", "no", NULL, NULL, NULL, NULL, NULL, "yes", NULL, NULL, NULL, NULL, NULL, NULL, 50, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
			`+ voicemail (1, "default", "1234", "8642", "Jane Doe", NULL, "jane@example.invalid", NULL, "no", NULL, NULL, NULL, "eastern", "no", NULL, NULL, NULL, NULL, NULL, "yes", NULL, NULL, NULL, NULL, NULL, NULL, 50, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
		},
	},
	{
		"1.6.2 and later", "a destroy ends in &",
		"/rt_test/destroy", "name=row%20one&",
		decision{`200 "1\n"`, `- rt_test (1, "row one", "simple", "x;y;z", "", NULL, " ", 0, "u_v")`},
	},
	{
		"1.6.2 and later", "app_meetme has an operator without a space before it, and one behind it",
		"/meetme/single", "confno=800&startTime%3C%3D%20=2026-01-01%2012%3A00%3A00&endtime%3E%3D%20=2026-01-01%2012%3A00%3A00",
		decision{`200 "\n"`},
	},
	{
		"1.8.28 to 1.8.32, 11.10 to 11.15, 12.3 to 12.8, 13.0 and 13.1", "a byte beyond ASCII is a negative number",
		"/rt_test/store", "name=caf%FFFFFFC3%FFFFFFA9&b=100%25FFFFFFC3&a=%FFFFFFE4%FFFFFFBD%FFFFFFA0",
		decision{`200 "1\n"`, `+ rt_test (4, "café", "你", "100%FFFFFFC3", NULL, NULL, NULL, NULL, NULL)`},
	},
	{
		"1.8.28 to 1.8.32, 11.10 to 11.15, 12.3 to 12.8, 13.0 and 13.1", "so in a value that is cut within a character",
		"/rt_test/store", "name=cut&a=" + strings.Repeat("x", 239) + "%FFFFFFC3",
		decision{`200 "1\n"`, `+ rt_test (4, "cut", "` + strings.Repeat("x", 239) + `", NULL, NULL, NULL, NULL, NULL, NULL)`},
	},
	{
		"1.8.28 to 1.8.32, 11.10 to 11.15, 12.3 to 12.8, 13.0 and 13.1", "so in a condition",
		"/rt_test/multi", "c=%FFFFFFC3%FFFFFFA9%20%FFFFFFC3%FFFFFFBC%20%FFFFFFE6%FFFFFFBC%FFFFFFA2",
		decision{`200 "id=2&name=row%20two&a=it%27s%20100%25%20%22quoted%22%20%5C%20back&b=a%26b%3Dc%2Bd&c=%C3%A9%20%C3%BC%20%E6%BC%A2&d=tab%09here&e=%3B%20and%20%5E&n=%2D5&x_y=uxv\n"`},
	},
	{
		"1.6.2 and later", "an update with an unbalanced parenthesis has lost its body",
		"/rt_test/update?name=s(1,a=1", "",
		decision{`200 method-not-allowed "-1\n"`},
	},
}

func TestReleases(t *testing.T) {
	for db, schema := range map[string]string{"sqlite": "testdata/asterisk-sqlite.sql", "mariadb": "testdata/asterisk-mysql.sql", "pg": "testdata/asterisk-pg.sql"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			f := fixtures[db](t, schema)
			for _, r := range releases {
				w := &wireRequest{Method: "POST", Target: r.target, Body: r.body}
				w.Header = fmt.Appendf(nil, "Host: 127.0.0.1\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\n")
				if r.body == "" {
					w.Method = "GET"
				} else {
					w.Header = fmt.Appendf(w.Header, "Content-Length: %d\r\nContent-Type: application/x-www-form-urlencoded\r\n", len(r.body))
				}
				a := w.send(t, f.fresh(t))
				checkAnswer(t, w.request(), a)
				if diff := cmp.Diff(r.want, decide(a, f.changes(t))); diff != "" {
					t.Errorf("Asterisk %s, %s: %s %s\n(-want +got):\n%s", r.releases, r.what, r.target, r.body, diff)
				}
			}
		})
	}
}
