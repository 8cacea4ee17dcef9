//go:build e2e

package asterisk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dbsep/internal/testenv"
)

// A recorder is in front of a gateway and notes the requests.
type recorder struct {
	url string

	mu       sync.Mutex
	requests []string // each is a path with its query, and a form
}

func record(t *testing.T, gateway string) *recorder {
	t.Helper()
	target, err := url.Parse(gateway)
	check(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	r := new(recorder)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		form, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		request.Body = io.NopCloser(bytes.NewReader(form))
		if !bytes.HasPrefix(form, []byte("expiration_time")) { // Asterisk looks for expired contacts now and then
			r.mu.Lock()
			r.requests = append(r.requests, request.URL.RequestURI()+" "+string(form))
			r.mu.Unlock()
		}
		proxy.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// since returns what has come after the first n requests.
func (r *recorder) since(n int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests[n:])
}

// ofOnePhone are the parts of requests that are different for each phone and each time.
var ofOnePhone = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`%3B%40[0-9a-f]{32}`), "%3B%40HASH"},
	{regexp.MustCompile(`call_id=\w+`), "call_id=CALL"},
	{regexp.MustCompile(`(via_port=|uri=sip%3A2001%40127.0.0.1%3A)\d+`), "${1}5060"},
	{regexp.MustCompile(`user_agent=[^&]*`), "user_agent=phone"},
	{regexp.MustCompile(`expiration_time=\d+`), "expiration_time=2000000000"},
	{regexp.MustCompile(`2001`), "PHONE"},
}

// general makes requests those of any phone, in alphabetical order: Asterisk's threads send
// some of them at the same time.
func general(requests []string) []string {
	for i, r := range requests {
		for _, part := range ofOnePhone {
			r = part.pattern.ReplaceAllString(r, part.instead)
		}
		requests[i] = r
	}
	slices.Sort(requests)
	return requests
}

// ownRow is the end of a request for the phone's own row, which memory_cache keeps.
const ownRow = "/single id=PHONE"

func TestRegistration(t *testing.T) {
	root := debianRoot(t)
	site := testenv.SQLite(t, data+"asterisk-sqlite.sql")
	_, err := site.DB.ExecContext(t.Context(), testenv.OpenPage(t, manual).Block(t, "phone.sql"))
	check(t, err)
	recorded := strings.Split(strings.TrimSpace(read(t, "../../bench/speed/testdata/registration.txt")), "\n")
	slices.Sort(recorded)
	var cachedRows []string
	cached := slices.DeleteFunc(slices.Clone(recorded), func(r string) bool {
		own := strings.HasSuffix(r, ownRow)
		if own {
			cachedRows = append(cachedRows, r)
		}
		return own
	})
	firstCached := slices.Sorted(slices.Values(append(slices.Compact(cachedRows), cached...)))

	t.Run("without memory_cache", func(t *testing.T) {
		r := newRegistrar(t, root, site, false)
		r.renews(t, recorded)
		r.renews(t, recorded)
	})
	t.Run("with memory_cache", func(t *testing.T) {
		r := newRegistrar(t, root, site, true)
		r.renews(t, cached)
		for _, name := range r.caches {
			r.ForgetCached(t, name)
		}
		r.renews(t, firstCached)
		r.renews(t, cached)
		r.keepsPassword(t)
	})
}

// A registrar is an Asterisk where the manual's phone is registered, with a recorder in front
// of its gateway.
type registrar struct {
	*pbx
	*recorder
	phone  *phone
	caches []string
}

// cacheLifetime is shorter than that of the manual.
const cacheLifetime = 15 * time.Second

func newRegistrar(t *testing.T, root string, site *testenv.Site, cached bool) *registrar {
	t.Helper()
	p := &pbx{Site: site, Asterisk: testenv.NewAsterisk(t, root), whole: t, sip: freeAddress(t)}
	r := &registrar{pbx: p, recorder: record(t, site.Serve(t)), phone: newPhone(t, p, "2001")}
	page := testenv.OpenPage(t, manual)
	r.caches = p.WriteRegistrar(t, page, p.sip, cached, func(family string) string { return "curl," + r.recorder.url + "/" + family })
	if cached {
		p.Write(t, "sorcery.conf", page.Block(t, "sorcery-cache.conf", "object_lifetime_maximum=60", fmt.Sprintf("object_lifetime_maximum=%d", int(cacheLifetime.Seconds()))))
	}
	r.phone.password = "change-me"
	p.Start(t)
	r.registers(t)
	return r
}

func (r *registrar) registers(t *testing.T) {
	t.Helper()
	r.phone.registers(t, r.phone.contact(""), 3600)
}

// renews lets the phone register once more, and compares what Asterisk requests then.
func (r *registrar) renews(t *testing.T, want []string) {
	t.Helper()
	before := r.settled(t)
	r.registers(t)
	r.settled(t)
	if diff := cmp.Diff(want, general(r.since(before))); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// settled waits until Asterisk sends no more requests, of which some come after the response
// to a phone, and returns how many there were.
func (r *registrar) settled(t *testing.T) (n int) {
	t.Helper()
	quiet := 0
	eventually(t, func() error {
		before := n
		if n = len(r.since(0)); n > before {
			quiet = 0
		}
		if quiet++; quiet < 50 {
			return errors.New("Asterisk still sends requests")
		}
		return nil
	})
	return n
}

// keepsPassword changes the phone's password. Asterisk takes the old one as long as it has
// it in memory, and no longer.
func (r *registrar) keepsPassword(t *testing.T) {
	t.Helper()
	const was, is = "change-me", "changed"
	var begun time.Time
	for {
		r.exec(t, "UPDATE ps_auths SET password = '"+was+"'")
		r.ForgetCached(t, "auths")
		begun = time.Now()
		r.registers(t)
		r.exec(t, "UPDATE ps_auths SET password = '"+is+"'")
		final := r.phone.register(t, r.phone.contact(""), 3600)
		if time.Since(begun) > cacheLifetime {
			continue // it may have been forgotten in the meantime
		}
		if final.status() != 200 {
			t.Errorf("the password in memory: %s", final.start)
		}
		break
	}
	r.phone.password = is
	eventually(t, func() error {
		if final := r.phone.register(t, r.phone.contact(""), 3600); final.status() != 200 {
			return errors.New(final.start)
		}
		return nil
	})
	if took := time.Since(begun); took < cacheLifetime {
		t.Errorf("the new password counts after %s", took)
	}
	r.phone.password = was
	if final := r.phone.register(t, r.phone.contact(""), 3600); final.status() != 401 {
		t.Errorf("the old password: %s", final.start)
	}

	r.exec(t, "UPDATE ps_auths SET password = '"+was+"'")
	r.ForgetCached(t, "auths")
	r.registers(t)
}
