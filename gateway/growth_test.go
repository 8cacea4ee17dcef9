package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"dbsep/gateway"
)

// TestMemoryGrowsWithTheRequest doubles each part of a request that a client can
// make long. The memory that is allocated for it must not more than double, but
// for what buffers that grow leave unused.
func TestMemoryGrowsWithTheRequest(t *testing.T) {
	repeat := strings.Repeat
	for name, request := range map[string]func(n int) *http.Request{
		"a value":                  func(n int) *http.Request { return post("/peers/store", "id="+repeat("x", n)) },
		"an encoded value":         func(n int) *http.Request { return post("/peers/store", "id="+repeat("%C3%A9", n/6)) },
		"a value of %":             func(n int) *http.Request { return post("/peers/store", "id="+repeat("%", n)) },
		"a value of ^ and ;":       func(n int) *http.Request { return post("/peers/store", "id="+repeat("^;", n/2)) },
		"a pattern of backslashes": func(n int) *http.Request { return post("/peers/multi", "id%20LIKE="+repeat("\\", n+1)) },
		"a pattern of %25":         func(n int) *http.Request { return post("/peers/multi", "id%20LIKE="+repeat("%25", n/3)) },
		"a name":                   func(n int) *http.Request { return post("/peers/single", repeat("x", n)+"=1") },
		"a name of spaces":         func(n int) *http.Request { return post("/peers/single", "id"+repeat("%20", n/3)+"LIKE=1") },
		"a name of words":          func(n int) *http.Request { return post("/peers/single", "id"+repeat(" LIKE", n/5)+"=1") },
		"a name that is left out":  func(n int) *http.Request { return post("/peers/update?id=1", "port=1&"+repeat("x", n)+"=1") },
		"empty pairs":              func(n int) *http.Request { return post("/peers/single", "id=1"+repeat("&", n)) },
		"pairs, in vain":           func(n int) *http.Request { return post("/peers/single", repeat("id=1&", n/5)) },
		"=":                        func(n int) *http.Request { return post("/peers/single", "id"+repeat("=", n)) },
		"a glued value": func(n int) *http.Request {
			return post("/voicemail/update?uniqueid=1", "&password="+repeat("a", n)+"=1")
		},
		"a glued value that is read": func(n int) *http.Request {
			return post("/voicemail/update?uniqueid=1", "&password="+repeat("a", n)+"fullname=1")
		},
		"glued =":                 func(n int) *http.Request { return post("/voicemail/update?uniqueid=1", "&password"+repeat("=", n)) },
		"a requirement":           func(n int) *http.Request { return post("/peers/require", "id=char:"+repeat("1", n)) },
		"a name that is required": func(n int) *http.Request { return post("/peers/require", repeat("x", n)+"=char:1") },
		"a path of slashes":       func(n int) *http.Request { return post("/"+repeat("/", n)+"peers/single", "id=1") },
		"a path of segments":      func(n int) *http.Request { return post(repeat("/x", n/2)+"/peers/single", "id=1") },
		"a path of one segment":   func(n int) *http.Request { return post("/"+repeat("%78", n/3)+"/single", "id=1") },
		"the list of types": func(n int) *http.Request {
			return withAccept(post("/peers/single", "id=1"), repeat("text/plain,", n/11))
		},
		"the name of the request": func(n int) *http.Request {
			r := post("/peers/single", "id=1")
			r.Header.Set("X-Request-Id", repeat("x", n))
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, json := range []bool{false, true} {
				last := allocated(request(1<<18), json)
				for n := 1 << 19; n <= 1<<21; n *= 2 {
					now := allocated(request(n), json)
					if now > 5*last/2+1<<20 {
						t.Errorf("JSON %v: %d bytes of memory for %d of a request, after %d", json, now, n, last)
					}
					last = now
				}
			}
		})
	}
}

// allocated is how many bytes a gateway allocates to serve a request.
func allocated(r *http.Request, json bool) uint64 {
	if json {
		r = asJSON(r)
	}
	g := gateway.New(newScript(), gateway.Options{Log: new(logBuffer).logger(), Slow: time.Hour})
	w := httptest.NewRecorder()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	g.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
