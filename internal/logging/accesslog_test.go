package logging

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/config"
)

// usual is the event of a request that has nothing special.
var usual = gateway.Event{
	Operation: "update", Status: 200, Rows: 1, Bytes: 2, RequestedTable: "peers", Client: "192.0.2.1",
	Took: 123456 * time.Nanosecond, Ended: time.Date(2026, 11, 22, 1, 2, 3, 120_000_000, time.UTC),
}

// line is the line of an event.
func line(format string, shared bool, e gateway.Event) string {
	var b bytes.Buffer
	NewAccessLog(&BufferedWriter{To: &b}, config.Log{Access: true, Format: format}, shared).Write(e)
	return b.String()
}

func TestAccessLogLines(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*gateway.Event)
		text, json string // after the message
	}{
		{"usual", func(*gateway.Event) {},
			`operation=update table=peers client=192.0.2.1 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"peers","client":"192.0.2.1","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"empty", func(e *gateway.Event) { *e = gateway.Event{Ended: e.Ended} },
			`status=0 rows=0 bytes=0 seconds=0`,
			`"status":0,"rows":0,"bytes":0,"seconds":0`},
		{"an error", func(e *gateway.Event) { e.Code = gateway.UnknownColumn },
			`code=unknown-column operation=update table=peers client=192.0.2.1 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"code":"unknown-column","operation":"update","table":"peers","client":"192.0.2.1","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"all names", func(e *gateway.Event) { e.User, e.ID, e.Client = "alice@example.org", "req-1/2", "2001:db8::1" },
			`operation=update table=peers client=2001:db8::1 user=alice@example.org request=req-1/2 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"peers","client":"2001:db8::1","user":"alice@example.org","request":"req-1/2","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"spaces and an equals sign", func(e *gateway.Event) { e.User, e.ID = "alice b", "a=b" },
			`operation=update table=peers client=192.0.2.1 user="alice b" request="a=b" status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"peers","client":"192.0.2.1","user":"alice b","request":"a=b","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"quotes", func(e *gateway.Event) { e.ID = `a"b\c` },
			`operation=update table=peers client=192.0.2.1 request="a\"b\\c" status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"peers","client":"192.0.2.1","request":"a\"b\\c","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"a line's end", func(e *gateway.Event) { e.RequestedTable = "peers\nlevel=ERROR msg=forged" },
			`operation=update table="peers\nlevel=ERROR msg=forged" client=192.0.2.1 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"peers\nlevel=ERROR msg=forged","client":"192.0.2.1","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"no UTF-8", func(e *gateway.Event) { e.RequestedTable = "p\xff\xfe" },
			`operation=update table="p\xff\xfe" client=192.0.2.1 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"p\ufffd\ufffd","client":"192.0.2.1","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"Greek", func(e *gateway.Event) { e.RequestedTable = "τηλέφωνα" },
			`operation=update table=τηλέφωνα client=192.0.2.1 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"τηλέφωνα","client":"192.0.2.1","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"markup", func(e *gateway.Event) { e.RequestedTable = "<b>&amp;" },
			`operation=update table=<b>&amp; client=192.0.2.1 status=200 rows=1 bytes=2 seconds=0.000123456`,
			`"operation":"update","table":"<b>&amp;","client":"192.0.2.1","status":200,"rows":1,"bytes":2,"seconds":0.000123456`},
		{"many bytes", func(e *gateway.Event) { e.Bytes, e.Rows = 1<<40, 1000000 },
			`operation=update table=peers client=192.0.2.1 status=200 rows=1000000 bytes=1099511627776 seconds=0.000123456`,
			`"operation":"update","table":"peers","client":"192.0.2.1","status":200,"rows":1000000,"bytes":1099511627776,"seconds":0.000123456`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := usual
			c.change(&e)
			if got, want := line("text", false, e), "time=2026-11-22T01:02:03.120Z level=INFO msg=request "+c.text+"\n"; got != want {
				t.Errorf("\ngot  %swant %s", got, want)
			}
			if got, want := line("json", false, e), `{"time":"2026-11-22T01:02:03.12Z","level":"INFO","msg":"request",`+c.json+"}\n"; got != want {
				t.Errorf("\ngot  %swant %s", got, want)
			}
			if got, want := line("text", true, e), "dbsep: time=2026-11-22T01:02:03.120Z level=INFO msg=request "+c.text+"\n"; got != want {
				t.Errorf("\ngot  %swant %s", got, want)
			}
			if got, want := line("json", true, e), `{"time":"2026-11-22T01:02:03.12Z","level":"INFO","msg":"request","program":"dbsep",`+c.json+"}\n"; got != want {
				t.Errorf("\ngot  %swant %s", got, want)
			}
		})
	}
}

func TestAccessLogSeconds(t *testing.T) {
	for _, c := range []struct {
		took       time.Duration
		text, json string
	}{
		{1, "1e-09", "1e-9"},
		{999, "9.99e-07", "9.99e-7"},
		{time.Microsecond, "1e-06", "0.000001"},
		{47123, "4.7123e-05", "0.000047123"},
		{99_999, "9.9999e-05", "0.000099999"},
		{100 * time.Microsecond, "0.0001", "0.0001"},
		{100_001, "0.000100001", "0.000100001"},
		{time.Second, "1", "1"},
		{24 * time.Hour, "86400", "86400"},
	} {
		e := gateway.Event{Status: 200, Took: c.took}
		if got, want := line("text", false, e), "level=INFO msg=request status=200 rows=0 bytes=0 seconds="+c.text+"\n"; got != want {
			t.Errorf("\ngot  %swant %s", got, want)
		}
		if got, want := line("json", false, e), `{"level":"INFO","msg":"request","status":200,"rows":0,"bytes":0,"seconds":`+c.json+"}\n"; got != want {
			t.Errorf("\ngot  %swant %s", got, want)
		}
	}
}

func TestAccessLogTime(t *testing.T) {
	zone := time.FixedZone("", 5*3600+1800)
	for _, c := range []struct {
		ended      time.Time
		text, json string
	}{
		{time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), "2026-11-22T01:02:03.000Z", "2026-11-22T01:02:03Z"},
		{time.Date(2026, 11, 22, 1, 2, 3, 999_999, time.UTC), "2026-11-22T01:02:03.000Z", "2026-11-22T01:02:03.000999999Z"},
		{time.Date(2026, 11, 22, 1, 2, 3, 120_000_000, zone), "2026-11-22T01:02:03.120+05:30", "2026-11-22T01:02:03.12+05:30"},
		{time.Date(2026, 11, 22, 1, 2, 4, 999_999_999, zone), "2026-11-22T01:02:04.999+05:30", "2026-11-22T01:02:04.999999999+05:30"},
	} {
		e := gateway.Event{Status: 200, Took: time.Second, Ended: c.ended}
		if got, want := line("text", false, e), fmt.Sprintf("time=%s level=INFO msg=request status=200 rows=0 bytes=0 seconds=1\n", c.text); got != want {
			t.Errorf("\ngot  %swant %s", got, want)
		}
		if got, want := line("json", false, e), fmt.Sprintf(`{"time":"%s","level":"INFO","msg":"request","status":200,"rows":0,"bytes":0,"seconds":1}`+"\n", c.json); got != want {
			t.Errorf("\ngot  %swant %s", got, want)
		}
	}
}

func TestAccessLogInTheJournalHasItsPriorityAndNoTime(t *testing.T) {
	stderr, err := os.Stderr.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file := stderr.Sys().(*syscall.Stat_t)
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", file.Dev, file.Ino))
	e := usual
	e.User = "alice b"
	if got, want := line("text", false, e), `<6>level=INFO msg=request operation=update table=peers client=192.0.2.1 user="alice b" status=200 rows=1 bytes=2 seconds=0.000123456`+"\n"; got != want {
		t.Errorf("\ngot  %swant %s", got, want)
	}
	if got, want := line("json", false, e), `<6>{"level":"INFO","msg":"request","operation":"update","table":"peers","client":"192.0.2.1","user":"alice b","status":200,"rows":1,"bytes":2,"seconds":0.000123456}`+"\n"; got != want {
		t.Errorf("\ngot  %swant %s", got, want)
	}
}

func TestJournalOfAnotherProgramIsNotTheLogs(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "8:1") // a shell in a service inherits it
	if got := line("text", false, usual); !strings.HasPrefix(got, "time=") {
		t.Error(got)
	}
}

func TestNoAccessLog(t *testing.T) {
	for name, c := range map[string]config.Log{"not wanted": {}, "only warnings": {Access: true, Level: "warn"}} {
		if NewAccessLog(nil, c, false) != nil {
			t.Error(name)
		}
	}
}
