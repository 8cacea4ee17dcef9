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

// TestCheckFollowsNoRedirect has an address of extconfig.conf that redirects to another
// server: the password of res_curl.conf is not for that one.
func TestCheckFollowsNoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was sent on, with %q", r.Method, r.URL, r.Header["Authorization"])
	}))
	defer other.Close()
	redirects := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		redirects++
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.conf":   "[modules]\nautoload=yes\n",
		"res_curl.conf":  "[globals]\nhttptimeout=60\nuserpwd=asterisk:hunter2\n",
		"extconfig.conf": "[settings]\nvoicemail => curl," + server.URL + "/voicemail\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "dbsep", "check", "-c", filepath.Join(sampleSite(t), "dbsep.conf"), "--asterisk-config", dir)
	out, _ := cmd.Output()
	if text := strings.Join(strings.Fields(string(out)), " "); !strings.Contains(text, server.URL+"/voicemail is no realtime gateway: it responds with 307 Temporary Redirect; correct the address") {
		t.Errorf("%s", out)
	}
	if code := cmd.ProcessState.ExitCode(); code != 1 || redirects != 1 {
		t.Errorf("status %d after %d requests", code, redirects)
	}
}
