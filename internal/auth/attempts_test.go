package auth

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dbsep/gateway"
)

// passwordOf is an attempt of a user. Its comparison says right when it is over.
func passwordOf(user, password string, right func() bool) attempt {
	a := attempt{sender: sender{user: user}, right: right}
	copy(a.key[:], user+":"+password)
	return a
}

func TestFewComparisonsRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAttempts()
		var running atomic.Int64
		end := make(chan struct{})
		compare := func() bool {
			running.Add(1)
			defer running.Add(-1)
			<-end
			return true
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { s.verify(t.Context(), passwordOf(fmt.Sprint("user", i), "x", compare), nil) })
		}
		for range 50 {
			synctest.Wait()
			if n, want := running.Load(), int64(max(1, runtime.NumCPU()/2)); n != want {
				t.Fatalf("%d comparisons at a time, not %d", n, want)
			}
			end <- struct{}{}
		}
		close(end)
		all.Wait()
	})
}

// Each letter is a request with a password. One in upper case is given up at once.
func TestWhichPasswordIsComparedNext(t *testing.T) {
	for _, test := range []struct{ name, requests, compared string }{
		{"of equals the newest", "abcd", "adcb"},
		{"a new one becomes the newest by another request", "abcdbc", "acbd"},
		{"the one with the most requests", "abcbd", "abdc"},
		{"requests that were given up count", "aBBccb", "abc"},
		{"none that nobody waits for", "aBcD", "ac"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newAttempts()
				compared := ""
				end := make(chan struct{})
				var all sync.WaitGroup
				for _, letter := range strings.Split(test.requests, "") {
					password := strings.ToLower(letter)
					ctx, giveUp := context.WithCancel(t.Context())
					if password != letter {
						giveUp()
					}
					all.Go(func() {
						defer giveUp()
						s.verify(ctx, passwordOf("alice", password, func() bool {
							compared += password
							<-end
							return true
						}), nil)
					})
					synctest.Wait()
				}
				close(end)
				all.Wait()
				if compared != test.compared {
					t.Errorf("compared: %q, not %q", compared, test.compared)
				}
			})
		})
	}
}

func TestHowLongResponsesToWrongPasswordsAreDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newAttempts().historyOf(sender{user: "alice"})
		for _, test := range []struct {
			after time.Duration
			want  []int // seconds
		}{
			{0, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6, 8, 10, 10, 10}},
			{2 * time.Second, []int{10, 10}},
			{6 * time.Second, []int{6, 8, 10, 10}},
			{time.Hour, []int{0}},
		} {
			time.Sleep(test.after)
			var got []int
			for range test.want {
				delay, err := h.mismatch()
				if (err.Code == gateway.TooManyAttempts) != (delay > 0) {
					t.Errorf("%q after %v", err.Code, delay)
				}
				got = append(got, int(delay.Seconds()))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v later the delays are %v seconds, want %v", test.after, got, test.want)
			}
		}
	})
}

// A client that leaves before its password is compared leaves little behind. One that
// comes again and again is next.
func TestMemoryOfAbandonedPasswordsIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAttempts()
		compared, end := "", make(chan struct{})
		request := func(ctx context.Context, password string) {
			s.verify(ctx, passwordOf("alice", password, func() bool {
				compared += password
				<-end
				return true
			}), nil)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		var all sync.WaitGroup
		for _, again := range []string{"a", "b"} {
			all.Go(func() { request(t.Context(), again) })
			synctest.Wait()
		}
		for range 2 {
			request(gone, "c")
		}
		for i := range 4 * maxRemembered {
			request(gone, fmt.Sprint("once", i))
		}
		if n := len(s.waiting); n != maxRemembered {
			t.Errorf("%d passwords wait", n)
		}
		for _, again := range []string{"b", "c"} {
			all.Go(func() { request(t.Context(), again) })
			synctest.Wait()
		}
		close(end)
		all.Wait()
		if compared != "acb" {
			t.Errorf("compared: %q", compared)
		}
	})
}

// wrong sends a wrong password and returns the code of the response.
func wrong(t *testing.T, s *attempts, user, password string) gateway.Code {
	t.Helper()
	err := s.verify(t.Context(), passwordOf(user, password, func() bool { return false }), nil)
	if err == nil {
		t.Fatal("a wrong password is right")
	}
	return err.Code
}

func TestMemoryOfSendersIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAttempts()
		for i := range 2 * maxRemembered {
			for range 2 {
				wrong(t, s, fmt.Sprint("user", i), "x")
			}
		}
		if n := len(s.senders); n != maxRemembered {
			t.Errorf("%d senders", n)
		}
	})
}

// A guesser is slowed on, however many others send a wrong password at times.
func TestAGuesserIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAttempts()
		guesses := 0
		guess := func() (code gateway.Code) {
			guesses++
			return wrong(t, s, "guesser", fmt.Sprint(guesses))
		}
		for code := gateway.Code(""); code != gateway.TooManyAttempts; {
			code = guess()
		}
		for others := 0; others < 6*maxRemembered; {
			for range maxRemembered / 4 {
				others++
				wrong(t, s, fmt.Sprint("user", others), "x")
			}
			if code := guess(); code != gateway.TooManyAttempts {
				t.Fatalf("a guess after the passwords of %d others: %q", others, code)
			}
			time.Sleep(mismatchesAtOnce * mismatchEvery) // that of the others is long ago
			for range mismatchesAtOnce {
				guess()
			}
		}
	})
}
