package logging

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
	"dbsep/internal/config"
)

// TestAccessLogIsSlogs compares each line with the one that package slog writes.
func TestAccessLogIsSlogs(t *testing.T) {
	usual := gateway.Event{Operation: "update", Status: 200, Rows: 1, Bytes: 2, Took: 123456 * time.Nanosecond, Asked: "peers", Client: "192.0.2.1"}
	with := func(change func(*gateway.Event)) gateway.Event {
		e := usual
		change(&e)
		return e
	}
	events := map[string]gateway.Event{
		"usual":          usual,
		"empty":          {},
		"an error":       with(func(e *gateway.Event) { e.Code = gateway.UnknownColumn }),
		"all names":      with(func(e *gateway.Event) { e.User, e.ID, e.Client = "alice@example.org", "req-1/2", "2001:db8::1" }),
		"spaces":         with(func(e *gateway.Event) { e.User = "alice b" }),
		"quotes":         with(func(e *gateway.Event) { e.ID = `a"b\c` }),
		"a line's end":   with(func(e *gateway.Event) { e.Asked = "peers\nlevel=ERROR msg=forged" }),
		"an equals sign": with(func(e *gateway.Event) { e.ID = "a=b" }),
		"no UTF-8":       with(func(e *gateway.Event) { e.Asked = "p\xff\xfe" }),
		"Greek":          with(func(e *gateway.Event) { e.Asked = "τηλέφωνα" }),
		"markup":         with(func(e *gateway.Event) { e.Asked = "<b>&amp;" }),
		"many bytes":     with(func(e *gateway.Event) { e.Bytes, e.Rows = 1<<40, 1000000 }),
	}
	for _, took := range []time.Duration{0, 1, 999, time.Microsecond, 1234, 10 * time.Microsecond, 47123, 50 * time.Microsecond, 99_999, 100 * time.Microsecond, 100_001, time.Second, 90 * time.Second, 24 * time.Hour} {
		events[took.String()] = with(func(e *gateway.Event) { e.Took = took })
	}
	for _, format := range []string{"text", "json"} {
		for name, e := range events {
			t.Run(format+" "+name, func(t *testing.T) {
				c := config.Log{Access: true, Format: format}
				var got, want bytes.Buffer
				NewAccessLog(&BufferedWriter{To: &got}, c, true).Write(e)
				New(&want, c, true).Info("request", fieldsOf(&e)...)
				if untime(got.String()) != untime(want.String()) {
					t.Errorf("\ngot  %s\nwant %s", &got, &want)
				}
				if strings.Count(got.String(), "\n") != 1 {
					t.Errorf("%q is not one line", &got)
				}
			})
		}
	}
}

// untime takes the time out of a line.
func untime(line string) string {
	if _, rest, found := strings.Cut(line, "level="); found {
		return rest
	}
	_, rest, _ := strings.Cut(line, `"level":`)
	return rest
}

func TestAccessLogsTimeIsSlogs(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		c := config.Log{Access: true, Format: format}
		var got bytes.Buffer
		log := NewAccessLog(&BufferedWriter{To: &got}, c, true)
		for i, zone := range []*time.Location{time.UTC, time.FixedZone("", 5*3600+1800)} {
			for _, nanos := range []int{0, 1, 999_999, 1_000_000, 120_000_000, 123_456_789, 999_999_999} {
				e := gateway.Event{Status: 200, Took: time.Second, Ended: time.Date(2026, 11, 22, 1, 2, 3+i, nanos, zone)}
				var want bytes.Buffer
				r := slog.NewRecord(e.Ended, slog.LevelInfo, "request", 0)
				r.Add(fieldsOf(&e)...)
				if err := New(&want, c, true).Handler().Handle(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				got.Reset()
				log.Write(e)
				if got.String() != want.String() {
					t.Errorf("\ngot  %swant %s", &got, &want)
				}
			}
		}
	}
}

func TestAccessLogInTheJournalHasItsPriority(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "8:1")
	for _, user := range []string{"alice", "alice b"} {
		e := gateway.Event{Operation: "single", User: user, Took: time.Millisecond}
		var got, want bytes.Buffer
		NewAccessLog(&BufferedWriter{To: &got}, config.Log{Access: true}, true).Write(e)
		New(&want, config.Log{}, true).Info("request", fieldsOf(&e)...)
		if got.String() != want.String() || !strings.HasPrefix(got.String(), "<6>level=INFO ") {
			t.Errorf("\ngot  %s\nwant %s", &got, &want)
		}
	}
}

func TestNoAccessLog(t *testing.T) {
	for name, c := range map[string]config.Log{"not wanted": {}, "only warnings": {Access: true, Level: "warn"}} {
		if NewAccessLog(nil, c, true) != nil {
			t.Error(name)
		}
	}
	var got bytes.Buffer
	NewAccessLog(&BufferedWriter{To: &got}, config.Log{Access: true}, true).Write(gateway.Event{Slow: true})
	if got.Len() > 0 {
		t.Errorf("a slow request has left a line already: %s", &got)
	}
}
