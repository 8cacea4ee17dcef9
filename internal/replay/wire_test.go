package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dbsep/gateway"
	"dbsep/internal/database"
)

// A wireRequest is a request of an Asterisk 22 as it came over the wire.
type wireRequest struct {
	ID     int
	Op     string
	Method string
	Target string
	Header header `json:"headers"`
	Body   string
}

// A header is the lines of a request's header in their order.
type header []byte

func (h *header) UnmarshalJSON(text []byte) error {
	tokens := json.NewDecoder(bytes.NewReader(text))
	if _, err := tokens.Token(); err != nil {
		return err
	}
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			return err
		}
		value, err := tokens.Token()
		if err != nil {
			return err
		}
		*h = fmt.Appendf(*h, "%s: %s\r\n", name, value)
	}
	return nil
}

func (w *wireRequest) bytes() []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\n%s\r\n%s", w.Method, w.Target, w.Header, w.Body)
}

// title is the line above a request's response in testdata/wire-expected.txt.
func (w *wireRequest) title() string {
	return strings.TrimRight(fmt.Sprintf("%d %s %s %s", w.ID, w.Method, w.Target, w.Body), " ")
}

// request is what the rules for responses need to know of a request.
func (w *wireRequest) request() *request {
	path, query, _ := strings.Cut(w.Target, "?")
	return &request{Method: w.Method, PathInfo: &path, Query: &query, Body: w.Body}
}

const expectedFile = "testdata/wire-expected.txt"

func TestWire(t *testing.T) {
	var requests []wireRequest
	readLines(t, "testdata/wire.jsonl", func(line []byte) error {
		var w wireRequest
		err := json.Unmarshal(line, &w)
		requests = append(requests, w)
		return err
	})
	expected := readDecisions(t, expectedFile)
	checkTitles(t, requests, expected)
	for db, schema := range map[string]string{"sqlite": "testdata/asterisk-sqlite.sql", "mariadb": "testdata/asterisk-mysql.sql", "pg": "testdata/asterisk-pg.sql"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			f := fixtures[db](t, schema)
			for i := range requests {
				w := &requests[i]
				a := w.send(t, f.fresh(t))
				checkAnswer(t, w.request(), a)
				if diff := cmp.Diff(expected.wire(w, db), decide(a, f.changes(t))); diff != "" {
					t.Errorf("%.1000s\n(-%s +dbsep):\n%s", w.title(), expectedFile, diff)
				}
			}
		})
	}
}

// wire is the response that a request should get. One database may have one of its
// own, below a title that begins with its name.
func (all decisions) wire(w *wireRequest, db string) decision {
	if d, special := all[db+" "+w.title()]; special {
		return d
	}
	return all[w.title()]
}

// checkTitles checks that there is a response for each request, and a request for
// each response.
func checkTitles(t *testing.T, requests []wireRequest, expected decisions) {
	t.Helper()
	known := map[string]bool{}
	for i := range requests {
		title := requests[i].title()
		known[title] = true
		if expected[title] == nil {
			t.Errorf("%s has no answer for %s", expectedFile, title)
		}
	}
	for title := range expected {
		if db, rest, _ := strings.Cut(title, " "); fixtures[db] != nil {
			title = rest
		}
		if !known[title] {
			t.Errorf("%s has an answer that nobody asked for: %s", expectedFile, title)
		}
	}
}

// send sends a request over a connection of its own and reads the response.
func (w *wireRequest) send(t *testing.T, source database.Source) answer {
	t.Helper()
	db, err := database.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var log bytes.Buffer
	s := httptest.NewServer(gateway.New(db, gateway.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(w.bytes()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", w.title(), err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", w.title(), err)
	}
	if resp.ContentLength != int64(len(body)) {
		t.Errorf("%s: an answer of %d bytes came with the length %d", w.title(), len(body), resp.ContentLength)
	}
	conn.Close()
	s.Close() // waits for the handler, which may still write its log
	return answer{resp.StatusCode, resp.Header.Get("X-Dbsep-Error"), resp.Header.Get("Content-Type"), string(body), log.String()}
}
