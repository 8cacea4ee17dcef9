//go:build soak

package soak

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"dbsep/internal/mariadbtest"
	"dbsep/internal/testenv"
)

const tables = "../attack/testdata/tables.sql"

// samplesEach is how often a server is measured.
const samplesEach = 100

func TestSoak(t *testing.T) {
	minutes, err := strconv.ParseFloat(os.Getenv("DBSEP_SOAK_MINUTES"), 64)
	if err != nil || minutes <= 0 {
		t.Fatal("set DBSEP_SOAK_MINUTES to the minutes that it may take")
	}
	bound := time.Duration(minutes * float64(time.Minute))
	for _, k := range []struct {
		name    string
		site    func(t testing.TB, script string) *testenv.Site
		restart func(t testing.TB) // of the database, in the middle
	}{
		{"SQLite", testenv.SQLite, nil},
		{"MariaDB", testenv.MariaDB, restart},
		{"PostgreSQL", testenv.Postgres, nil},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			testenv.Feature(t, "soak/"+k.name, fmt.Sprintf("%v of mixed load: nothing grows", bound), func(t *testing.T) {
				soak(t, k.site(t, tables), bound, k.restart)
			})
		})
	}
}

func soak(t *testing.T, site *testenv.Site, bound time.Duration, restart func(t testing.TB)) {
	t.Helper()
	status, address := testenv.FreeAddress(t), testenv.FreeAddress(t)
	site.Configure(t, "[server]", "status_listen="+status, "[log]", "level=error",
		"[limits]", "header_timeout=5s", "read_timeout=5s", "write_timeout=5s", "idle_timeout=5s", "response_memory=16M")
	server := site.ServeAt(t, address)
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	l := &load{base: "http://" + address, address: address}
	wait := l.begin(ctx, t, server)
	samples := sample(ctx, t, "http://"+status, bound, func() {
		if restart != nil {
			l.restarting.Store(true)
			restart(t)
			wantReady(t, "http://"+status)
			l.restarting.Store(false)
		}
	})
	cancel()
	wait()
	t.Logf("%s: %d answers, %d of 50,000 rows, %d slow and %d vanished clients, %d failures while the database restarted, %.0f reloads\n%s",
		site.Kind, l.answers.Load(), l.long.Load(), l.slow.Load(), l.gone.Load(), l.failures.Load(),
		testenv.Metrics(t, "http://"+status).Sum(`dbsep_config_reloads_total{result="success"}`), table(samples))
	for _, m := range measures {
		if err := m.grown(samples); err != nil {
			t.Error(err)
		}
	}
}

// begin puts the load on a server. The returned function waits for its end.
func (l *load) begin(ctx context.Context, t *testing.T, server *testenv.Process) (wait func()) {
	t.Helper()
	var all sync.WaitGroup
	for name, one := range map[string]func(context.Context) error{
		"phone 1":   func(ctx context.Context) error { return l.phone(ctx, "phone1") },
		"phone 2":   func(ctx context.Context) error { return l.phone(ctx, "phone2") },
		"reader":    l.reader,
		"vanishing": l.vanishing,
		"slow":      l.slowly,
		"reload": func(ctx context.Context) error {
			return every(ctx, reloadPace(ctx), func() error { return server.Process.Signal(syscall.SIGHUP) })
		},
	} {
		all.Go(func() {
			if err := one(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	return all.Wait
}

// reloadPace is a minute, or less where the whole takes a few minutes only.
func reloadPace(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return min(time.Minute, time.Until(end)/5)
}

// sample measures a server until ctx ends, and does something in the middle.
func sample(ctx context.Context, t *testing.T, status string, bound time.Duration, middle func()) (all []testenv.Series) {
	t.Helper()
	check(t, every(ctx, bound/samplesEach, func() error {
		s, err := testenv.ReadSeries(context.WithoutCancel(ctx), status)
		if err != nil {
			return err
		}
		if all = append(all, s); len(all) == samplesEach/2 {
			middle()
		}
		return nil
	}))
	return all
}

// wantReady waits until the server finds its database well and queries it again. It
// may not have looked while the database was unavailable for a moment, so that the
// first alone shows nothing.
func wantReady(t *testing.T, status string) {
	t.Helper()
	testenv.WaitFor(t, "the database to be well again", nil, func(ctx context.Context) error {
		s, err := testenv.ReadSeries(ctx, status)
		if err == nil && (s["dbsep_db_up"] != 1 || s.Sum("dbsep_db_breaker_open") > 0) {
			err = fmt.Errorf("the database is away")
		}
		return err
	})
}

// restart ends the MariaDB server, and all connections with it, and starts it again.
func restart(t testing.TB) {
	s := mariadbtest.Start(t)
	s.Halt(t)
	s.Again(t)
}
