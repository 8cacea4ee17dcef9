package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dbsep/sqlgen"
)

// wide is a table like ps_endpoints of Asterisk 22, with 150 columns.
var wide = func() *sqlgen.Table {
	columns := make([]sqlgen.Column, 150)
	for i := range columns {
		columns[i] = sqlgen.Column{Name: fmt.Sprintf("column_%d", i), Class: sqlgen.Text, Nullable: true}
	}
	columns[0].Name = "id"
	return sqlgen.NewTable("ps_endpoints", columns)
}()

var benchDialect = &sqlgen.Dialect{
	Quote:       func(name string) string { return `"` + name + `"` },
	Placeholder: sqlgen.QuestionMark,
	Read:        func(_ *sqlgen.Column, quoted string) string { return quoted },
	AfterOne:    " LIMIT 1",
}

// ready is a database that returns the same row any number of times and allocates
// nothing, so that only the gateway's allocations count.
type ready struct {
	rows int
	row  [][]byte
}

func newReady(rows int) ready {
	row := make([][]byte, len(wide.Columns))
	for i := range row {
		if i%3 == 0 { // an endpoint has a third of its columns set
			row[i] = []byte("sip:alice@10.0.0.1:5060^3Btransport=ws")
		}
	}
	return ready{rows, row}
}

func (ready) Dialect() *sqlgen.Dialect                                         { return benchDialect }
func (ready) Describe(context.Context, string) (*sqlgen.Table, error)          { return wide, nil }
func (ready) Exec(context.Context, sqlgen.Statement) (affected int64, _ error) { return 1, nil }

func (ready) Keys(context.Context, *sqlgen.Table) ([][]string, error) { return nil, nil }

func (r ready) Query(_ context.Context, _ sqlgen.Statement, row func([][]byte) error) error {
	for range r.rows {
		if err := row(r.row); err != nil {
			return err
		}
	}
	return nil
}

// nowhere discards a response.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (n nowhere) SetWriteDeadline(time.Time) error { return nil }

func BenchmarkParse(b *testing.B) {
	g := New(newReady(1), Options{})
	const body = "id=alice%3B%40c7b3c72520e64e6890687cb0bb4c9faa&via_addr=127.0.0.1&qualify_timeout=3.000000&call_id=3c385835%40rtlab&uri=sip%3Aalice%40127.0.0.1%3A18120"
	r := httptest.NewRequest(http.MethodPost, "/rt/ps_contacts/store", nil)
	r.ContentLength = int64(len(body))
	text := strings.NewReader(body)
	b.ReportAllocs()
	for b.Loop() {
		text.Reset(body)
		r.Body = io.NopCloser(text)
		req := newRequest(r)
		if req.pathError != nil {
			b.Fatal(req.pathError)
		}
		if err := g.read(r, req); err != nil {
			b.Fatal(err)
		}
		if fields, err := g.fields(b.Context(), req, newTable(wide, TableOptions{}, time.Now())); err != nil || len(fields) != 5 {
			b.Fatal(fields, err)
		}
	}
}

func BenchmarkResponse(b *testing.B) {
	for _, bench := range []struct {
		name      string
		operation string
		rows      int
	}{
		{"one row of 150 columns", "single", 1},
		{"50000 rows of 150 columns", "multi", 50_000},
	} {
		b.Run(bench.name, func(b *testing.B) {
			g := New(newReady(bench.rows), Options{})
			r := httptest.NewRequest(http.MethodGet, "/rt/ps_endpoints/"+bench.operation+"?id=alice", nil)
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				g.ServeHTTP(w, r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bench.rows), "ns/row")
		})
	}
}

// TestRowsCostNoMemory shows that a response's memory does not grow with its
// rows: the allocations of a long one are those of a short one.
func TestRowsCostNoMemory(t *testing.T) {
	allocations := func(rows int) float64 {
		g := New(newReady(rows), Options{})
		r := httptest.NewRequest(http.MethodGet, "/rt/ps_endpoints/multi?id=alice", nil)
		w := nowhere{http.Header{}}
		return testing.AllocsPerRun(3, func() { g.ServeHTTP(w, r) })
	}
	few, many := allocations(100), allocations(20_000)
	if perRow := (many - few) / 20_000; perRow > 0.01 {
		t.Errorf("a row costs %.2f allocations", perRow)
	}
}
