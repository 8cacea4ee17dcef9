package replay

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dbsep/database"
	"dbsep/gateway"
)

// An answer is what dbsep answered, and what it wrote to its log meanwhile.
type answer struct {
	status int
	code   string // X-Dbsep-Error
	kind   string // Content-Type
	body   string
	log    string
}

// A way is a way to ask dbsep.
type way interface {
	ask(t *testing.T, source database.Source, r *request) answer
}

// server asks the gateway as it stands behind a listener. It stays the same as
// long as the source does.
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

// toServer makes the request that a server has read when a client asked as the
// web server's client did. It is made by hand: no client would send some of
// these paths. A Content-Length that is no number never gets past net/http;
// what is left of such a request has no body, as with CGI.
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

// cgiProgram asks the program as a web server starts it.
type cgiProgram struct {
	path string // of the program
	conf string // of its dbsep.conf
}

func newCGI(t *testing.T) *cgiProgram {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return &cgiProgram{path, filepath.Join(t.TempDir(), "dbsep.conf")}
}

// programFolder is where the program is built; TestMain removes it.
var programFolder string

// program builds the program, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "dbsep")
	if out, err := exec.Command("go", "build", "-o", path, "dbsep/cmd/dbsep").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

func (c *cgiProgram) ask(t *testing.T, source database.Source, r *request) answer {
	t.Helper()
	conf := fmt.Sprintf("dsn=%s\ndbuser=%s\ndbpass=%s\nbackslash_is_escape=yes\n", source.DSN, source.User, source.Password)
	if err := os.WriteFile(c.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	cmd := exec.Command(c.path)
	cmd.Env = append(r.toCGI(), "DBSEP_CONF="+c.conf)
	cmd.Stdin = strings.NewReader(r.bytes())
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Errorf("the program ended with %v; its log: %s", err, &log)
	}
	a, err := readCGI(&out)
	if err != nil {
		t.Errorf("no answer of the program: %v; its log: %s", err, &log)
	}
	a.log = log.String()
	return a
}

// toCGI makes the environment that a web server gives the program.
func (r *request) toCGI() []string {
	env := []string{"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "REQUEST_METHOD=" + r.Method, "REMOTE_ADDR=192.0.2.1"}
	add := func(name string, value *string) {
		if value != nil {
			env = append(env, name+"="+*value)
		}
	}
	add("PATH_INFO", r.PathInfo)
	add("QUERY_STRING", r.Query)
	add("CONTENT_TYPE", r.ContentType)
	length := strconv.Itoa(len(r.bytes()))
	if r.ContentLength != nil {
		length = fmt.Sprint(r.ContentLength)
	}
	if length != "0" || r.Method == http.MethodPost {
		add("CONTENT_LENGTH", &length)
	}
	return env
}

// readCGI reads a CGI program's answer.
func readCGI(out io.Reader) (answer, error) {
	lines := bufio.NewReader(out)
	header, err := textproto.NewReader(lines).ReadMIMEHeader()
	if err != nil {
		return answer{}, err
	}
	status, _, _ := strings.Cut(header.Get("Status"), " ")
	a := answer{status: http.StatusOK, code: header.Get("X-Dbsep-Error"), kind: header.Get("Content-Type")}
	if status != "" {
		if a.status, err = strconv.Atoi(status); err != nil {
			return a, err
		}
	}
	body, err := io.ReadAll(lines)
	a.body = string(body)
	return a, err
}
