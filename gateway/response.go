package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"dbsep/sqlgen"
)

// A reply is an answer being written. Short answers leave in one piece with
// their length; long ones leave in pieces of pieceBytes, so that memory does not
// grow with the rows. Until the first piece has left, an error can still become
// an answer of its own.
type reply struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration // for the client to take one piece
	json    bool

	buf     []byte
	scratch []byte  // a value on its way
	started bool    // a piece has left
	sender  *sender // of a long answer, once it is known to be one
	stale   time.Duration
	isStale bool // the answer is one that the database gave so long ago
	status  int
	bytes   int64 // that have left

	form  form
	names [][]byte // "name=" of each column
	keys  [][]byte // "\"name\":" of each column
	rows  int
}

// A form says what an answer is made of.
type form int

const (
	number   form = iota // a count
	oneRow               // a row, or word that there is none
	manyRows             // any number of rows
)

// pieceBytes is how much of an answer leaves at once.
const pieceBytes = 64 << 10

// buffers keeps the memory of finished replies for later ones.
var buffers = sync.Pool{New: func() any { return new(reply) }}

// newReply returns a reply with nothing written. It must be released.
func newReply(w http.ResponseWriter, req *request, timeout time.Duration) *reply {
	out := buffers.Get().(*reply)
	*out = reply{
		w:       w,
		control: http.NewResponseController(w),
		timeout: timeout,
		json:    req.json,
		buf:     out.buf[:0],
		scratch: out.scratch[:0],
	}
	return out
}

// release gives the reply's memory back. The reply must not be used after it.
func (out *reply) release() {
	if cap(out.buf) <= 4*pieceBytes && cap(out.scratch) <= 4*pieceBytes {
		buffers.Put(&reply{buf: out.buf, scratch: out.scratch})
	}
}

// begin opens an answer made of rows, in place of one that an earlier try began.
func (out *reply) begin(f form, names, keys [][]byte) {
	out.form, out.names, out.keys = f, names, keys
	out.buf, out.rows, out.isStale = out.buf[:0], 0, false
	if out.json && f == manyRows {
		out.buf = append(out.buf, '[')
	}
}

// count makes the answer a number of rows: P1 wants a decimal number and an end
// of line.
func (out *reply) count(n int64) {
	out.rows = int(n)
	if !out.json {
		out.buf = append(strconv.AppendInt(out.buf, n, 10), '\n')
		return
	}
	out.buf = append(out.buf, `{"affected":`...)
	out.buf = append(strconv.AppendInt(out.buf, n, 10), '}', '\n')
}

// met makes the answer that a table has the columns that are required. JSON says
// which of them fall short all the same.
func (out *reply) met(short []sqlgen.Shortfall) {
	if !out.json {
		out.buf = append(out.buf, "0\n"...)
		return
	}
	type warning struct {
		Column string `json:"column"`
		Reason string `json:"reason"`
	}
	answer := struct {
		Met      bool      `json:"met"`
		Warnings []warning `json:"warnings,omitempty"`
	}{Met: true}
	for _, s := range short {
		answer.Warnings = append(answer.Warnings, warning{s.Requirement.Column, s.Reason})
	}
	text, _ := json.Marshal(answer)
	out.buf = append(append(out.buf, text...), '\n')
}

// row adds a row whose values are coded with ^ (P7): a value is split at ;, each
// piece trimmed and decoded. NULL, empty values and empty pieces are left out
// (P9), because a bare "name=" makes Asterisk refuse an object.
func (out *reply) row(columns [][]byte) error {
	if out.json {
		return out.jsonRow(columns, true)
	}
	start, buf := len(out.buf), out.buf
	for i, value := range columns {
		var one bool
		if buf, one = appendPair(buf, out.names[i], value); one {
			continue
		}
		for piece := range bytes.SplitSeq(value, []byte{';'}) {
			buf, _ = appendPair(buf, out.names[i], bytes.Trim(piece, " \t\r\n"))
		}
	}
	out.buf = buf
	out.endLine(start)
	return nil
}

// appendPair appends a value that is one item, with its name. It appends nothing,
// and reports false, where it is several.
func appendPair(buf, name, value []byte) (_ []byte, one bool) {
	if len(value) == 0 {
		return buf, true
	}
	start := len(buf)
	if buf, one = appendItem(append(buf, name...), value); !one {
		return buf[:start], false
	}
	return append(buf, '&'), true
}

// rawRow adds a row as the Perl script did: split at ; but neither trimmed nor
// decoded, empty pieces kept except at the end (a4).
func (out *reply) rawRow(columns [][]byte) error {
	if out.json {
		return out.jsonRow(columns, false)
	}
	start := len(out.buf)
	for i, value := range columns {
		value = bytes.TrimRight(value, ";")
		if len(value) == 0 {
			continue
		}
		for piece := range bytes.SplitSeq(value, []byte{';'}) {
			out.rawPair(i, piece)
		}
	}
	out.endLine(start)
	return nil
}

func (out *reply) rawPair(column int, value []byte) {
	out.buf = append(out.buf, out.names[column]...)
	out.buf = append(appendEscaped(out.buf, value), '&')
}

// endLine ends the line that began at start; the & behind its last pair becomes
// the end.
func (out *reply) endLine(start int) {
	out.rows++
	if len(out.buf) > start {
		out.buf[len(out.buf)-1] = '\n'
		return
	}
	out.buf = append(out.buf, '\n')
}

// staticRow adds a row of a static file: all its keys, NULL as an empty value,
// nothing split (P17). A key that is missing would take the row before's value.
func (out *reply) staticRow(columns [][]byte) error {
	if out.json {
		return out.jsonRow(columns, false)
	}
	start := len(out.buf)
	for i, value := range columns {
		out.rawPair(i, value)
	}
	out.endLine(start)
	return nil
}

// jsonRow adds a row as an object on one line: every column, each a string, or
// null for NULL.
func (out *reply) jsonRow(columns [][]byte, coded bool) error {
	if out.rows > 0 {
		out.buf = append(out.buf, ',')
	}
	out.rows++
	for i, value := range columns {
		if i == 0 {
			out.buf = append(out.buf, '{')
		} else {
			out.buf = append(out.buf, ',')
		}
		out.buf = append(out.buf, out.keys[i]...)
		if value == nil {
			out.buf = append(out.buf, "null"...)
			continue
		}
		if coded && bytes.IndexByte(value, '^') >= 0 {
			out.scratch = appendCaretDecoded(out.scratch[:0], value)
			value = out.scratch
		}
		out.buf = appendJSON(out.buf, value)
	}
	out.buf = append(out.buf, '}')
	return nil
}

// finish ends the answer and sends what has not left yet. In text, a single
// without a row is one empty line and rows that are none are nothing (a5); in
// JSON, a row that is not there is an error.
func (out *reply) finish() error {
	switch {
	case out.json && out.form == oneRow && out.rows == 0:
		return &Error{Code: NoRow}
	case out.json && out.form == oneRow:
		out.buf = append(out.buf, '\n')
	case out.json && out.form == manyRows:
		out.buf = append(out.buf, ']', '\n')
	case out.form == oneRow && out.rows == 0:
		out.buf = append(out.buf, '\n')
	}
	if out.sender == nil {
		return out.send(http.StatusOK)
	}
	if _, err := out.sender.add(out.buf); err != nil {
		return err
	}
	out.buf = nil
	return out.sender.finish()
}

// send sends the buffer as the whole answer.
func (out *reply) send(status int) error {
	out.w.Header().Set("Content-Length", strconv.Itoa(len(out.buf)))
	out.header(status)
	out.patient()
	return out.write(out.buf)
}

func (out *reply) full() bool { return len(out.buf) >= pieceBytes }

// hand gives the buffer to the sender, as one piece of the answer.
func (out *reply) hand(m *memory, patience time.Duration) (err error) {
	if out.sender == nil {
		out.header(http.StatusOK)
		out.sender = newSender(out, m, patience)
	}
	out.buf, err = out.sender.add(out.buf)
	return err
}

// abandon sends nothing more of an answer that has begun to leave.
func (out *reply) abandon() {
	if out.sender != nil {
		out.sender.abandon()
	}
}

func (out *reply) header(status int) {
	kind := "text/plain"
	if out.json {
		kind = "application/json"
	}
	out.w.Header().Set("Content-Type", kind)
	out.w.Header()["Cache-Control"] = noStore
	if out.isStale {
		out.w.Header().Set("X-Dbsep-Stale", strconv.FormatInt(int64(out.stale/time.Second), 10))
	}
	out.w.WriteHeader(status)
	out.status, out.started = status, true
}

// noStore keeps a cache in front from giving out rows that have changed, and errors.
var noStore = []string{"no-store"}

// patient gives the client its time to take what is written next, and hurry ends
// it. CGI has no such bounds; its web server does.
func (out *reply) patient() { _ = out.control.SetWriteDeadline(time.Now().Add(out.timeout)) }
func (out *reply) hurry()   { _ = out.control.SetWriteDeadline(time.Unix(1, 0)) }

func (out *reply) write(text []byte) error {
	n, err := out.w.Write(text)
	out.bytes += int64(n)
	if err != nil {
		return &Error{Code: ClientGone, Err: err}
	}
	return nil
}

// staticNames and staticKeys are the names of a static row's columns as a row
// of text and of JSON has them.
var staticNames, staticKeys = func() (names, keys [][]byte) {
	for _, name := range sqlgen.StaticColumns {
		names = append(names, append(appendEscaped(nil, []byte(name)), '='))
		keys = append(keys, append(appendJSON(nil, []byte(name)), ':'))
	}
	return names, keys
}()
