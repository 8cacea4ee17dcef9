package auth_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"dbsep/gateway"
	"dbsep/internal/auth"
)

// users writes an htpasswd file, by user and password. The comparison with one
// takes as long as cost says.
func users(t *testing.T, cost int, passwords ...string) string {
	t.Helper()
	var text strings.Builder
	for i := 0; i < len(passwords); i += 2 {
		hash, err := bcrypt.GenerateFromPassword([]byte(passwords[i+1]), cost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s:%s\n", passwords[i], hash)
	}
	return writeFile(t, text.String())
}

// admit sends a password and returns the code of the refusal.
func admit(g *auth.Authorizer, remote, user, password string) gateway.Code {
	_, err := g.Authorize(withPassword(from(remote), user, password))
	return codeOf(err)
}

// together runs n functions at once, and waits for them.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

func TestRightPasswordsAtOnceAreAllAccepted(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "wonderland")})
	together(100, func(i int) {
		if code := admit(g, "10.0.0.1:1", "alice", "wonderland"); code != "" {
			t.Errorf("request %d: %q", i, code)
		}
	})
}

func TestEqualPasswordsShareOneComparison(t *testing.T) {
	file := users(t, 6, "alice", "wonderland")
	for what, addresses := range map[string]int{"one address": 1, "many addresses": 100} {
		g := newAuthorizer(t, auth.Rules{Htpasswd: file})
		before := auth.Comparisons(g)
		together(100, func(i int) {
			if code := admit(g, fmt.Sprintf("10.0.0.%d:1", i%addresses), "alice", "wonderland"); code != "" {
				t.Errorf("%s: request %d: %q", what, i, code)
			}
		})
		if n := auth.Comparisons(g) - before; n != 1 {
			t.Errorf("%s: %d comparisons", what, n)
		}
	}
}

func TestWrongPasswordsAreComparedOnce(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "wonderland")})
	together(20, func(int) {
		if code := admit(g, "10.0.0.1:1", "alice", "old"); code != gateway.Unauthorized && code != gateway.TooManyAttempts {
			t.Errorf("%q", code)
		}
	})
	if n := auth.Comparisons(g); n != 1 {
		t.Errorf("%d comparisons", n)
	}
}

func TestPasswordsAreKnownAfterAReload(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland", "bob", "builder")
	rules := auth.Rules{Htpasswd: file}
	g := newAuthorizer(t, rules)
	for _, user := range []string{"alice wonderland", "bob builder"} {
		name, password, _ := strings.Cut(user, " ")
		if code := admit(g, "10.0.0.1:1", name, password); code != "" {
			t.Fatalf("%s: %q", name, code)
		}
	}
	next := func(of *auth.Authorizer, r auth.Rules) *auth.Authorizer {
		t.Helper()
		g, err := of.Next(r)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	compared := auth.Comparisons(g)
	same := next(g, rules)
	if code := admit(same, "10.0.0.2:1", "alice", "wonderland"); code != "" || auth.Comparisons(same) != compared {
		t.Errorf("the same file: %q, %d comparisons", code, auth.Comparisons(same)-compared)
	}

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	alice, _, _ := strings.Cut(string(text), "\n")
	changed := next(same, auth.Rules{Htpasswd: writeFile(t, "# bob has left, carol is new\n"+alice+"\ncarol:"+alice[len("alice:"):]+"\n")})
	if code := admit(changed, "10.0.0.2:1", "alice", "wonderland"); code != "" || auth.Comparisons(changed) != compared {
		t.Errorf("an equal line: %q, %d comparisons", code, auth.Comparisons(changed)-compared)
	}
	if code := admit(changed, "10.0.0.2:1", "bob", "builder"); code != gateway.Unauthorized {
		t.Errorf("a user who has left: %q", code)
	}
	other := next(changed, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "through the mirror", "bob", "wonderland")})
	for user, want := range map[string]gateway.Code{
		"alice wonderland": gateway.Unauthorized, "alice through the mirror": "", "bob builder": gateway.Unauthorized, "bob wonderland": "",
	} {
		name, password, _ := strings.Cut(user, " ")
		if code := admit(other, "10.0.0.2:1", name, password); code != want {
			t.Errorf("another line: %s: %q", user, code)
		}
	}
	open := next(other, auth.Rules{})
	if code := admit(open, "10.0.0.2:1", "", ""); code != "" {
		t.Errorf("without a file: %q", code)
	}
	if code := admit(next(open, rules), "10.0.0.2:1", "alice", "wonderland"); code != "" {
		t.Errorf("with a file again: %q", code)
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland", "bob", "builder", "carol", "singer")
	synctest.Test(t, func(t *testing.T) {
		g := newAuthorizer(t, auth.Rules{Htpasswd: file})
		if code := admit(g, "[fd00::9]:1", "alice", "wonderland"); code != "" {
			t.Fatal(code)
		}
		const guesses = 100
		begun := time.Now()
		last := gateway.Code("")
		for i := range guesses {
			last = admit(g, "[fd00::1]:1", "alice", fmt.Sprint(i))
		}
		if took := time.Since(begun); took < (guesses-20)*2*time.Second || last != gateway.TooManyAttempts {
			t.Errorf("%d guesses took %v, the last: %q", guesses, took, last)
		}
		for _, test := range []struct {
			name, remote, user, password string
			want                         gateway.Code
			most                         time.Duration
		}{
			{"known and right", "[fd00::1]:1", "alice", "wonderland", "", 0},
			{"right, another user at the address", "[fd00::1]:1", "bob", "builder", "", 0},
			{"wrong, another user at the address", "[fd00::1]:1", "carol", "x", gateway.Unauthorized, 0},
			{"the next address of the network", "[fd00::ffff]:1", "alice", "x", gateway.TooManyAttempts, 10 * time.Second},
			{"another network", "[fd00:0:0:1::1]:1", "alice", "y", gateway.Unauthorized, 0},
			{"a wrong one again", "[fd00::1]:1", "alice", "x", gateway.TooManyAttempts, 0},
		} {
			begun := time.Now()
			if code := admit(g, test.remote, test.user, test.password); code != test.want || time.Since(begun) > test.most {
				t.Errorf("%s: %q after %v", test.name, code, time.Since(begun))
			}
		}
		time.Sleep(time.Minute)
		if code := admit(g, "[fd00::1]:1", "alice", "z"); code != gateway.Unauthorized {
			t.Errorf("after a while: %q", code)
		}
	})
}

// Names that do not exist are one user: a guesser cannot have a queue for each.
func TestGuessingUsersIsSlowed(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland")
	synctest.Test(t, func(t *testing.T) {
		g := newAuthorizer(t, auth.Rules{Htpasswd: file})
		begun := time.Now()
		for i := range 50 {
			if code := admit(g, "10.0.0.1:1", fmt.Sprint("user", i), "wonderland"); code == "" {
				t.Fatal("a user who does not exist is accepted")
			}
		}
		if took := time.Since(begun); took < time.Minute {
			t.Errorf("50 users took %v", took)
		}
	})
}

// guess sends wrong passwords from some connections at once until ctx ends, each
// after the response to the one before.
func guess(ctx context.Context, g *auth.Authorizer, connections int, remote, user string) (wait func()) {
	var all sync.WaitGroup
	for c := range connections {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r := withPassword(from(remote), user, fmt.Sprint(c, " ", i))
				_, _ = g.Authorize(r.WithContext(ctx))
			}
		})
	}
	return all.Wait
}

func TestAGuesserKeepsNobodyOut(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland", "bob", "builder")
	for _, guesses := range []string{"alice", "nobody"} {
		synctest.Test(t, func(t *testing.T) {
			g := newAuthorizer(t, auth.Rules{Htpasswd: file})
			ctx, cancel := context.WithCancel(t.Context())
			wait := guess(ctx, g, 20, "10.0.0.1:1", guesses)
			for _, after := range []time.Duration{0, time.Second, time.Minute} {
				time.Sleep(after)
				for _, user := range []string{"alice wonderland", "bob builder"} {
					name, password, _ := strings.Cut(user, " ")
					begun := time.Now()
					if code := admit(g, "10.0.0.1:1", name, password); code != "" {
						t.Errorf("a guesser of %s, %v later: %s: %q after %v", guesses, after, name, code, time.Since(begun))
					}
				}
			}
			cancel()
			wait()
		})
	}
}

// A right password that nobody knows yet waits for those before it, and no longer.
func TestAnUnknownRightPasswordWaitsItsTurn(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland")
	synctest.Test(t, func(t *testing.T) {
		g := newAuthorizer(t, auth.Rules{Htpasswd: file})
		ctx, cancel := context.WithCancel(t.Context())
		wait := guess(ctx, g, 20, "10.0.0.1:1", "alice")
		time.Sleep(time.Minute)
		begun := time.Now()
		if code := admit(g, "10.0.0.1:1", "alice", "wonderland"); code != "" || time.Since(begun) > 3*time.Second {
			t.Errorf("%q after %v", code, time.Since(begun))
		}
		cancel()
		wait()
	})
}

// A client that keeps sending its password gets in, however many guess beside it and
// whatever dbsep has forgotten.
func TestManyGuessersKeepNobodyOut(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland", "bob", "builder")
	for _, test := range []struct {
		name              string
		guessers          int
		addresses, atOnce int
		after             time.Duration
	}{
		{"from one address", 600, 1, 8, time.Minute},
		{"from many addresses", 600, 20, 8, 10 * time.Second},
		{"one request after the other", 600, 1, 1, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newAuthorizer(t, auth.Rules{Htpasswd: file})
				ctx, cancel := context.WithCancel(t.Context())
				var waits []func()
				for i := range test.addresses {
					waits = append(waits, guess(ctx, g, test.guessers/test.addresses, fmt.Sprintf("10.0.%d.%d:1", i/200, i%200), "alice"))
				}
				time.Sleep(test.after)
				together(test.atOnce, func(int) {
					code := admit(g, "10.0.0.0:1", "alice", "wonderland")
					if code != "" && test.atOnce == 1 {
						code = admit(g, "10.0.0.0:1", "alice", "wonderland")
					}
					if code != "" {
						t.Errorf("%q", code)
					}
				})
				if code := admit(g, "10.0.0.0:1", "bob", "builder"); code != "" && admit(g, "10.0.0.0:1", "bob", "builder") != "" {
					t.Errorf("another user: %q", code)
				}
				cancel()
				for _, wait := range waits {
					wait()
				}
			})
		})
	}
}

func TestWaitingForAComparisonIsLimited(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland")
	synctest.Test(t, func(t *testing.T) {
		g := newAuthorizer(t, auth.Rules{Htpasswd: file})
		begun := time.Now()
		together(1000, func(i int) {
			if code := admit(g, "10.0.0.1:1", "alice", fmt.Sprint(i)); code == "" {
				t.Error("a wrong password is accepted")
			}
		})
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("1000 wrong passwords at once were answered after %v", took)
		}
		if n := auth.Comparisons(g); n > 200 {
			t.Errorf("%d comparisons", n)
		}
	})
}

func TestDelaysEndWithTheAuthorizer(t *testing.T) {
	file := users(t, bcrypt.MinCost, "alice", "wonderland")
	synctest.Test(t, func(t *testing.T) {
		g := newAuthorizer(t, auth.Rules{Htpasswd: file})
		for i := range 10 {
			admit(g, "10.0.0.1:1", "alice", fmt.Sprint(i))
		}
		begun := time.Now()
		g.End()
		if code := admit(g, "10.0.0.1:1", "alice", "x"); code != gateway.TooManyAttempts || time.Since(begun) > 0 {
			t.Errorf("%q after %v", code, time.Since(begun))
		}
	})
}

func TestMemoryOfPasswordsIsLimited(t *testing.T) {
	// The password is "wonderland", with the least work that SHA-crypt allows.
	g := newAuthorizer(t, auth.Rules{Htpasswd: writeFile(t, "alice:$5$rounds=1000$abc$YI2Lywy0S8n3.duLBy/rF/6A39qHaKdhi8X8wgNj4e8\n")})
	if code := admit(g, "10.0.0.1:1", "alice", "wonderland"); code != "" {
		t.Fatal(code)
	}
	together(8, func(i int) {
		for n := range 600 {
			admit(g, fmt.Sprintf("10.%d.%d.%d:1", i+1, n/250, n%250), "alice", fmt.Sprint(i, n))
		}
	})
	if n := auth.Remembered(g); n > 2*4096+1 {
		t.Errorf("%d entries", n)
	}
	compared := auth.Comparisons(g)
	if code := admit(g, "10.0.0.1:1", "alice", "wonderland"); code != "" || auth.Comparisons(g) != compared {
		t.Errorf("wrong passwords displaced a right one: %q", code)
	}
}

// SHA-crypt takes more than linear time for the length of a password.
func TestLongPasswordsAreNotCompared(t *testing.T) {
	g := newAuthorizer(t, auth.Rules{Htpasswd: users(t, bcrypt.MinCost, "alice", "wonderland")})
	for bytes, compared := range map[int]int64{255: 1, 256: 0} {
		before := auth.Comparisons(g)
		if code := admit(g, "10.0.0.1:1", "alice", strings.Repeat("x", bytes)); code != gateway.Unauthorized || auth.Comparisons(g)-before != compared {
			t.Errorf("%d bytes: %q, %d comparisons", bytes, code, auth.Comparisons(g)-before)
		}
	}
}
