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

// A response is being written. A short one is sent at once with its length. A long
// one is sent in chunks of chunkBytes, so that memory does not grow with the rows.
// Until the first chunk is sent, an error can replace it.
type response struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration // for the client to accept one chunk
	json    bool

	buf      []byte
	paid     int           // what is reserved for buf
	scratch  []byte        // a decoded value
	started  bool          // the header was sent
	sender   *sender       // nil until the response is known to be long
	slot     slot          // of the query
	memory   share         // of the budget for responses
	waitLeft time.Duration // for which the query may still wait, for its client and for memory
	isStale  bool          // the rows are stale rows
	age      time.Duration // of stale rows
	status   int
	bytes    int64 // that were sent

	kind  kind
	names [][]byte // "name=" of each column
	keys  [][]byte // "\"name\":" of each column
	rows  int
}

// A kind says what a response consists of.
type kind int

const (
	number   kind = iota // a count
	oneRow               // a row, or an empty line where there is none
	manyRows             // any number of rows
)

const (
	// chunkBytes is how much of a long response is sent at once.
	chunkBytes = 64 << 10

	// maxKeptBytes is how large a chunk may be to be used again.
	maxKeptBytes = 4 * chunkBytes
)

// buffers keeps the memory of finished responses for later ones.
var buffers = sync.Pool{New: func() any { return new(response) }}

// newResponse returns an empty response. It must be released.
func newResponse(w http.ResponseWriter, req *request, timeout time.Duration) *response {
	resp := buffers.Get().(*response)
	*resp = response{
		w:       w,
		control: http.NewResponseController(w),
		timeout: timeout,
		json:    req.json,
		buf:     resp.buf[:0],
		scratch: resp.scratch[:0],
	}
	return resp
}

// release makes the response's memory available for other responses. The response
// must not be used after it.
func (resp *response) release() {
	if resp.memory.bytes > 0 {
		resp.memory.close()
	}
	if max(cap(resp.buf), cap(resp.scratch)) <= freeBytes {
		*resp = response{buf: resp.buf, scratch: resp.scratch}
		buffers.Put(resp)
	}
}

// begin starts a response of rows, and discards what an earlier attempt wrote.
func (resp *response) begin(k kind, names, keys [][]byte) {
	resp.kind, resp.names, resp.keys = k, names, keys
	resp.buf, resp.rows, resp.isStale = resp.buf[:0], 0, false
	if resp.paid > 0 {
		resp.memory.release(resp.paid)
		resp.buf, resp.paid = nil, 0
	}
	if resp.json && k == manyRows {
		resp.buf = append(resp.buf, '[')
	}
}

// count writes a number of rows: a decimal number and a newline (P1).
func (resp *response) count(n int64) {
	resp.rows = int(n)
	if !resp.json {
		resp.buf = append(strconv.AppendInt(resp.buf, n, 10), '\n')
		return
	}
	resp.buf = append(resp.buf, `{"affected":`...)
	resp.buf = append(strconv.AppendInt(resp.buf, n, 10), '}', '\n')
}

// requirementsMet writes that a table has the required columns. JSON lists those
// that are too narrow or of another class.
func (resp *response) requirementsMet(short []sqlgen.Shortfall) {
	if !resp.json {
		resp.buf = append(resp.buf, "0\n"...)
		return
	}
	type warning struct {
		Column string `json:"column"`
		Reason string `json:"reason"`
	}
	body := struct {
		Met      bool      `json:"met"`
		Warnings []warning `json:"warnings,omitempty"`
	}{Met: true}
	for _, s := range short {
		body.Warnings = append(body.Warnings, warning{s.Requirement.Column, s.Reason})
	}
	text, _ := json.Marshal(body)
	resp.buf = append(append(resp.buf, text...), '\n')
}

// row writes a row whose values are encoded with ^ (P7). A value is split at ;, and
// each item is trimmed and decoded. NULL, empty values and empty items are not
// sent (P9), because a bare "name=" makes Asterisk refuse an object.
func (resp *response) row(columns [][]byte) {
	if resp.json {
		resp.jsonRow(columns, true)
		return
	}
	start, buf := len(resp.buf), resp.buf
	for i, value := range columns {
		var one bool
		if buf, one = appendPair(buf, resp.names[i], value); one {
			continue
		}
		for item := range bytes.SplitSeq(value, []byte{';'}) {
			buf, _ = appendPair(buf, resp.names[i], bytes.Trim(item, " \t\r\n"))
		}
	}
	resp.buf = buf
	resp.endLine(start)
}

// appendPair appends a name and a value of one item. If the value has several items
// it appends nothing and reports false.
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

// rawRow writes a row as the Perl script did: split at ;, neither trimmed nor
// decoded, with empty items except at the end (a4).
func (resp *response) rawRow(columns [][]byte) {
	if resp.json {
		resp.jsonRow(columns, false)
		return
	}
	start := len(resp.buf)
	for i, value := range columns {
		value = bytes.TrimRight(value, ";")
		if len(value) == 0 {
			continue
		}
		for item := range bytes.SplitSeq(value, []byte{';'}) {
			resp.rawPair(i, item)
		}
	}
	resp.endLine(start)
}

func (resp *response) rawPair(column int, value []byte) {
	resp.buf = append(resp.buf, resp.names[column]...)
	resp.buf = append(appendEscaped(resp.buf, value), '&')
}

// endLine ends the line that began at start. It replaces the & after the last pair.
func (resp *response) endLine(start int) {
	resp.rows++
	if len(resp.buf) > start {
		resp.buf[len(resp.buf)-1] = '\n'
		return
	}
	resp.buf = append(resp.buf, '\n')
}

// staticRow writes a row of a static file: all its keys, NULL as an empty value,
// nothing split (P17). A missing key would take the value of the row before.
func (resp *response) staticRow(columns [][]byte) {
	if resp.json {
		resp.jsonRow(columns, false)
		return
	}
	start := len(resp.buf)
	for i, value := range columns {
		resp.rawPair(i, value)
	}
	resp.endLine(start)
}

// jsonRow writes a row as an object on one line: every column, as a string, null, or bytes.
func (resp *response) jsonRow(columns [][]byte, coded bool) {
	if resp.rows > 0 {
		resp.buf = append(resp.buf, ',')
	}
	resp.rows++
	for i, value := range columns {
		if i == 0 {
			resp.buf = append(resp.buf, '{')
		} else {
			resp.buf = append(resp.buf, ',')
		}
		resp.buf = append(resp.buf, resp.keys[i]...)
		if value == nil {
			resp.buf = append(resp.buf, "null"...)
			continue
		}
		if coded && bytes.IndexByte(value, '^') >= 0 {
			resp.scratch = appendCaretDecoded(resp.scratch[:0], value)
			value = resp.scratch
		}
		resp.buf = appendJSONValue(resp.buf, value)
	}
	resp.buf = append(resp.buf, '}')
}

// finish ends the response and sends the rest of it. Without a row, a text response
// to single is one empty line and one to multi is empty (a5). In JSON, a single
// without a row is an error.
func (resp *response) finish() error {
	switch {
	case resp.json && resp.kind == oneRow && resp.rows == 0:
		return &Error{Code: NoRow}
	case resp.json && resp.kind == oneRow:
		resp.buf = append(resp.buf, '\n')
	case resp.json && resp.kind == manyRows:
		resp.buf = append(resp.buf, ']', '\n')
	case resp.kind == oneRow && resp.rows == 0:
		resp.buf = append(resp.buf, '\n')
	}
	if resp.sender == nil {
		return resp.send(http.StatusOK)
	}
	if _, err := resp.sender.add(resp.takeChunk()); err != nil {
		return err
	}
	return resp.sender.finish()
}

// send sends the buffer as the whole response.
func (resp *response) send(status int) error {
	resp.w.Header().Set("Content-Length", strconv.Itoa(len(resp.buf)))
	resp.header(status)
	resp.extendDeadline()
	if resp.paid > 0 {
		return resp.writeWaiting(resp.buf)
	}
	return resp.write(resp.buf)
}

func (resp *response) full() bool { return len(resp.buf) >= chunkBytes }

// sendChunk passes the buffer to the sender as one chunk of the response. The first
// chunk starts the sender.
func (resp *response) sendChunk() error {
	if resp.sender == nil {
		resp.header(http.StatusOK)
		resp.sender = newSender(resp)
	}
	spare, err := resp.sender.add(resp.takeChunk())
	if err != nil {
		return err
	}
	resp.buf, resp.paid = spare.text, spare.paid
	if resp.buf == nil {
		resp.buf = make([]byte, 0, chunkBytes+freeBytes)
	}
	return resp.pay()
}

// takeChunk takes the buffer out of the response.
func (resp *response) takeChunk() chunk {
	c := chunk{resp.buf, resp.paid}
	resp.buf, resp.paid = nil, 0
	return c
}

// abandon sends nothing more of a long response.
func (resp *response) abandon() {
	if resp.sender != nil {
		resp.sender.abandon()
	}
}

func (resp *response) header(status int) {
	header := resp.w.Header()
	header["Content-Type"], header["Cache-Control"] = textPlain, noStore
	if resp.json {
		header["Content-Type"] = applicationJSON
	}
	if resp.isStale {
		header.Set("X-Dbsep-Stale", strconv.FormatInt(int64(resp.age/time.Second), 10))
	}
	resp.w.WriteHeader(status)
	resp.status, resp.started = status, true
}

// Values of headers. Nobody changes them.
var (
	textPlain       = []string{"text/plain"}
	applicationJSON = []string{"application/json"}
	noStore         = []string{"no-store"} // keeps a cache in front from serving outdated rows and errors
)

// extendDeadline gives the client the write timeout for the next write. CGI has no
// deadlines; its web server has.
func (resp *response) extendDeadline() {
	_ = resp.control.SetWriteDeadline(time.Now().Add(resp.timeout))
}

// abortWrites ends writes that are in progress.
func (resp *response) abortWrites() error { return resp.control.SetWriteDeadline(time.Unix(1, 0)) }

// writeWaiting is write for a text that uses the memory of all responses.
func (resp *response) writeWaiting(text []byte) error {
	resp.memory.wait(resp)
	err := resp.write(text)
	resp.memory.waited()
	if resp.memory.isEvicted() {
		return &Error{Code: SlowClient, Err: err}
	}
	return err
}

func (resp *response) write(text []byte) error {
	n, err := resp.w.Write(text)
	resp.bytes += int64(n)
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
