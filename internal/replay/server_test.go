package replay

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"dbsep/gateway"
	"dbsep/internal/database"
)

// server sends requests to the gateway as it is behind a listener. It stays the
// same as long as the source does.
type server struct {
	options gateway.Options
	source  string
	db      *database.DB
	gateway *gateway.Gateway
	log     bytes.Buffer
}

func newServer(t *testing.T, o gateway.Options) *server {
	t.Helper()
	s := &server{options: o}
	s.options.Log = slog.New(slog.NewTextHandler(&s.log, nil))
	t.Cleanup(s.close)
	return s
}

func (s *server) close() {
	if s.db != nil {
		s.db.Close()
	}
}

func (s *server) open(t *testing.T, source database.Source) {
	t.Helper()
	if s.source == source.DSN {
		return
	}
	s.close()
	db, err := database.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	s.source, s.db, s.gateway = source.DSN, db, gateway.New(db, s.options)
}

func (s *server) ask(t *testing.T, source database.Source, r *request) answer {
	t.Helper()
	s.open(t, source)
	s.log.Reset()
	w := httptest.NewRecorder()
	s.gateway.ServeHTTP(w, r.toServer())
	return answer{w.Code, w.Header().Get("X-Dbsep-Error"), w.Header().Get("Content-Type"), w.Body.String(), s.log.String()}
}

// toServer makes the request that a server has read when a client sent it as the
// web server's client did. It is made by hand: no client would send some of these
// paths. An invalid Content-Length never gets past net/http; what is left of such a
// request has no body, as with CGI.
func (r *request) toServer() *http.Request {
	body := r.bytes()
	q := &http.Request{
		Method: r.Method,
		URL:    &url.URL{Path: r.serverPath(), RawQuery: deref(r.Query)},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{},
		Host:          "pbx.example",
		RemoteAddr:    "192.0.2.1:5060",
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	if r.ContentType != nil {
		q.Header.Set("Content-Type", *r.ContentType)
	}
	return q
}

// serverPath puts the path where the script was, as a site that moves from it
// may leave it. A path too short to hold a table has nothing before it: the
// prefix must not become the table.
func (r *request) serverPath() string {
	path := "/" + strings.TrimLeft(deref(r.PathInfo), "/")
	if strings.Count(path, "/") < 2 {
		return path
	}
	return "/cgi-bin/dbsep.cgi" + path
}
