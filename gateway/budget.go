package gateway

import (
	"sync"
	"time"
)

// A ByteBudget limits the memory that all requests together use for one purpose, beyond
// the little that each of them may use freely. It is safe for use by many goroutines.
type ByteBudget struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	refused int64
	freed   chan struct{}        // is closed when bytes are returned; nil: nobody waits for any
	unread  map[*unread]struct{} // what waits for clients
}

// NewByteBudget returns a budget of so many bytes.
func NewByteBudget(limit int64) *ByteBudget {
	return &ByteBudget{limit: limit, unread: make(map[*unread]struct{})}
}

// SetLimit changes the limit. What is in use stays in use.
func (b *ByteBudget) SetLimit(limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limit
}

// BudgetStats are the statistics of a [ByteBudget].
type BudgetStats struct {
	Used, Limit int64
	Refused     int64 // requests for which too little was left
}

// Stats returns the statistics of the budget.
func (b *ByteBudget) Stats() BudgetStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return BudgetStats{b.used, b.limit, b.refused}
}

// A share is what one request uses of a budget, or several that share a query. The lock of
// the budget guards it.
type share struct {
	budget *ByteBudget
	bytes  int64
}

// An unread is what was sent to a client that has not read it yet. The lock of the budget
// guards it.
type unread struct {
	client   evictable
	patience time.Duration // how long the client may keep others waiting in any case
	since    time.Time     // when it began to wait for the client
}

// An evictable client can be disconnected to make room for others.
type evictable interface {
	// evict returns the client's memory to the budget, whose lock the caller holds. It
	// reports false if the client cannot be disconnected.
	evict() bool
}

// reserve reports whether the share gets so many bytes. It waits for what others return.
func (s *share) reserve(n int, wait time.Duration) bool {
	ok, freed := s.tryReserve(n)
	if !ok && freed != nil {
		ok = s.awaitBytes(n, freed, wait)
	}
	if !ok {
		s.budget.mu.Lock()
		defer s.budget.mu.Unlock()
		s.budget.refused++
	}
	return ok
}

func (s *share) awaitBytes(n int, freed <-chan struct{}, wait time.Duration) (ok bool) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for freed != nil {
		select {
		case <-freed:
			if ok, freed = s.tryReserve(n); ok {
				return true
			}
		case <-timeout.C:
			ok, _ = s.tryReserve(n) // more clients have had their time
			return ok
		}
	}
	return false
}

// tryReserve is reserve without waiting. If too little is left, it disconnects the clients
// that have not read for longest: a client that reads is served whatever others do.
// freed is closed when another try may succeed; nil: none will.
func (s *share) tryReserve(n int) (ok bool, freed <-chan struct{}) {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	size := int64(n)
	for b.used+size > b.limit && size <= b.limit && b.evict() {
	}
	switch {
	case size > b.limit:
		return false, nil
	case b.used+size > b.limit:
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		return false, b.freed
	}
	b.used += size
	s.bytes += size
	return true, nil
}

// evict disconnects the client that has not read for longest. It reports false if every
// client still has time. The caller holds the lock.
func (b *ByteBudget) evict() bool {
	for {
		var slowest *unread
		for u := range b.unread {
			if slowest == nil || u.since.Before(slowest.since) {
				slowest = u
			}
		}
		if slowest == nil || time.Since(slowest.since) < slowest.patience {
			return false
		}
		delete(b.unread, slowest)
		if slowest.client.evict() {
			return true
		}
	}
}

// release returns bytes to the budget.
func (s *share) release(n int) {
	if n == 0 {
		return
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.free(int64(n))
}

// close returns everything to the budget.
func (s *share) close() {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.free(s.bytes)
}

// free is release while the caller holds the lock.
func (s *share) free(n int64) {
	s.bytes -= n
	s.budget.used -= n
	if s.budget.freed != nil {
		close(s.budget.freed)
		s.budget.freed = nil
	}
}

// wait notes that something waits for its client, until waited is called.
func (b *ByteBudget) wait(u *unread) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u.since = time.Now()
	b.unread[u] = struct{}{}
}

// waited ends wait.
func (b *ByteBudget) waited(u *unread) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.unread, u)
}
