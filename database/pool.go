package database

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
)

// maxStatements bounds the prepared statements that a pool keeps. A telephone
// system asks the same few dozen questions all day.
const maxStatements = 256

// A pool is connections and the statements prepared on them, so that a server
// prepares a statement once for each connection and not once for each request.
type pool struct {
	*sql.DB
	*connections
	breaker *breaker      // of statements that run; connecting has one of its own
	places  chan struct{} // as many as connections
	wait    time.Duration // for a place
	waited  atomic.Int64  // how many had to
	failed  atomic.Int64  // how many waited in vain

	mu       sync.Mutex
	prepared map[string]*prepared // by SQL text
}

// prepared is a statement that may be in use when it is dropped; whoever uses
// it last then closes it.
type prepared struct {
	*sql.Stmt
	users   int
	dropped bool
}

// maxSilences is how many statements have to end without a word of the server,
// one after another, before others are kept from it. A single one may be slow by
// itself.
const maxSilences = 3

func newPool(c *connections, wait time.Duration) *pool {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(c.most)
	db.SetMaxIdleConns(c.most)
	db.SetConnMaxLifetime(c.lifetime)
	p := &pool{
		DB:          db,
		connections: c,
		places:      make(chan struct{}, c.most),
		wait:        wait,
		prepared:    make(map[string]*prepared),
	}
	if c.breaker != nil {
		p.breaker = &breaker{threshold: maxSilences}
	}
	return p
}

// enter waits for a connection to be free, so that database/sql, which would wait
// as long as the context lasts, never has to.
func (p *pool) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
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

func (p *pool) broken() bool { return p.breaker.isOpen() || p.connecting.breaker.isOpen() }

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

// borrow returns the prepared statement of a text, to be given back with
// release.
func (p *pool) borrow(ctx context.Context, text string) (*prepared, error) {
	if s := p.find(text); s != nil {
		return s, nil
	}
	// Not under the lock: preparing asks the server, and others need not wait.
	stmt, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &prepared{Stmt: stmt, users: 1}
	if p.prepared[text] != nil {
		s.dropped = true // another was faster
		return s, nil
	}
	for old := range p.prepared {
		if len(p.prepared) < maxStatements {
			break
		}
		p.drop(old)
	}
	p.prepared[text] = s
	return s, nil
}

func (p *pool) find(text string) *prepared {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.prepared[text]
	if s != nil {
		s.users++
	}
	return s
}

func (p *pool) release(s *prepared) {
	p.mu.Lock()
	s.users--
	last := s.dropped && s.users == 0
	p.mu.Unlock()
	if last {
		s.Close()
	}
}

// forget drops the statement of a text, for instance because its table has
// changed.
func (p *pool) forget(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(text)
}

// drop wants the lock held. A statement that nobody uses is closed; Close only
// notes it for connections that are busy.
func (p *pool) drop(text string) {
	s := p.prepared[text]
	if s == nil {
		return
	}
	delete(p.prepared, text)
	s.dropped = true
	if s.users == 0 {
		go s.Close() // asks the server on idle connections: not under the lock
	}
}

func (p *pool) close() error {
	p.mu.Lock()
	for text, s := range p.prepared {
		delete(p.prepared, text)
		s.dropped = true
		if s.users == 0 {
			s.Close()
		}
	}
	p.mu.Unlock()
	return p.DB.Close()
}
