package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"dbsep/gateway"
	"dbsep/sqlgen"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// A script is a database that returns what a test sets and records the statements
// that it gets.
type script struct {
	tables   map[string]*sqlgen.Table
	rows     [][]any // a string, or nil for NULL
	affected int64
	err      error // of Query after the rows, and of Exec
	describe error
	keys     [][]string

	mu         sync.Mutex
	statements []sqlgen.Statement
	described  int
	before     func() // called before each statement runs
}

var dialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return `"` + name + `"` },
	Placeholder: sqlgen.QuestionMark,
	Read:        func(_ *sqlgen.Column, quoted string) string { return quoted },
	AsText:      func(_ *sqlgen.Column, quoted string) string { return "TEXT(" + quoted + ")" },
	Escape:      ` ESCAPE '\'`,
	AfterOne:    " LIMIT 1",
	Type:        func(r sqlgen.Requirement) string { return strings.ToUpper(r.Type) },
	Add:         func(table, column, typ string) string { return "ALTER TABLE " + table + " ADD " + column + " " + typ },
	Alter: func(table, column, typ string) string {
		return "ALTER TABLE " + table + " MODIFY " + column + " " + typ
	},
}

func (s *script) Dialect() *sqlgen.Dialect { return dialect }

func (s *script) Describe(_ context.Context, name string) (*sqlgen.Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.described++
	if s.describe != nil {
		return nil, s.describe
	}
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, &sqlgen.Fault{Cause: sqlgen.UnknownTable, Table: name}
}

func (s *script) Keys(context.Context, *sqlgen.Table) ([][]string, error) { return s.keys, nil }

func (s *script) Query(ctx context.Context, st sqlgen.Statement, row func([][]byte) error) error {
	s.record(st)
	for _, values := range s.rows {
		columns := make([][]byte, len(values))
		for i, v := range values {
			if v != nil {
				columns[i] = []byte(v.(string))
			}
		}
		if err := row(columns); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return &sqlgen.Fault{Cause: sqlgen.Canceled, Err: context.Cause(ctx)}
		}
	}
	return s.err
}

func (s *script) Exec(_ context.Context, st sqlgen.Statement) (int64, error) {
	s.record(st)
	return s.affected, s.err
}

func (s *script) record(st sqlgen.Statement) {
	s.mu.Lock()
	s.statements = append(s.statements, st)
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before()
	}
}

// textTable makes a table whose columns are all text but for those named with a #.
func textTable(name string, columns ...string) *sqlgen.Table {
	described := make([]sqlgen.Column, len(columns))
	for i, c := range columns {
		described[i] = sqlgen.Column{Name: c, Class: sqlgen.Text, Type: "text", Nullable: true}
		if number, ok := strings.CutPrefix(c, "#"); ok {
			described[i] = sqlgen.Column{Name: number, Class: sqlgen.Integer, Type: "integer", Size: 4, Nullable: true}
		}
	}
	return sqlgen.NewTable(name, described)
}

func newScript() *script {
	return &script{tables: map[string]*sqlgen.Table{
		"peers":      textTable("peers", "id", "call-limit", "contact", "#port"),
		"voicemail":  textTable("voicemail", "uniqueid", "context", "mailbox", "password", "fullname"),
		"rt_test":    textTable("rt_test", "id", "name", "a", "b", "c", "d", "e", "n", "x_y"),
		"ast_config": textTable("ast_config", "#id", "#cat_metric", "#var_metric", "#commented", "filename", "category", "var_name", "var_val"),
	}, affected: 1}
}

// forTables are options with the same ones for every table.
func forTables(o gateway.TableOptions) gateway.Options {
	return gateway.Options{TableOptions: func(string) gateway.TableOptions { return o }}
}

// A result is the response to a request, and what is logged.
type result struct {
	status int
	code   string // X-Dbsep-Error
	kind   string // Content-Type
	body   string
	log    string
}

// send sends a request to a gateway. The target is a path with its query string.
func send(t *testing.T, db gateway.Database, o gateway.Options, r *http.Request) result {
	t.Helper()
	var log bytes.Buffer
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	}
	w := httptest.NewRecorder()
	gateway.New(db, o).ServeHTTP(w, r)
	return result{w.Code, w.Header().Get("X-Dbsep-Error"), w.Header().Get("Content-Type"), w.Body.String(), log.String()}
}

func post(target, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

func asJSON(r *http.Request) *http.Request {
	r.Header.Set("Accept", "application/json")
	return r
}

// brokenBody breaks off after a few bytes.
type brokenBody struct{ io.Reader }

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// A logBuffer keeps what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
