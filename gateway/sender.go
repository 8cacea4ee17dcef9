package gateway

import (
	"sync"
	"time"
)

// A sender sends the chunks of a long response while the database still returns
// rows. A slow client must not hold the connection to the database: other requests
// need it, and on SQLite it keeps every write out. So the query waits for the client
// for a limited time. After that the rest of the response waits in memory. When
// no memory is left, the client is disconnected.
type sender struct {
	resp      *response
	waitTimer *time.Timer

	mu     sync.Mutex
	queue  []chunk // the first is being sent
	spare  []chunk // empty
	last   bool    // no more chunks will come
	failed error   // nothing more can be sent
	filled chan struct{}
	sent   chan struct{}
	done   chan struct{}
}

// A chunk is a part of a response, and how much memory is reserved for it.
type chunk struct {
	text []byte
	paid int
}

const (
	// queuedChunks may be queued before the query waits for the client: one that is
	// being sent and one that waits.
	queuedChunks = 2

	// waitPerChunk is what a chunk that is taken adds to the time for which the query
	// may still wait. A client that reads about three megabytes per second can continue
	// without limit.
	waitPerChunk = 20 * time.Millisecond
)

func newSender(resp *response) *sender {
	s := &sender{
		resp: resp, waitTimer: time.NewTimer(time.Hour),
		filled: make(chan struct{}, 1), sent: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.waitTimer.Stop()
	go s.run()
	return s
}

// add queues a chunk, and returns an empty one if there is one to use again.
func (s *sender) add(c chunk) (spare chunk, err error) {
	if err := s.awaitClient(); err != nil {
		return chunk{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, c)
	signal(s.filled)
	if n := len(s.spare); n > 0 {
		spare, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	return spare, nil
}

// awaitClient waits until the client has taken a chunk, if the queue is full, for
// as long as the query may wait. An error says that nothing more can be sent.
func (s *sender) awaitClient() error {
	start := time.Now()
	free, err := s.free()
	if !free && err == nil && s.resp.waitLeft > 0 {
		s.waitTimer.Reset(s.resp.waitLeft)
		for expired := false; !expired && !free && err == nil; free, err = s.free() {
			select {
			case <-s.sent:
			case <-s.waitTimer.C:
				expired = true
			}
		}
		s.waitTimer.Stop()
		s.resp.waitLeft -= time.Since(start)
	}
	if free {
		s.resp.waitLeft = min(s.resp.waitLeft+waitPerChunk, s.resp.memory.patience)
	}
	return err
}

// free reports whether a chunk can be queued without waiting for the client.
func (s *sender) free() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) < queuedChunks, s.failed
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
	_ = s.resp.abortWrites()
	<-s.done
}

func (s *sender) run() {
	defer close(s.done)
	for {
		text, ok := s.next()
		if !ok {
			break
		}
		err := s.resp.writeWaiting(text)
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
	if s.last || len(s.spare) == queuedChunks || cap(c.text) > maxKeptBytes {
		s.resp.memory.release(c.paid)
		return
	}
	s.spare = append(s.spare, chunk{c.text[:0], c.paid})
}

// signal wakes the goroutine that waits on a channel, now or when it waits next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
