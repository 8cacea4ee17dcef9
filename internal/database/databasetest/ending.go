package databasetest

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"time"

	"dbsep/internal/database"
	"dbsep/sqlgen"
)

// A statement whose time is up, or whose client left, ends in the database too. It is
// nowhere assumed how long that takes: where it does not end, the test does not.
var ending = map[string]func(*testing.T, *fixture){
	"a statement ends when its time is up": func(t *testing.T, f *fixture) {
		watched := f.watchRunning()
		for range 3 {
			var all sync.WaitGroup
			for range 2 * f.readPool().Max {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					defer cancel()
					f.wantCause("read", query(ctx, f.DB, f.endless()), sqlgen.Timeout)
				})
			}
			all.Wait()
		}
		watched()
		f.awaitRunning(0)
	},

	"a statement ends when its client leaves": func(t *testing.T, f *fixture) {
		watched := f.watchRunning()
		for range 3 {
			ctx, leave := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range 2 * f.readPool().Max {
				all.Go(func() { f.wantCause("read", query(ctx, f.DB, f.endless()), sqlgen.Canceled) })
			}
			f.awaitRunning(cmp.Or(f.AtOnce, f.readPool().Max))
			leave()
			all.Wait()
		}
		watched()
		f.awaitRunning(0)
	},

	"200 abandoned statements leave the server usable": func(t *testing.T, f *fixture) {
		peers := f.peers()
		watched := f.watchRunning()
		var all sync.WaitGroup
		for client := range 10 {
			all.Go(func() {
				for i := range 20 {
					ctx, leave := context.WithCancel(t.Context())
					time.AfterFunc(time.Duration(client*i)*100*time.Microsecond, leave)
					f.wantCause("read", query(ctx, f.DB, f.endless()), sqlgen.Canceled)
				}
			})
		}
		all.Wait()
		f.wantRows("afterwards", f.multi(peers, "name", "alice"), "alice|internal|5060|0.5")
		watched()
		f.awaitRunning(0)
	},

	// What ends a statement may come before the database has begun with it. (After a login
	// that took long the next one is not tried at once.)
	"a statement whose time is up as it begins ends": func(t *testing.T, f *fixture) {
		f.peers()
		for i := range 200 {
			for what, run := range map[string]func(context.Context) error{
				"read": func(ctx context.Context) error { return query(ctx, f.DB, f.endless()) },
				"write": func(ctx context.Context) error {
					_, err := f.DB.Exec(ctx, f.slowWrite(1000))
					return err
				},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10*i)*time.Microsecond)
				if err := run(ctx); CauseOf(err) != sqlgen.Timeout && CauseOf(err) != sqlgen.Unavailable {
					t.Errorf("%s: %v", what, plain(err))
				}
				cancel()
			}
		}
		f.awaitRunning(0)
	},

	"a read ends between its rows": func(t *testing.T, f *fixture) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		time.AfterFunc(time.Second, leave) // a database may send the first row with the last
		s := sqlgen.Statement{SQL: "SELECT 1 UNION ALL SELECT " + f.Wait(1000)}
		err := f.DB.Query(ctx, s, func([][]byte) error {
			leave()
			return nil
		})
		f.wantFault("read", err, sqlgen.Canceled)
		f.awaitRunning(0)
	},

	"a write whose time is up is not done later": func(t *testing.T, f *fixture) {
		peers := f.peers()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := f.DB.Exec(ctx, f.slowWrite(3))
		f.wantFault("write", err, sqlgen.Timeout)
		f.awaitRunning(0)
		f.wantRows("afterwards", f.multi(peers, "name", "alice"), "alice|internal|5060|0.5")
	},

	"a write that was answered before its time was up stays": func(t *testing.T, f *fixture) {
		peers := f.peers()
		for range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			if err := f.touch(ctx, peers); err != nil {
				t.Fatal(plain(err))
			}
			cancel()
			f.wantRows("afterwards", f.multi(peers, "name", "alice"), "alice|internal|1|0.5")
		}
	},
}

// wantCause is wantFault for any goroutine.
func (f *fixture) wantCause(what string, err error, want sqlgen.Cause) {
	if CauseOf(err) != want {
		f.t.Errorf("%s: %v; want %q", what, plain(err), &sqlgen.Fault{Cause: want})
	}
}

// endless is a read that does not end by itself.
func (f *fixture) endless() sqlgen.Statement { return sqlgen.Statement{SQL: "SELECT " + f.Wait(1000)} }

// slowWrite is a write of the table of peers that takes some seconds.
func (f *fixture) slowWrite(seconds int) sqlgen.Statement {
	return sqlgen.Statement{SQL: f.quote("UPDATE [peers] SET [port] = " + f.Wait(seconds) + " WHERE [name] = 'alice'")}
}

func (f *fixture) readPool() database.PoolStats { return f.DB.Stats()[0] }

// running is how many statements of dbsep run in the database, or on connections to it.
func (f *fixture) running() int {
	if f.Running != nil {
		return f.Running()
	}
	n := 0
	for _, p := range f.DB.Stats() {
		n += p.InUse
	}
	return n
}

// awaitRunning waits until so many statements of dbsep run.
func (f *fixture) awaitRunning(n int) {
	for f.running() != n && f.t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// watchRunning checks all the time, until the function that it returns is called, that
// no more statements run than the pool has connections. A list of statements is not of
// one moment: it may have one that has just ended and the next one.
func (f *fixture) watchRunning() (stop func()) {
	const moments = 5
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for tooMany := 0; tooMany < moments; {
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
			if f.running() > f.readPool().Max {
				tooMany++
			} else {
				tooMany = 0
			}
		}
		f.t.Errorf("more than %d statements run at once", f.readPool().Max)
	})
	stop = sync.OnceFunc(func() {
		close(ended)
		watch.Wait()
	})
	f.t.Cleanup(stop)
	return stop
}
