package gateway

import (
	"sync"
	"sync/atomic"
	"time"
)

// A sender sends the chunks of a long response while the database still returns
// rows. A slow client must not hold the connection to the database: other requests
// need it, and on SQLite it keeps every write out. So the query waits for the client
// for a limited time. After that the rest of the response waits in memory. When
// no memory is left, the client is disconnected.
type sender struct {
	resp      *response
	memory    *byteBudget
	waitLeft  time.Duration // for which the query may still wait; each chunk taken adds to it
	maxWait   time.Duration // limit of waitLeft
	waitTimer *time.Timer

	mu     sync.Mutex
	queue  []chunk // the first is being sent
	spare  [][]byte
	last   bool  // no more chunks will come
	failed error // nothing more can be sent
	filled chan struct{}
	sent   chan struct{}
	done   chan struct{}
}

// A chunk is a part of a response. paid says whether its memory was reserved.
type chunk struct {
	text []byte
	paid bool
}

const (
	// freeChunks may be queued for each response without reserving memory: one
	// that is being sent and one that waits.
	freeChunks = 2

	// waitPerChunk is what a chunk that is taken adds to the time for which the query
	// may wait. A client that reads about three megabytes per second can continue
	// without limit.
	waitPerChunk = 20 * time.Millisecond
)

func newSender(resp *response, memory *byteBudget, maxWait time.Duration) *sender {
	s := &sender{
		resp: resp, memory: memory, waitLeft: maxWait, maxWait: maxWait, waitTimer: time.NewTimer(time.Hour),
		filled: make(chan struct{}, 1), sent: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.waitTimer.Stop()
	go s.run()
	return s
}

// add queues a chunk, and returns a buffer for the next one.
func (s *sender) add(text []byte) (next []byte, err error) {
	if err := s.awaitClient(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := chunk{text: text, paid: len(s.queue) >= freeChunks}
	if c.paid && !s.memory.reserve(len(text)) {
		return nil, &Error{Code: SlowClient}
	}
	s.queue = append(s.queue, c)
	signal(s.filled)
	if n := len(s.spare); n > 0 {
		next, s.spare = s.spare[n-1], s.spare[:n-1]
		return next, nil
	}
	return make([]byte, 0, cap(text)), nil
}

// awaitClient waits until the client has taken a chunk, if the queue is full, for
// as long as the query may wait. An error says that nothing more can be sent.
func (s *sender) awaitClient() error {
	start := time.Now()
	free, err := s.free()
	if !free && err == nil && s.waitLeft > 0 {
		s.waitTimer.Reset(s.waitLeft)
		for expired := false; !expired && !free && err == nil; free, err = s.free() {
			select {
			case <-s.sent:
			case <-s.waitTimer.C:
				expired = true
			}
		}
		s.waitTimer.Stop()
		s.waitLeft -= time.Since(start)
	}
	if free {
		s.waitLeft = min(s.waitLeft+waitPerChunk, s.maxWait)
	}
	return err
}

// free reports whether a chunk can be queued without reserving memory.
func (s *sender) free() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) < freeChunks, s.failed
}

// finish waits until everything is sent.
func (s *sender) finish() error {
	s.mu.Lock()
	s.last = true
	s.mu.Unlock()
	signal(s.filled)
	<-s.done
	return s.failed
}

// abandon sends nothing more.
func (s *sender) abandon() {
	s.mu.Lock()
	if s.failed == nil {
		s.failed = &Error{Code: ClientGone}
	}
	s.mu.Unlock()
	signal(s.filled)
	s.resp.abortWrites()
	<-s.done
}

func (s *sender) run() {
	defer close(s.done)
	for {
		text, ok := s.next()
		if !ok {
			break
		}
		err := s.resp.write(text)
		s.mu.Lock()
		s.dequeue()
		if err != nil && s.failed == nil {
			s.failed = err
		}
		s.mu.Unlock()
		signal(s.sent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		s.dequeue()
	}
}

// next waits for a chunk to send.
func (s *sender) next() (text []byte, ok bool) {
	for {
		s.mu.Lock()
		s.resp.extendDeadline() // under the lock, so that abandon comes before or after
		failed, last := s.failed != nil, s.last
		if len(s.queue) > 0 {
			text = s.queue[0].text
		}
		s.mu.Unlock()
		switch {
		case failed:
			return nil, false
		case text != nil:
			return text, true
		case last:
			return nil, false
		}
		<-s.filled
	}
}

// dequeue removes the first chunk of the queue. The caller holds the lock.
func (s *sender) dequeue() {
	c := s.queue[0]
	s.queue = append(s.queue[:0], s.queue[1:]...)
	if c.paid {
		s.memory.release(len(c.text))
		return
	}
	if len(s.spare) < freeChunks {
		s.spare = append(s.spare, c.text[:0])
	}
}

// signal wakes the goroutine that waits on a channel, now or when it waits next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// A byteBudget limits the memory of all slow clients together.
type byteBudget struct{ left atomic.Int64 }

func (b *byteBudget) reserve(bytes int) bool {
	if b.left.Add(-int64(bytes)) >= 0 {
		return true
	}
	b.release(bytes)
	return false
}

func (b *byteBudget) release(bytes int) { b.left.Add(int64(bytes)) }
