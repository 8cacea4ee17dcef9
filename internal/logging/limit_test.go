package logging

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/internal/config"
)

// A text keeps what is written.
type text struct {
	mu   sync.Mutex
	text []byte
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	return len(p), nil
}

// lines returns the lines since its last call, without their times.
func (t *text) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSuffix(string(t.text), "\n"), "\n")
	for i, line := range lines {
		_, lines[i], _ = strings.Cut(line, " ")
	}
	t.text = nil
	return lines
}

// limited returns a limited log, and a function that returns its lines.
func limited(level string) (log *slog.Logger, lines func() []string) {
	to := new(text)
	return Limit(New(to, config.Log{Level: level}, false), nil), to.lines
}

func refuse(log *slog.Logger, client, code, table string) {
	log.Warn("refused", slog.String("code", code), slog.String("table", table), slog.String("client", client))
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d lines:\n%s\nwant %d:\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}

func TestRepeatedLinesOfAClientAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := limited("info")
		for range 3 { // periods
			for n := range 1000 {
				refuse(log, "192.0.2.1", "forbidden", "peers")
				if n%10 == 0 {
					log.Error("away", slog.String("code", "unavailable"), slog.String("table", "peers"), slog.String("client", "192.0.2.1"))
					refuse(log, "192.0.2.1", "forbidden", "users")
					log.Warn("TLS handshake failed", slog.String("client", "192.0.2.1"), slog.Int("reason", n))
				}
			}
			want(t, lines(),
				"level=WARN msg=refused code=forbidden table=peers client=192.0.2.1",
				"level=ERROR msg=away code=unavailable table=peers client=192.0.2.1",
				"level=WARN msg=refused code=forbidden table=users client=192.0.2.1",
				`level=WARN msg="TLS handshake failed" client=192.0.2.1 reason=0`)
			time.Sleep(time.Minute - time.Nanosecond)
			want(t, lines(), "")
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			want(t, lines(), `level=ERROR msg="log lines were left out" client=192.0.2.1 lines=1296 kinds="TLS handshake failed 99, forbidden 1098, unavailable 99"`)
		}
		time.Sleep(time.Hour)
		want(t, lines(), "")
	})
}

func TestClientsAreCountedEachByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := limited("info")
		for range 2 {
			for _, client := range []string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1", "@", ""} {
				refuse(log, client, "forbidden", "peers")
			}
		}
		var got []string
		for _, line := range lines() {
			got = append(got, line[strings.LastIndex(line, "client="):])
		}
		want(t, got, "client=192.0.2.1", "client=192.0.2.2", "client=2001:db8::1", "client=2001:db8:0:1::1", "client=@", `client=""`)
		time.Sleep(limitPeriod)
		synctest.Wait()
		if got := strings.Join(lines(), "\n"); !strings.Contains(got, `client=2001:db8::/64 lines=3 kinds="forbidden 3"`) {
			t.Error(got)
		}
	})
}

// A stranger with many addresses and names, for an hour.
func TestLinesAreLimitedInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := limited("info")
		total := 0
		for minute := range 60 {
			for n := range 5000 {
				refuse(log, fmt.Sprintf("198.51.%d.%d", n%200, minute), "unknown-table", fmt.Sprint("made_up_", n))
			}
			time.Sleep(limitPeriod)
			synctest.Wait()
			got := lines()
			if last := got[len(got)-1]; minute == 0 && last != `level=WARN msg="log lines were left out" client=others lines=2480 kinds="unknown-table 2480"` {
				t.Error(last)
			}
			total += len(got)
		}
		if most := 60 * (maxCounted + 1) * (maxKinds + 1); total > most {
			t.Errorf("%d lines of 300,000, want at most %d", total, most)
		}
	})
}

func TestDebugLinesAreNotLimited(t *testing.T) {
	log, lines := limited("debug")
	for range 100 {
		log.Debug("refused", slog.String("client", "192.0.2.1"))
	}
	if n := len(lines()); n != 100 {
		t.Errorf("%d lines", n)
	}
}

func TestLevelOfTheCountIsThatOfItsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := limited("error")
		for range 3 {
			refuse(log, "192.0.2.1", "forbidden", "peers")
			log.Error("away", slog.String("code", "unavailable"), slog.String("client", "192.0.2.1"))
		}
		time.Sleep(limitPeriod)
		synctest.Wait()
		want(t, lines(), "level=ERROR msg=away code=unavailable client=192.0.2.1",
			`level=ERROR msg="log lines were left out" client=192.0.2.1 lines=2 kinds="unavailable 2"`)
	})
}

func TestManyClientsAtOnceAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := limited("info")
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				for range 100 {
					refuse(log, fmt.Sprint("192.0.2.", n%5), "forbidden", "peers")
				}
			})
		}
		all.Wait()
		time.Sleep(limitPeriod)
		synctest.Wait()
		if got := lines(); len(got) != 10 || !strings.HasSuffix(got[9], `client=192.0.2.4 lines=199 kinds="forbidden 199"`) {
			t.Error(strings.Join(got, "\n"))
		}
	})
}
