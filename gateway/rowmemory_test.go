package gateway

import (
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestJSONBytes shows that a value gets as long as it was said to get, if it is one of those
// that get longest.
func TestJSONBytes(t *testing.T) {
	for _, c := range []string{"a", `"`, "\\", "\x00", "\x1f", "\xff", " ", "~"} {
		value := []byte(strings.Repeat(c, 10))
		if got, want := len(appendJSONValue(nil, value)), len(`""`)+jsonBytes(value); got != want {
			t.Errorf("%q becomes %d bytes, not %d", value, got, want)
		}
	}
	coded := []byte(strings.Repeat("^01", 10))
	if got, want := len(appendJSONValue(nil, appendCaretDecoded(nil, coded))), len(`""`)+jsonBytes(coded); got != want {
		t.Errorf("%q becomes %d bytes, not %d", coded, got, want)
	}
}

// A large buffer would be memory that no budget counts.
func TestLargeBuffersAreNotKept(t *testing.T) {
	for range 100 {
		for _, large := range []func(*response){
			func(r *response) { r.buf = make([]byte, 0, freeBytes+1) },
			func(r *response) { r.scratch = make([]byte, 0, freeBytes+1) },
		} {
			resp := newResponse(httptest.NewRecorder(), new(request), time.Second)
			large(resp)
			resp.release()
			if next := buffers.Get().(*response); max(cap(next.buf), cap(next.scratch)) > freeBytes {
				t.Fatalf("%d and %d bytes are kept", cap(next.buf), cap(next.scratch))
			}
		}
	}
}

// TestTextBytes writes rows in every way: none gets longer than it was said to get.
func TestTextBytes(t *testing.T) {
	names := [][]byte{[]byte("id="), []byte("qualify_timeout="), []byte("x=")}
	keys := [][]byte{[]byte(`"id":`), []byte(`"qualify_timeout":`), []byte(`"x":`)}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		columns := make([][]byte, len(names))
		for i := range columns {
			alphabet := []string{"ab", ";a", ";", "^3B;", "#", "\x00", `"\`, "\n", "é", "\xff", "世 "}[random.IntN(11)]
			for range random.IntN(30) {
				columns[i] = append(columns[i], alphabet[random.IntN(len(alphabet))])
			}
		}
		for name, write := range map[string]func(*encoder){
			"row":    func(e *encoder) { e.row(columns) },
			"raw":    func(e *encoder) { e.rawRow(columns) },
			"static": func(e *encoder) { e.staticRow(columns) },
		} {
			for _, json := range []bool{false, true} {
				e := &encoder{format: format{names: names, keys: keys, json: json}, rows: 1}
				most := e.textBytes(columns)
				if write(e); len(e.buf) > most {
					t.Errorf("%s, JSON %v: %q became %d bytes, not at most %d", name, json, columns, len(e.buf), most)
				}
			}
		}
	}
}
