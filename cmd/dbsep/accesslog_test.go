package main

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
		"blanks":         with(func(e *gateway.Event) { e.User = "alice b" }),
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
				newAccessLog(&gathered{w: &got}, c).write(e)
				newLog(&want, c).Info("request", fieldsOf(&e)...)
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
		log := newAccessLog(&gathered{w: &got}, c)
		for i, zone := range []*time.Location{time.UTC, time.FixedZone("", 5*3600+1800)} {
			for _, nanos := range []int{0, 1, 999_999, 1_000_000, 120_000_000, 123_456_789, 999_999_999} {
				e := gateway.Event{Status: 200, Took: time.Second, Ended: time.Date(2026, 11, 22, 1, 2, 3+i, nanos, zone)}
				var want bytes.Buffer
				r := slog.NewRecord(e.Ended, slog.LevelInfo, "request", 0)
				r.Add(fieldsOf(&e)...)
				if err := newLog(&want, c).Handler().Handle(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				got.Reset()
				log.write(e)
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
		newAccessLog(&gathered{w: &got}, config.Log{Access: true}).write(e)
		newLog(&want, config.Log{}).Info("request", fieldsOf(&e)...)
		if got.String() != want.String() || !strings.HasPrefix(got.String(), "<6>level=INFO ") {
			t.Errorf("\ngot  %s\nwant %s", &got, &want)
		}
	}
}

func TestNoAccessLog(t *testing.T) {
	for name, c := range map[string]config.Log{"not wanted": {}, "only warnings": {Access: true, Level: "warn"}} {
		if newAccessLog(nil, c) != nil {
			t.Error(name)
		}
	}
	var got bytes.Buffer
	newAccessLog(&gathered{w: &got}, config.Log{Access: true}).write(gateway.Event{Slow: true})
	if got.Len() > 0 {
		t.Errorf("a slow request has left a line already: %s", &got)
	}
}

// written tells of each write.
type written chan string

func (w written) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestGathered(t *testing.T) {
	t.Run("lines leave by themselves, every time anew", func(t *testing.T) {
		to := make(written)
		g := &gathered{w: to, wait: time.Millisecond}
		for range 3 {
			write(t, g, "one\n")
			if got := <-to; got != "one\n" {
				t.Errorf("%q", got)
			}
		}
	})
	t.Run("a line that cannot wait takes those in front of it along", func(t *testing.T) {
		to := make(written, 1)
		g := &gathered{w: to, wait: time.Hour}
		write(t, g, "one\n")
		write(t, prompt{g}, "two\n")
		if got := <-to; got != "one\ntwo\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("much leaves at once", func(t *testing.T) {
		to := make(written, 1)
		g := &gathered{w: to, wait: time.Hour}
		long := strings.Repeat("x", gatheredBytes)
		write(t, g, "one\n")
		write(t, g, long)
		if got := <-to; got != "one\n"+long {
			t.Errorf("%d bytes", len(got))
		}
	})
	t.Run("without a wait each line leaves", func(t *testing.T) {
		to := make(written, 1)
		write(t, &gathered{w: to}, "one\n")
		if got := <-to; got != "one\n" {
			t.Errorf("%q", got)
		}
	})
}

func write(t *testing.T, w interface{ Write([]byte) (int, error) }, line string) {
	t.Helper()
	if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
		t.Fatal(n, err)
	}
}

func TestAccessLogOfAServer(t *testing.T) {
	r := runSample(t, "[log]\naccess=yes\n")
	r.post("/ps_endpoints/single", "id=secret")
	line := r.said("msg=request operation=single table=ps_endpoints .*status=200 rows=0 bytes=1 seconds=")
	if strings.Contains(line, "secret") {
		t.Errorf("a value is in the log: %s", line)
	}
	r.reload("[log]\nformat=json\naccess=yes\n", `"msg":"reloaded"`)
	r.post("/ps_endpoints/multi", "nope=1")
	r.said(`"msg":"request","code":"unknown-column","operation":"multi","table":"ps_endpoints"`)
}
