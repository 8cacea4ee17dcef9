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

// attempts compares passwords. A comparison takes as long as thousands of requests.
// So each result is cached, few comparisons run at a time, and each sender has its own
// queue: a sender that guesses delays nobody else.
type attempts struct {
	slots       chan struct{} // for running comparisons
	comparisons atomic.Int64

	mu           sync.Mutex
	right, wrong map[verdictKey]bool
	queues       map[sender]*queue
}

// A verdictKey is the hash of a user, its line of the file and a password.
type verdictKey [sha256.Size]byte

// A sender is a user at an address.
type sender struct {
	network netip.Prefix
	user    string // empty for every unknown name
}

// A queue holds the attempts of one sender.
type queue struct {
	turn       chan struct{} // one comparison at a time
	mismatches *rate.Limiter
	users      int // attempts that use this queue now; protected by attempts.mu
}

// An attempt is one password of a request.
type attempt struct {
	sender
	key   verdictKey
	right func() bool // compares the password
}

// A sender may send some wrong passwords at once, and then one per interval. More are
// delayed. The right password always works.
const (
	mismatchesAtOnce = 10
	mismatchEvery    = 2 * time.Second

	maxDelay = 10 * time.Second       // of the response to a wrong password over the limit
	pause    = 100 * time.Millisecond // before the next comparison, after a wrong password over the limit
	maxWait  = 10 * time.Second       // for a comparison
)

// maxRemembered limits the memory that clients can use.
const maxRemembered = 4096

func newAttempts() *attempts {
	return &attempts{
		slots: make(chan struct{}, max(1, runtime.NumCPU()/2)),
		right: map[verdictKey]bool{}, wrong: map[verdictKey]bool{},
		queues: map[sender]*queue{},
	}
}

// verify returns nil for a right password. ended ends delays.
func (s *attempts) verify(ctx context.Context, a attempt, ended <-chan struct{}) error {
	if right, known := s.verdict(a.key); known {
		return s.repeated(a, right)
	}
	q := s.enter(a.sender)
	defer s.leave(q)
	limited, cancel := context.WithTimeoutCause(ctx, maxWait, &gateway.Error{Code: gateway.TooManyAttempts})
	defer cancel()
	if !acquire(limited, q.turn) {
		return notCompared(limited)
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

// compare compares a password, unless another attempt has done so meanwhile. The
// caller holds the turn of the queue, and delays the response.
func (s *attempts) compare(ctx context.Context, q *queue, a attempt) (delay time.Duration, err error) {
	if right, known := s.verdict(a.key); known {
		return 0, s.repeated(a, right)
	}
	if !acquire(ctx, s.slots) {
		return 0, notCompared(ctx)
	}
	right, known := s.verdict(a.key) // compared for another address meanwhile
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

// repeated returns the result of a password that was compared before. A wrong one
// counts as a mismatch.
func (s *attempts) repeated(a attempt, right bool) error {
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

// acquire takes a slot, unless ctx ends first.
func acquire(ctx context.Context, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// notCompared returns why an attempt was not compared.
func notCompared(ctx context.Context) error {
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

// remember caches a result. Wrong passwords never replace right ones.
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

func (s *attempts) enter(client sender) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[client]
	if q == nil {
		if len(s.queues) >= maxRemembered {
			s.dropQueue()
		}
		q = &queue{turn: make(chan struct{}, 1), mismatches: rate.NewLimiter(rate.Every(mismatchEvery), mismatchesAtOnce)}
		s.queues[client] = q
	}
	q.users++
	return q
}

func (s *attempts) leave(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q.users--
}

// dropQueue drops a queue that is not in use, preferably one without recent
// mismatches.
func (s *attempts) dropQueue() {
	looked := 0
	for client, q := range s.queues {
		looked++
		if q.users == 0 && (q.mismatches.Tokens() >= mismatchesAtOnce || looked >= 64) {
			delete(s.queues, client)
			return
		}
	}
}
