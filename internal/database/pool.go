package database

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
)

// A pool is a pool of connections. database/sql opens, keeps and replaces them;
// dbsep itself runs statements on them.
type pool struct {
	*sql.DB
	*PoolConfig
	breaker *breaker      // of statements that run; Connector has one of its own
	group   *group        // nil: each write is committed by itself
	slots   chan struct{} // as many as connections
	wait    time.Duration // for a slot, at most
	waited  atomic.Int64  // statements that had to wait
	failed  atomic.Int64  // statements that waited without success
	endings endings
}

// maxSilences is how many statements have to end without a response of the server,
// one after another, before the breaker opens. A single one may be slow by itself.
const maxSilences = 3

func newPool(c *PoolConfig, wait time.Duration) *pool {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(c.MaxOpen)
	db.SetMaxIdleConns(c.MaxOpen)
	db.SetConnMaxLifetime(c.MaxLifetime)
	c.connections = c.MaxOpen
	p := &pool{
		DB:         db,
		PoolConfig: c,
		slots:      make(chan struct{}, c.MaxOpen),
		wait:       wait,
	}
	if c.breaker != nil {
		p.breaker = &breaker{threshold: maxSilences}
	}
	if c.Grouped {
		p.group = new(group)
	}
	p.endings.context, p.endings.cancel = context.WithCancel(context.Background())
	return p
}

// errAllInUse ends the wait for a connection.
var errAllInUse = &sqlgen.Fault{Cause: sqlgen.Busy, Hint: "all connections to the database are in use: look for slow statements, or raise [database] max_connections"}

// errServed ends the wait of a statement that another one has run.
var errServed = errors.New("another statement has run this one")

// Close ends all connections, and waits for the statements that run, and for those
// that are being ended, as long as for a connection.
func (p *pool) Close() error {
	err := p.DB.Close()
	timer := time.NewTimer(p.Timeout)
	defer timer.Stop()
	defer p.endings.cancel()
	for range cap(p.slots) {
		select {
		case p.slots <- struct{}{}:
			defer p.leave(nil)
		case <-timer.C:
			return err
		}
	}
	return err
}

// closeIdle ends the connections that nobody uses.
func (p *pool) closeIdle() {
	p.SetMaxIdleConns(0)
	p.SetMaxIdleConns(p.MaxOpen)
}

// enter waits for a free connection, so that database/sql, which would wait as
// long as the context lasts, never has to; or until the statement is served
// without one.
func (p *pool) enter(ctx context.Context, served <-chan struct{}) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	if err := p.breaker.refusal(); err != nil {
		return err // those that have the connections wait without success
	}
	p.waited.Add(1)
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-served:
		return errServed
	case <-timer.C:
		p.failed.Add(1)
		return errAllInUse
	case <-ctx.Done():
		p.failed.Add(1)
		return ctx.Err()
	}
}

// leave frees the place of a statement. One that was interrupted has its place until
// it has ended in the server.
func (p *pool) leave(interrupted Interrupter) {
	if interrupted == nil {
		<-p.slots
		return
	}
	p.endings.now.Add(1)
	go func() {
		p.endings.end(interrupted)
		p.endings.now.Add(-1)
		<-p.slots
	}()
}

// PoolStats is the state of a pool of connections.
type PoolStats struct {
	Name   string // "reads" or "writes"; "all" where one pool serves both
	Max    int
	Open   int
	InUse  int
	Waited int64 // statements that had to wait for a connection so far
	Failed int64 // of them those that waited without success
	Broken bool  // statements, or new connections, fail at once: the server was unavailable a moment ago
}

// Broken reports whether the database was unavailable a moment ago, so that
// statements fail at once.
func (db *DB) Broken() bool { return db.reads.broken() || db.writes.broken() }

func (p *pool) broken() bool { return p.breaker.isOpen() || p.Connector.breaker.isOpen() }

// Stats returns the state of the database's pools.
func (db *DB) Stats() []PoolStats {
	if db.reads == db.writes {
		return []PoolStats{db.writes.stats("all")}
	}
	return []PoolStats{db.reads.stats("reads"), db.writes.stats("writes")}
}

func (p *pool) stats(name string) PoolStats {
	s := p.DB.Stats()
	ending := int(p.endings.now.Load()) // in use in the server, though closed here
	return PoolStats{name, s.MaxOpenConnections, s.OpenConnections + ending, s.InUse + ending, p.waited.Load(), p.failed.Load(), p.broken()}
}

// on calls a function with a free connection. It may be one whose server has
// gone meanwhile; an error that says so is driver.ErrBadConn. The connection is returned
// where the end of the context has interrupted it.
func (p *pool) on(ctx context.Context, do func(context.Context, *session) error) (interrupted Interrupter, err error) {
	conn, err := p.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		s := c.(*session)
		defer func() { interrupted = s.unwatch() }()
		return do(s.watch(ctx), s)
	})
	return interrupted, err
}
