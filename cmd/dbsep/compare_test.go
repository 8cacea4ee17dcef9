package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompareWithAServerThatIsNoGateway names a web server that has no script.
func TestCompareWithAServerThatIsNoGateway(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(http.NotFound))
	defer web.Close()
	requests := filepath.Join(t.TempDir(), "requests.jsonl")
	if err := os.WriteFile(requests, []byte(`{"path":"/ps_endpoints/single","body":"id=bob"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dbsep", "compare", "--old", web.URL, "--new", web.URL, requests).CombinedOutput()
	const want = "dbsep: the old one is no realtime gateway: none of its 1 responses has rows or a number; the first other one is 404 Not Found, text/plain, 19 bytes\n"
	if err == nil || err.Error() != "exit status 2" || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v\n%s\nwant %s", err, out, want)
	}
}
