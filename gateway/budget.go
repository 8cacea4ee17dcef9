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
	freed   chan struct{}       // is closed when bytes are returned; nil: nobody waits for any
	unread  map[*share]struct{} // those that wait for their clients
}

// NewByteBudget returns a budget of so many bytes.
func NewByteBudget(limit int64) *ByteBudget {
	return &ByteBudget{limit: limit, unread: make(map[*share]struct{})}
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

// A share is what one request uses of a budget, whose lock guards it.
type share struct {
	budget *ByteBudget
	bytes  int64

	patience time.Duration // how long its client may keep it waiting in any case
	client   aborter
	since    time.Time // when it began to wait for the client
	evicted  bool      // the client was disconnected to make room for others
}

// An aborter can end what is sent to a client.
type aborter interface{ abortWrites() error }

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
	case s.evicted || size > b.limit:
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

// evict takes the memory of the share that has waited for its client for longest, and
// disconnects the client. It reports false if every client still has time. The caller
// holds the lock.
func (b *ByteBudget) evict() bool {
	for {
		var slowest *share
		for s := range b.unread {
			if slowest == nil || s.since.Before(slowest.since) {
				slowest = s
			}
		}
		if slowest == nil || time.Since(slowest.since) < slowest.patience {
			return false
		}
		delete(b.unread, slowest)
		if slowest.client.abortWrites() == nil { // not under FastCGI
			slowest.free(slowest.bytes)
			slowest.evicted = true
			return true
		}
	}
}

// release returns bytes to the budget.
func (s *share) release(n int) {
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

// free is release while the caller holds the lock. An evicted share has nothing.
func (s *share) free(n int64) {
	n = min(n, s.bytes)
	s.bytes -= n
	s.budget.used -= n
	if s.budget.freed != nil {
		close(s.budget.freed)
		s.budget.freed = nil
	}
}

// wait notes that the share waits for its client, until waited is called.
func (s *share) wait(client aborter) {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.client, s.since = client, time.Now()
	s.budget.unread[s] = struct{}{}
}

// waited ends wait.
func (s *share) waited() {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	delete(s.budget.unread, s)
}

func (s *share) isEvicted() bool {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return s.evicted
}
