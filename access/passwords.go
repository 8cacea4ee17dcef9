package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tg123/go-htpasswd"
	"golang.org/x/time/rate"

	"dbsep/gateway"
)

// passwords are the users of a file of htpasswd. A password that was right is
// remembered, by a hash that means nothing outside this process: comparing it
// with bcrypt takes as long as thousands of requests.
type passwords struct {
	file  *htpasswd.File
	decoy string // a user, whose password those are compared with that name none
	salt  [32]byte
	busy  chan struct{} // bounds the comparisons at one time

	mu       sync.Mutex
	right    map[[sha256.Size]byte]bool
	attempts map[netip.Prefix]*rate.Limiter
}

// An address may have so many passwords compared at once, and after that one in
// a while. Those that were right and are remembered do not count.
const (
	attemptsAtOnce = 10
	attemptEvery   = 2 * time.Second
)

// remembered bounds what an attacker could make grow.
const remembered = 4096

// comments are what Apache too passes over in such a file.
var comments = regexp.MustCompile(`(?m)^\s*#.*$`)

func readPasswords(name string) (*passwords, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read [server] htpasswd: %w", err)
	}
	text = comments.ReplaceAll(text, nil)
	var bad int
	file, err := htpasswd.NewFromReader(bytes.NewReader(text), []htpasswd.PasswdParser{htpasswd.AcceptBcrypt, htpasswd.AcceptCryptSha}, func(error) { bad++ })
	if err != nil {
		return nil, fmt.Errorf("read [server] htpasswd: %w", err)
	}
	if bad > 0 {
		return nil, fmt.Errorf("read [server] htpasswd: %d of its lines cannot be used; make them anew with htpasswd -B %s USER", bad, name)
	}
	first, _, _ := strings.Cut(string(bytes.TrimSpace(text)), ":")
	if !file.Exists(first) {
		return nil, fmt.Errorf("read [server] htpasswd: %s names no user; make one with htpasswd -B %[1]s USER", name)
	}
	p := &passwords{
		file:     file,
		decoy:    first,
		busy:     make(chan struct{}, max(1, runtime.NumCPU()/2)),
		right:    make(map[[sha256.Size]byte]bool),
		attempts: make(map[netip.Prefix]*rate.Limiter),
	}
	_, err = rand.Read(p.salt[:])
	return p, err
}

// check returns the user whose right password a request has.
func (p *passwords) check(r *http.Request, from netip.Addr) (string, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return "", &gateway.Error{Code: gateway.Unauthorized}
	}
	key := p.key(user, password)
	if p.known(key) {
		return user, nil
	}
	if !p.mayTry(from) {
		return "", &gateway.Error{Code: gateway.TooManyAttempts}
	}
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-r.Context().Done():
		return "", &gateway.Error{Code: gateway.ClientGone}
	}
	exists := p.file.Exists(user)
	compared := user
	if !exists {
		compared = p.decoy // the answer must not come sooner
	}
	if right := p.file.Match(compared, password); !exists || !right {
		return "", wrongPassword()
	}
	p.remember(key)
	return user, nil
}

func wrongPassword() error {
	return &gateway.Error{Code: gateway.Unauthorized, Remedy: "the user or the password is wrong: compare them with the file [server] htpasswd"}
}

func (p *passwords) key(user, password string) [sha256.Size]byte {
	h := sha256.New()
	h.Write(p.salt[:])
	fmt.Fprintf(h, "%d %s%s", len(user), user, password)
	return [sha256.Size]byte(h.Sum(nil))
}

func (p *passwords) known(key [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.right[key]
}

func (p *passwords) remember(key [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.right) >= remembered {
		clear(p.right)
	}
	p.right[key] = true
}

// mayTry tells whether an address may have another password compared. Addresses
// of IPv6 count by their network, of which one client has a whole.
func (p *passwords) mayTry(from netip.Addr) bool {
	bits := min(from.BitLen(), 64)
	network, _ := from.Prefix(bits)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.attempts[network]
	if l == nil {
		if len(p.attempts) >= remembered {
			p.forgetOne()
		}
		l = rate.NewLimiter(rate.Every(attemptEvery), attemptsAtOnce)
		p.attempts[network] = l
	}
	return l.Allow()
}

// forgetOne forgets an address, one that has not tried of late where there is
// one among the first that come to hand.
func (p *passwords) forgetOne() {
	looked := 0
	for network, l := range p.attempts {
		if looked++; l.Tokens() >= attemptsAtOnce || looked == 64 {
			delete(p.attempts, network)
			return
		}
	}
}
