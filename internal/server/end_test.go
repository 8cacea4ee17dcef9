package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "dbsep/internal/database/all"
	"dbsep/internal/database/sqlite"
	"dbsep/internal/server"
	"dbsep/internal/setup"
)

// TestDatabaseStaysOpenForRequestsThatNetHTTPForgets ends a server while it has a request
// that net/http does not wait for: one that arrived while it closed connections
// without requests.
func TestDatabaseStaysOpenForRequestsThatNetHTTPForgets(t *testing.T) {
	dir := t.TempDir()
	if err := sqlite.Create(t.Context(), filepath.Join(dir, "a.db"), "CREATE TABLE peers (id TEXT)"); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "dbsep.conf")
	if err := os.WriteFile(conf, []byte("dsn=DBI:SQLite:dbname="+filepath.Join(dir, "a.db")+"\n[server]\nlisten=unix:"+filepath.Join(dir, "socket")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := setup.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	s := server.Server{Load: func() (*setup.Loaded, error) { return setup.Load(conf) }}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	listening, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, loaded, func(net.Addr) { close(listening) }) }()
	<-listening

	body, rest := io.Pipe()
	response := httptest.NewRecorder()
	responded := make(chan struct{})
	go func() {
		defer close(responded)
		s.ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/peers/store", body))
	}()
	if _, err := io.WriteString(rest, "id="); err != nil { // it has begun to read
		t.Fatal(err)
	}
	stop()
	for s.Users() > 1 { // until the server itself uses the instance no more
		select {
		case err := <-ended:
			t.Fatalf("the server has ended, %v, with a request in flight", err)
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := io.WriteString(rest, "a"); err != nil {
		t.Fatal(err)
	}
	rest.Close()
	<-responded
	if got := response.Body.String(); got != "1\n" {
		t.Errorf("the response is %q, %s", got, response.Header().Get("X-Dbsep-Error"))
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	// A request that comes even later gets no response.
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // it is a value of recover
			t.Errorf("recovered %v", p)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/peers/store", http.NoBody))
}
