package database

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
)

// A pool is connections. database/sql opens them, keeps them and replaces them;
// what runs on one is dbsep's own business.
type pool struct {
	*sql.DB
	*PoolConfig
	breaker *breaker      // of statements that run; Connector has one of its own
	places  chan struct{} // as many as connections
	wait    time.Duration // for a place
	waited  atomic.Int64  // how many had to
	failed  atomic.Int64  // how many waited in vain
}

// maxSilences is how many statements have to end without a word of the server,
// one after another, before others are kept from it. A single one may be slow by
// itself.
const maxSilences = 3

func newPool(c *PoolConfig, wait time.Duration) *pool {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(c.MaxOpen)
	db.SetMaxIdleConns(c.MaxOpen)
	db.SetConnMaxLifetime(c.MaxLifetime)
	p := &pool{
		DB:         db,
		PoolConfig: c,
		places:     make(chan struct{}, c.MaxOpen),
		wait:       wait,
	}
	if c.breaker != nil {
		p.breaker = &breaker{threshold: maxSilences}
	}
	return p
}

// enter waits for a connection to be free, so that database/sql, which would wait
// as long as the context lasts, never has to.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	default:
	}
	if err := p.breaker.refusal(); err != nil {
		return err // those who have the connections wait in vain
	}
	p.waited.Add(1)
	patience := time.NewTimer(p.wait)
	defer patience.Stop()
	select {
	case p.places <- struct{}{}:
		return nil
	case <-patience.C:
		p.failed.Add(1)
		return &sqlgen.Fault{Cause: sqlgen.Busy, Remedy: "all connections to the database are in use: look for slow statements, or raise [database] max_connections"}
	case <-ctx.Done():
		p.failed.Add(1)
		return ctx.Err()
	}
}

func (p *pool) leave() { <-p.places }

// PoolStats are what a pool of connections does.
type PoolStats struct {
	Name   string // "reads" or "writes"; "all" where one pool serves both
	Max    int
	Open   int
	InUse  int
	Waited int64 // statements that had to wait for a connection so far
	Failed int64 // of them those that waited in vain
	Broken bool  // statements, or new connections, fail at once: the server was away a moment ago
}

// Broken tells whether the database was away a moment ago, so that what needs it
// fails at once.
func (db *DB) Broken() bool { return db.reads.broken() || db.writes.broken() }

func (p *pool) broken() bool { return p.breaker.isOpen() || p.Connector.breaker.isOpen() }

// Stats tells what the database's pools do.
func (db *DB) Stats() []PoolStats {
	if db.reads == db.writes {
		return []PoolStats{db.writes.stats("all")}
	}
	return []PoolStats{db.reads.stats("reads"), db.writes.stats("writes")}
}

func (p *pool) stats(name string) PoolStats {
	s := p.DB.Stats()
	return PoolStats{name, s.MaxOpenConnections, s.OpenConnections, s.InUse, p.waited.Load(), p.failed.Load(), p.broken()}
}

// on does something on a connection that is free. It may be one whose server has
// gone meanwhile; an error that says so is driver.ErrBadConn.
func (p *pool) on(ctx context.Context, do func(context.Context, *session) error) error {
	conn, err := p.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		s := c.(*session)
		ctx, unwatch := s.watch(ctx)
		defer unwatch()
		return do(ctx, s)
	})
}
