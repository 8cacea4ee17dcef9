package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/tg123/go-htpasswd"

	"dbsep/gateway"
)

// passwords are the users of an htpasswd file.
type passwords struct {
	users    map[string]storedPassword
	decoy    storedPassword // compared with if the user does not exist, so that the response takes as long
	attempts *attempts
	salt     [32]byte // makes the keys useless outside this process
}

// A storedPassword is a line of the file without the user.
type storedPassword struct {
	text string
	htpasswd.EncodedPasswd
}

// maxPassword is the longest password that the htpasswd program accepts, in
// bytes. Comparing a longer one with a SHA hash takes more than linear time.
const maxPassword = 255

func readPasswords(name string) (*passwords, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read [server] htpasswd: %w", err)
	}
	p := &passwords{users: map[string]storedPassword{}, attempts: newAttempts()}
	bad := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		user, stored, ok := parseLine(line)
		if !ok {
			bad++
			continue
		}
		if len(p.users) == 0 {
			p.decoy = stored
		}
		p.users[user] = stored
	}
	if bad > 0 {
		return nil, fmt.Errorf("read [server] htpasswd: %d of its lines cannot be used; create them again with htpasswd -B %s USER", bad, name)
	}
	if len(p.users) == 0 {
		return nil, fmt.Errorf("read [server] htpasswd: %s names no user; create one with htpasswd -B %[1]s USER", name)
	}
	_, err = rand.Read(p.salt[:])
	return p, err
}

func parseLine(line string) (user string, stored storedPassword, ok bool) {
	user, text, found := strings.Cut(line, ":")
	if !found {
		return "", storedPassword{}, false
	}
	for _, parse := range []htpasswd.PasswdParser{htpasswd.AcceptBcrypt, htpasswd.AcceptCryptSha} {
		encoded, err := parse(text)
		if err != nil {
			return "", storedPassword{}, false
		}
		if encoded != nil {
			return user, storedPassword{text, encoded}, true
		}
	}
	return "", storedPassword{}, false
}

// remember keeps the results of an earlier version of the file. They apply to each
// user whose line is unchanged.
func (p *passwords) remember(before *passwords) { p.attempts, p.salt = before.attempts, before.salt }

// check returns the user whose password a request has.
func (p *passwords) check(r *http.Request, from netip.Addr, ended <-chan struct{}) (string, *gateway.Error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return "", &gateway.Error{Code: gateway.Unauthorized}
	}
	if len(password) > maxPassword {
		return "", wrongPassword()
	}
	stored, exists := p.users[user]
	client := sender{network: network(from), user: user}
	if !exists {
		stored, client.user = p.decoy, "" // all unknown names count as one user
	}
	a := attempt{
		sender: client,
		key:    p.key(user, stored.text, password),
		right:  func() bool { return stored.MatchesPassword(password) && exists },
	}
	if err := p.attempts.verify(r.Context(), a, ended); err != nil {
		return "", err
	}
	return user, nil
}

func wrongPassword() *gateway.Error {
	return &gateway.Error{Code: gateway.Unauthorized, Hint: "the user or the password is wrong: compare them with the file [server] htpasswd"}
}

// key is a hash of the user, its line of the file and the password.
func (p *passwords) key(user, stored, password string) verdictKey {
	h := sha256.New()
	h.Write(p.salt[:])
	fmt.Fprintf(h, "%d %d %s%s%s", len(user), len(stored), user, stored, password)
	return verdictKey(h.Sum(nil))
}

// network returns what counts as one address: an IPv6 client has a whole network.
func network(from netip.Addr) netip.Prefix {
	n, _ := from.Prefix(min(from.BitLen(), 64))
	return n
}
