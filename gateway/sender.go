package gateway

import (
	"sync"
	"sync/atomic"
	"time"
)

// A sender sends the pieces of a long answer while the database still delivers
// rows. A client that is slow to take them may not keep the connection to the
// database, which others wait for, and on SQLite keeps everybody from writing: the
// query waits for the client for a while, then the rest of the answer waits in
// memory, and where there is none left the client is cut off.
type sender struct {
	out      *reply
	memory   *memory
	patience time.Duration // of the query; pieces that are taken give it back
	most     time.Duration // of it
	clock    *time.Timer

	mu     sync.Mutex
	queue  []piece // the first is on its way
	spare  [][]byte
	last   bool  // no more will come
	failed error // nothing more can be sent
	filled chan struct{}
	sent   chan struct{}
	done   chan struct{}
}

// A piece is a part of an answer; paid tells whether memory was taken for it.
type piece struct {
	text []byte
	paid bool
}

const (
	// freePieces may be under way for each answer without memory being taken for
	// them: one that is sent and one that waits.
	freePieces = 2

	// patienceByPiece is what a piece that is taken gives back: a client that takes
	// some three megabytes in a second can go on doing so for as long as it wants.
	patienceByPiece = 20 * time.Millisecond
)

func newSender(out *reply, m *memory, patience time.Duration) *sender {
	s := &sender{
		out: out, memory: m, patience: patience, most: patience, clock: time.NewTimer(time.Hour),
		filled: make(chan struct{}, 1), sent: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.clock.Stop()
	go s.run()
	return s
}

// add hands a piece over, and returns a buffer for the next one.
func (s *sender) add(text []byte) (next []byte, err error) {
	if err := s.room(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := piece{text: text, paid: len(s.queue) >= freePieces}
	if p.paid && !s.memory.take(len(text)) {
		return nil, &Error{Code: SlowClient}
	}
	s.queue = append(s.queue, p)
	signal(s.filled)
	if n := len(s.spare); n > 0 {
		next, s.spare = s.spare[n-1], s.spare[:n-1]
		return next, nil
	}
	return make([]byte, 0, cap(text)), nil
}

// room waits until the client has taken what is under way, as long as there is
// patience. An error says that nothing more can be sent.
func (s *sender) room() error {
	begun := time.Now()
	free, err := s.free()
	if !free && err == nil && s.patience > 0 {
		s.clock.Reset(s.patience)
		for tired := false; !tired && !free && err == nil; free, err = s.free() {
			select {
			case <-s.sent:
			case <-s.clock.C:
				tired = true
			}
		}
		s.clock.Stop()
		s.patience -= time.Since(begun)
	}
	if free {
		s.patience = min(s.patience+patienceByPiece, s.most)
	}
	return err
}

// free tells whether a piece may be added without memory being taken for it.
func (s *sender) free() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) < freePieces, s.failed
}

// finish waits until all is sent.
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
	s.out.hurry()
	<-s.done
}

func (s *sender) run() {
	defer close(s.done)
	for {
		text, ok := s.next()
		if !ok {
			break
		}
		err := s.out.write(text)
		s.mu.Lock()
		s.drop()
		if err != nil && s.failed == nil {
			s.failed = err
		}
		s.mu.Unlock()
		signal(s.sent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		s.drop()
	}
}

// next waits for a piece to send.
func (s *sender) next() (text []byte, ok bool) {
	for {
		s.mu.Lock()
		s.out.patient() // under the lock, so that abandon comes before or after
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

// drop takes the first piece off the queue. It wants the lock held.
func (s *sender) drop() {
	p := s.queue[0]
	s.queue = append(s.queue[:0], s.queue[1:]...)
	if p.paid {
		s.memory.give(len(p.text))
		return
	}
	if len(s.spare) < freePieces {
		s.spare = append(s.spare, p.text[:0])
	}
}

// signal says that something has changed to one who may be waiting for it.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// memory bounds what waits for all slow clients together.
type memory struct{ left atomic.Int64 }

func (m *memory) take(bytes int) bool {
	if m.left.Add(-int64(bytes)) >= 0 {
		return true
	}
	m.give(bytes)
	return false
}

func (m *memory) give(bytes int) { m.left.Add(int64(bytes)) }
