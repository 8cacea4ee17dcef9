package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// TestRightPasswordsAtOnce sends forty writes at once with the right password:
// right after the start, and after a reload with the same users.
func TestRightPasswordsAtOnce(t *testing.T) {
	r, settings := passwordServer(t)
	r.writeAtOnce("right after the start")
	for n := range 3 {
		r.reload(settings, strings.Repeat("msg=reloaded(.|\n)*", n+1))
		r.writeAtOnce("right after a reload")
	}
}

// TestAGuesserBesideClients does so while somebody at the same address guesses
// the password of the same user.
func TestAGuesserBesideClients(t *testing.T) {
	r, settings := passwordServer(t)
	ctx, enough := context.WithCancel(t.Context())
	var guessers sync.WaitGroup
	defer guessers.Wait()
	defer enough()
	for c := range 20 {
		guessers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/ps_endpoints/update?id=bob", strings.NewReader("context=guessed"))
				if err != nil {
					t.Error(err)
					return
				}
				request.SetBasicAuth("alice", fmt.Sprint(c, " ", n))
				response, err := r.client.Do(request)
				if err != nil {
					continue // the end, or a reload
				}
				response.Body.Close()
				if response.StatusCode != 401 && response.StatusCode != 429 {
					t.Errorf("a guess: %d", response.StatusCode)
				}
			}
		})
	}
	r.said("code=too-many-attempts")
	r.writeAtOnce("beside a guesser")
	r.reload(settings, "msg=reloaded")
	r.writeAtOnce("beside a guesser, after a reload")
	r.want(r.do(http.MethodPost, "/ps_endpoints/single", "id=bob", func(q *http.Request) { q.SetBasicAuth("carol", "singer") }), reply{200, "", "id=bob&context=x\n"})
}

// passwordServer runs a server that knows alice and carol.
func passwordServer(t *testing.T) (r *running, settings string) {
	t.Helper()
	dir := sampleSite(t)
	carol, err := bcrypt.GenerateFromPassword([]byte("singer"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(file, []byte("alice:"+wonderland(t)+"\ncarol:"+string(carol)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings = "[server]\nhtpasswd=" + file + "\nlisten=unix:" + filepath.Join(dir, "socket") + "\n[tables]\n*=none\nps_endpoints=write id, context\n"
	return startServer(t, dir, settings), settings
}

// writeAtOnce sends forty writes by alice at once. All must be done.
func (r *running) writeAtOnce(when string) {
	r.t.Helper()
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			got := r.do(http.MethodPost, "/ps_endpoints/update?id=bob", "context=x", func(q *http.Request) { q.SetBasicAuth("alice", "wonderland") })
			if want := (reply{200, "", "1\n"}); got != want {
				r.t.Errorf("%s: got %+v, want %+v", when, got, want)
			}
		})
	}
	all.Wait()
}
