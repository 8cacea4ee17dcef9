//go:build e2e

package attack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"dbsep/internal/testenv"
)

// guessers guess the password of a client at its own address, as behind a router or a
// web server that both share.
const guessers = 300

func TestGuessersAtTheAddressOfAClient(t *testing.T) {
	testenv.Feature(t, "attack", fmt.Sprintf("%d guessers at the address of a client: it is served after a start, a reload and a new password", guessers), func(t *testing.T) {
		site := testenv.SQLite(t, tables)
		file := filepath.Join(site.Folder, "htpasswd")
		htpasswd(t, file, "first")
		x := serve(t, site, "[server]", "htpasswd="+file)

		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		for i := range guessers {
			all.Go(func() { x.guess(ctx, t, i) })
		}
		x.await(t, "the guessers to be slowed down", func(now testenv.Series) bool {
			return now[`dbsep_http_requests_total{code="too-many-attempts",operation="update",table=""}`] > 0
		})
		x.wantServed(t, "after the start", "first")
		x.reload(t, 1)
		x.wantServed(t, "after a reload", "first")
		htpasswd(t, file, "second")
		x.reload(t, 2)
		x.wantServed(t, "after a change of the password", "second")
	})
}

// htpasswd writes a file with one user.
func htpasswd(t *testing.T, file, password string) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 10)
	check(t, err)
	check(t, os.WriteFile(file, []byte("pbx:"+string(hash)+"\n"), 0o600))
}

// reload has the server read its configuration again.
func (x *target) reload(t *testing.T, reloads float64) {
	t.Helper()
	check(t, x.Cmd.Process.Signal(syscall.SIGHUP))
	x.await(t, "the reload", func(now testenv.Series) bool {
		return now[`dbsep_config_reloads_total{result="success"}`] == reloads
	})
}

// guess sends one wrong password after the other.
func (x *target) guess(ctx context.Context, t *testing.T, guesser int) {
	for i := 0; ctx.Err() == nil; i++ {
		status, body, err := x.write(ctx, fmt.Sprint(guesser, " ", i))
		if err == nil && (status != 401 && status != 429 || body != "-1\n") {
			t.Errorf("a guess was answered %d, %q", status, body)
		}
	}
}

// wantServed has a client send its password with forty writes at once, on new
// connections, and then with one after the other.
func (x *target) wantServed(t *testing.T, when, password string) {
	t.Helper()
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			for range 5 {
				if status, body, err := x.write(t.Context(), password); err != nil || status != 200 || body != "1\n" {
					t.Errorf("%s: answered %d, %q, %v", when, status, body, err)
				}
			}
		})
	}
	all.Wait()
}

// write writes a row on a new connection.
func (x *target) write(ctx context.Context, password string) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url+"/peers/update?name=bob", strings.NewReader("port=1"))
	if err != nil {
		return 0, "", err
	}
	r.SetBasicAuth("pbx", password)
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
