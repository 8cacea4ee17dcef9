package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/sqlgen"
)

// A pretended server is away at times, or there without a word. In a bubble of
// synctest its silence costs no time.
type pretended struct {
	away, mute atomic.Bool
	slow       time.Duration // of a login
	busy       time.Duration // until the machine notices that a context is over
	writes     atomic.Int64
	panics     atomic.Bool // with several arguments

	mu                  sync.Mutex
	logins, now, atOnce int
	cuts                int
}

// cut ends all connections in such a way that they still seem to live.
func (p *pretended) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts++
}

func (p *pretended) cutSoFar() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *pretended) Driver() driver.Driver { return nil }

func (p *pretended) Connect(ctx context.Context) (driver.Conn, error) {
	p.count(1)
	defer p.count(-1)
	if err := p.wait(ctx, p.slow); err != nil {
		return nil, err
	}
	if p.away.Load() {
		return nil, driver.ErrBadConn
	}
	return pretendedConn{p, p.cutSoFar()}, nil
}

// wait lasts until the context is over where the server is mute.
func (p *pretended) wait(ctx context.Context, d time.Duration) error {
	if p.mute.Load() {
		d = time.Hour
	}
	select {
	case <-ctx.Done():
		time.Sleep(p.busy)
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (p *pretended) count(more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins += max(more, 0)
	p.now += more
	p.atOnce = max(p.atOnce, p.now)
}

type pretendedConn struct {
	*pretended
	born int // after so many cuts
}

func (pretendedConn) Close() error              { return nil }
func (pretendedConn) Begin() (driver.Tx, error) { return nil, errors.New("no transactions") }
func (c pretendedConn) Prepare(text string) (driver.Stmt, error) {
	return pretendedStatement{c, text}, nil
}

type pretendedStatement struct {
	pretendedConn
	text string
}

func (pretendedStatement) NumInput() int                              { return -1 }
func (pretendedStatement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (pretendedStatement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

// QueryContext returns a row for each argument.
func (s pretendedStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	d := time.Millisecond
	if s.text == "slow" {
		d = time.Hour
	}
	if s.born < s.cutSoFar() {
		return nil, io.EOF
	}
	if err := s.wait(ctx, d); err != nil {
		return nil, err
	}
	if s.panics.Load() && len(args) > 1 {
		panic("a bug of the driver")
	}
	return &pretendedRows{args}, nil
}

// ExecContext counts what was written. On a connection that has ended the text
// says whether the driver notices before it sends anything, or only after that.
// Where the text says so, the connection ends before the server has reported how many
// rows it wrote.
func (s pretendedStatement) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	switch cut := s.born < s.cutSoFar(); {
	case cut && s.text == "not sent":
		return nil, driver.ErrBadConn
	case cut:
		return nil, io.ErrUnexpectedEOF
	}
	s.writes.Add(1)
	if s.text == "not counted" {
		return uncounted{}, nil
	}
	return driver.RowsAffected(1), nil
}

type uncounted struct{ driver.Result }

func (uncounted) RowsAffected() (int64, error) { return 0, driver.ErrBadConn }

type pretendedRows struct{ left []driver.NamedValue }

func (*pretendedRows) Columns() []string { return []string{"id"} }
func (*pretendedRows) Close() error      { return nil }
func (r *pretendedRows) Next(row []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	row[0], r.left = r.left[0].Value, r.left[1:]
	return nil
}

// inBubble runs a test of a database on a pretended server.
func inBubble(t *testing.T, test func(t *testing.T, server *pretended, db *DB)) {
	synctest.Test(t, func(t *testing.T) {
		server := &pretended{slow: 5 * time.Millisecond}
		o := &OpenContext{Source: Source{MaxConnections: 16}}
		p := newPool(o.ServerPool(&Connector{Connector: server, Timeout: 5 * time.Second}), 5*time.Second)
		db := &DB{
			driver: &Driver{ProbeSQL: "probe", ClassifyError: func(error) (sqlgen.Cause, string) { return sqlgen.Unexpected, "" }},
			reads:  p,
			writes: p,
		}
		defer db.Close()
		test(t, server, db)
	})
}

// query runs a statement that has ten seconds, and returns its cause and its time.
func query(t *testing.T, db *DB, text string) (cause string, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	err := db.Query(ctx, sqlgen.Statement{SQL: text}, func([][]byte) error { return nil })
	if err == nil {
		return "", time.Since(began)
	}
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("%v is no Fault", err)
	}
	return fault.Error(), time.Since(began)
}

const away = "the database cannot be reached"

func TestBreakerSeldomTriesAServerThatIsUnavailable(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		server.away.Store(true)
		first, _ := query(t, db, "one")
		if first != away || !db.Broken() || !db.Stats()[0].Broken {
			t.Errorf("%s, broken %v", first, db.Broken())
		}
		began, before := time.Now(), server.logins
		statements := 0
		for ; time.Since(began) < time.Minute; statements++ {
			cause, took := query(t, db, "one")
			if cause != away || took > server.slow {
				t.Fatalf("%s after %v", cause, took)
			}
			time.Sleep(time.Millisecond)
		}
		// Pauses of 0.2, 0.4, 0.8, 1.6, 3.2 and then 5 s, or half of each.
		if tries := server.logins - before; tries < 14 || tries > 28 || statements < 10000 {
			t.Errorf("%d tries for %d statements", tries, statements)
		}
		server.away.Store(false)
		time.Sleep(lastPause)
		if cause, _ := query(t, db, "one"); cause != "" || db.Broken() {
			t.Errorf("%q, broken %v", cause, db.Broken())
		}
	})
}

func TestBreakerLetsOneStatementWaitAndNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		server.mute.Store(true)
		var waited, ended atomic.Int64
		for range 5 { // each time, the last pause is over
			waited.Store(0)
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					cause, took := query(t, db, "one")
					if cause != away {
						t.Error(cause)
					}
					ended.Add(1)
					if took > 0 {
						waited.Add(1)
					}
				})
			}
			all.Wait()
			time.Sleep(lastPause)
		}
		if waited.Load() != 1 || ended.Load() != 5*16 {
			t.Errorf("%d of the last 16 statements waited, %d were answered", waited.Load(), ended.Load())
		}
	})
}

func TestBreakerIsClosedByAPing(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		server.away.Store(true)
		for range 60 {
			query(t, db, "one")
			time.Sleep(time.Second)
		}
		server.away.Store(false)
		if err := db.Ping(t.Context()); err != nil || db.Broken() {
			t.Errorf("%v, broken %v", err, db.Broken())
		}
		if cause, _ := query(t, db, "one"); cause != "" {
			t.Error(cause)
		}
	})
}

func TestManyDoNotLogInAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		server.away.Store(true)
		query(t, db, "one")
		server.away.Store(false)
		time.Sleep(lastPause)
		query(t, db, "one")
		server.atOnce = 0
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if cause, _ := query(t, db, "one"); cause != "" {
					t.Error(cause)
				}
			})
		}
		all.Wait()
		if server.atOnce > maxLogins {
			t.Errorf("%d logins at once", server.atOnce)
		}
	})
}

// A server that takes everything and says nothing, as one that is paused.
func TestBreakerOpensWhereStatementsEndWithoutAWord(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		var all sync.WaitGroup
		for range 16 { // connections
			all.Go(func() { query(t, db, "one") })
		}
		all.Wait()
		server.mute.Store(true)
		for range 16 {
			all.Go(func() { query(t, db, "one") })
		}
		all.Wait()
		if !db.Broken() {
			t.Fatal("the breaker is closed")
		}
		if cause, took := query(t, db, "one"); cause != away || took > 0 {
			t.Errorf("%s after %v", cause, took)
		}
		server.mute.Store(false)
		time.Sleep(lastPause)
		if cause, _ := query(t, db, "one"); cause != "" || db.Broken() {
			t.Errorf("%q, broken %v", cause, db.Broken())
		}
	})
}

func TestBreakerStaysClosedWhereOneStatementIsSlow(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *pretended, db *DB) {
		slow := make(chan struct{})
		go func() {
			defer close(slow)
			for range 20 {
				if cause, took := query(t, db, "slow"); cause != "the database took too long" || took != 10*time.Second {
					t.Errorf("%s after %v", cause, took)
				}
			}
		}()
		for open := true; open; {
			if cause, _ := query(t, db, "one"); cause != "" || db.Broken() {
				t.Errorf("%q, broken %v", cause, db.Broken())
			}
			select {
			case <-slow:
				open = false
			case <-time.After(2 * time.Second):
			}
		}
	})
}

// What a client or a short deadline ends says nothing of the server, also where a busy
// machine notices it late.
func TestBreakerStaysClosedWhereClientsGo(t *testing.T) {
	for _, during := range []string{"the login", "a statement"} {
		t.Run(during, func(t *testing.T) {
			inBubble(t, func(t *testing.T, server *pretended, db *DB) {
				if during == "a statement" {
					query(t, db, "one") // leaves a connection
				}
				server.mute.Store(true)
				server.busy = time.Second
				for i := range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), minSilence/2)
					if i%2 == 0 {
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(time.Second, cancel)
					}
					_ = db.Query(ctx, sqlgen.Statement{SQL: "one"}, func([][]byte) error { return nil })
					cancel()
					if db.Broken() {
						t.Fatalf("the breaker opens at try %d", i)
					}
				}
			})
		})
	}
}

func TestOneRequestTriesOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, server *pretended, db *DB) {
		server.away.Store(true)
		if cause, _ := query(t, db, "one"); cause != away || server.logins != 1 {
			t.Errorf("%s after %d tries", cause, server.logins)
		}
	})
}
