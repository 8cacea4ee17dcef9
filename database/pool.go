package database

import (
	"context"
	"database/sql"
	"sync"
)

// maxStatements bounds the prepared statements that a pool keeps. A telephone
// system asks the same few dozen questions all day.
const maxStatements = 256

// A pool is connections and the statements prepared on them, so that a server
// prepares a statement once for each connection and not once for each request.
type pool struct {
	*sql.DB

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

func newPool(db *sql.DB) *pool {
	return &pool{DB: db, prepared: make(map[string]*prepared)}
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
