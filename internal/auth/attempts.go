package auth

import (
	"cmp"
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
// So each result is cached, and few comparisons run at a time. Next is the password
// that most requests have: a client sends its own again and again, and one that guesses
// sends each once. So guesses keep no right password out, however many wait.
type attempts struct {
	slots       int // comparisons that may run at a time
	comparisons atomic.Int64

	mu           sync.Mutex
	right, wrong map[verdictKey]bool
	waiting      map[verdictKey]*comparison
	senders      map[sender]*history
	running      int // comparisons
	requests     int // that have come
}

// A verdictKey is the hash of a user, its line of the file and a password.
type verdictKey [sha256.Size]byte

// A sender is a user at an address.
type sender struct {
	network netip.Prefix
	user    string // empty for every unknown name
}

// A history is what a sender has sent before. It has one comparison at a time.
type history struct {
	mismatches *rate.Limiter
	busy       bool // a comparison runs, or the pause after it
	users      int  // comparisons and requests that use the history now
}

// An attempt is one password of a request.
type attempt struct {
	sender
	key   verdictKey
	right func() bool // compares the password
}

// A comparison is that of one password for all requests that have it.
type comparison struct {
	attempt
	history  *history
	requests int // that have the password, those that have given up included
	last     int // the number of the last one
	waiters  int // requests that have not given up
	started  bool

	done  chan struct{}  // is closed when the result is known
	delay time.Duration  // of the responses
	err   *gateway.Error // nil: the password is right
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
		slots: max(1, runtime.NumCPU()/2),
		right: map[verdictKey]bool{}, wrong: map[verdictKey]bool{},
		waiting: map[verdictKey]*comparison{},
		senders: map[sender]*history{},
	}
}

// verify returns nil for a right password. ended ends delays.
func (s *attempts) verify(ctx context.Context, a attempt, ended <-chan struct{}) *gateway.Error {
	if right, known := s.verdict(a.key); known {
		return s.repeated(a, right)
	}
	suspend(ctx) // until the result is known
	c := s.request(a)
	defer s.giveUp(c)
	limited, cancel := context.WithTimeoutCause(ctx, maxWait, &gateway.Error{Code: gateway.TooManyAttempts})
	defer cancel()
	select {
	case <-c.done:
	case <-limited.Done():
		return notCompared(limited)
	}
	if c.delay > 0 {
		select {
		case <-time.After(c.delay):
		case <-ctx.Done():
		case <-ended:
		}
	}
	return c.err
}

// request adds a request to those that have a password.
func (s *attempts) request(a attempt) *comparison {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.waiting[a.key]
	if c == nil {
		c = &comparison{attempt: a, history: s.historyOf(a.sender), done: make(chan struct{})}
		if len(s.waiting) >= maxRemembered {
			s.dropAbandoned()
		}
		s.waiting[a.key] = c
	}
	s.requests++
	c.requests++
	c.waiters++
	c.last = s.requests
	if s.running < s.slots && !c.history.busy {
		s.start(c)
	}
	return c
}

func (s *attempts) giveUp(c *comparison) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.waiters--
}

// compareNext starts comparisons as long as there are free slots. The caller holds the
// lock.
func (s *attempts) compareNext() {
	for s.running < s.slots {
		var next *comparison
		for _, c := range s.waiting {
			if c.waiters > 0 && !c.history.busy && (next == nil || c.before(next)) {
				next = c
			}
		}
		if next == nil {
			return
		}
		s.start(next)
	}
}

// start starts a comparison. The caller holds the lock.
func (s *attempts) start(c *comparison) {
	c.started = true
	c.history.busy = true
	s.running++
	go s.compare(c)
}

// before reports whether a comparison is more urgent than another one. Of equals it is
// the newest, whose requests wait longest before they give up.
func (c *comparison) before(other *comparison) bool {
	return cmp.Or(cmp.Compare(c.requests, other.requests), cmp.Compare(c.last, other.last)) > 0
}

// compare compares a password.
func (s *attempts) compare(c *comparison) {
	right, known := s.verdict(c.key)
	if !known {
		s.comparisons.Add(1)
		right = c.right()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(c.key, right)
	if !right {
		c.delay, c.err = c.history.mismatch()
	}
	close(c.done)
	s.running--
	s.forget(c)
	if c.delay == 0 {
		c.history.busy = false
	} else {
		time.AfterFunc(pause, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			c.history.busy = false
			s.compareNext()
		})
	}
	s.compareNext()
}

// mismatch counts a wrong password. It returns the response, and how much later it is
// sent.
func (h *history) mismatch() (delay time.Duration, err *gateway.Error) {
	r := h.mismatches.Reserve()
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
func (s *attempts) repeated(a attempt, right bool) *gateway.Error {
	if right {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.historyOf(a.sender)
	h.users--
	if !h.mismatches.Allow() {
		return &gateway.Error{Code: gateway.TooManyAttempts}
	}
	return wrongPassword()
}

// notCompared returns why an attempt was not compared.
func notCompared(ctx context.Context) *gateway.Error {
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

// remember caches a result. Wrong passwords never replace right ones. The caller holds
// the lock.
func (s *attempts) remember(key verdictKey, right bool) {
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

// forget removes a comparison. The caller holds the lock.
func (s *attempts) forget(c *comparison) {
	delete(s.waiting, c.key)
	c.history.users--
}

// maxLooks limits the search for what can be forgotten.
const maxLooks = 64

// dropAbandoned forgets a comparison that no request waits for: of some, that which
// the fewest requests had. The caller holds the lock.
func (s *attempts) dropAbandoned() {
	var drop *comparison
	looks := 0
	for _, c := range s.waiting {
		if c.waiters == 0 && !c.started && (drop == nil || c.requests < drop.requests) {
			drop = c
		}
		if looks++; looks >= maxLooks {
			break
		}
	}
	if drop != nil {
		s.forget(drop)
	}
}

// historyOf returns the history of a sender, for one user more. The caller holds the
// lock.
func (s *attempts) historyOf(client sender) *history {
	h := s.senders[client]
	if h == nil {
		if len(s.senders) >= maxRemembered {
			s.dropHistory()
		}
		h = &history{mismatches: rate.NewLimiter(rate.Every(mismatchEvery), mismatchesAtOnce)}
		s.senders[client] = h
	}
	h.users++
	return h
}

// dropHistory drops a history that is not in use, preferably one without recent
// mismatches. The caller holds the lock.
func (s *attempts) dropHistory() {
	looks := 0
	for client, h := range s.senders {
		looks++
		if h.users == 0 && !h.busy && (h.mismatches.Tokens() >= mismatchesAtOnce || looks >= maxLooks) {
			delete(s.senders, client)
			return
		}
	}
}
