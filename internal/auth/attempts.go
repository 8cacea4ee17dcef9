package auth

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"dbsep/gateway"
)

// attempts compares passwords. One comparison takes as long as thousands of
// requests, so each result is remembered, few comparisons run at one time, and
// each sender has one queue: a sender that guesses makes nobody else wait.
type attempts struct {
	slots       chan struct{} // comparisons that run
	comparisons atomic.Int64

	mu           sync.Mutex
	right, wrong map[verdictKey]bool
	queues       map[sender]*queue
}

// A verdictKey stands for a user, the line of the file and a password.
type verdictKey [sha256.Size]byte

// A sender is who sends passwords: a user at an address.
type sender struct {
	network netip.Prefix
	user    string // empty for every name that does not exist
}

// A queue is the attempts of one sender.
type queue struct {
	turn       chan struct{} // one comparison at a time
	mismatches *rate.Limiter
	users      int // attempts that use this queue now; for attempts.mu
}

// An attempt is one password that was sent.
type attempt struct {
	sender
	key   verdictKey
	right func() bool // compares it
}

// A sender may send some wrong passwords, and then one in a while. More are
// slowed down, and never keep the right one out.
const (
	mismatchesAtOnce = 10
	mismatchEvery    = 2 * time.Second

	maxDelay = 10 * time.Second       // of the response to a wrong password too many
	pause    = 100 * time.Millisecond // before the next comparison, after a wrong password too many
	maxWait  = 10 * time.Second       // for a comparison
)

// maxRemembered limits what clients could make grow.
const maxRemembered = 4096

func newAttempts() *attempts {
	return &attempts{
		slots: make(chan struct{}, max(1, runtime.NumCPU()/2)),
		right: map[verdictKey]bool{}, wrong: map[verdictKey]bool{},
		queues: map[sender]*queue{},
	}
}

// try returns nil for a right password. ended ends delays.
func (s *attempts) try(ctx context.Context, a attempt, ended <-chan struct{}) error {
	if right, known := s.verdict(a.key); known {
		return s.again(a, right)
	}
	q := s.enter(a.sender)
	defer s.leave(q)
	limited, cancel := context.WithTimeoutCause(ctx, maxWait, &gateway.Error{Code: gateway.TooManyAttempts})
	defer cancel()
	if !acquire(limited, q.turn) {
		return gaveUp(limited)
	}
	delay, err := s.compare(limited, q, a)
	if delay == 0 {
		<-q.turn
		return err
	}
	time.AfterFunc(pause, func() { <-q.turn })
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	case <-ended:
	}
	return err
}

// compare compares a password, unless another attempt has done so meanwhile.
// The turn of the queue must be held. The response waits for the delay.
func (s *attempts) compare(ctx context.Context, q *queue, a attempt) (delay time.Duration, err error) {
	if right, known := s.verdict(a.key); known {
		return 0, s.again(a, right)
	}
	if !acquire(ctx, s.slots) {
		return 0, gaveUp(ctx)
	}
	right, known := s.verdict(a.key) // from another address
	if !known {
		s.comparisons.Add(1)
		right = a.right()
		s.remember(a.key, right)
	}
	<-s.slots
	if right {
		return 0, nil
	}
	r := q.mismatches.Reserve()
	if delay = r.Delay(); delay == 0 {
		return 0, wrongPassword()
	}
	if delay > maxDelay {
		r.Cancel()
		delay = maxDelay
	}
	return delay, &gateway.Error{Code: gateway.TooManyAttempts}
}

// again is the result of a password that was compared before. A wrong one still
// counts as a mismatch, and costs nothing.
func (s *attempts) again(a attempt, right bool) error {
	if right {
		return nil
	}
	q := s.enter(a.sender)
	defer s.leave(q)
	if !q.mismatches.Allow() {
		return &gateway.Error{Code: gateway.TooManyAttempts}
	}
	return wrongPassword()
}

// acquire takes a place, unless ctx ends first.
func acquire(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// gaveUp says why an attempt was not compared.
func gaveUp(ctx context.Context) error {
	if err, ok := context.Cause(ctx).(*gateway.Error); ok { //nolint:errorlint // it is the cause itself
		return err
	}
	return &gateway.Error{Code: gateway.ClientGone}
}

func (s *attempts) verdict(key verdictKey) (right, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	right = s.right[key]
	return right, right || s.wrong[key]
}

// remember keeps a verdict. Wrong passwords never displace right ones.
func (s *attempts) remember(key verdictKey, right bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	verdicts := s.wrong
	if right {
		verdicts = s.right
	}
	if len(verdicts) >= maxRemembered {
		for other := range verdicts {
			delete(verdicts, other)
			break
		}
	}
	verdicts[key] = true
}

func (s *attempts) enter(who sender) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[who]
	if q == nil {
		if len(s.queues) >= maxRemembered {
			s.dropQueue()
		}
		q = &queue{turn: make(chan struct{}, 1), mismatches: rate.NewLimiter(rate.Every(mismatchEvery), mismatchesAtOnce)}
		s.queues[who] = q
	}
	q.users++
	return q
}

func (s *attempts) leave(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q.users--
}

// dropQueue drops a queue that nobody uses, one without late mismatches where
// there is one among the first.
func (s *attempts) dropQueue() {
	looked := 0
	for who, q := range s.queues {
		looked++
		if q.users == 0 && (q.mismatches.Tokens() >= mismatchesAtOnce || looked >= 64) {
			delete(s.queues, who)
			return
		}
	}
}
