package gateway

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"dbsep/sqlgen"
)

// An encoder writes rows as the body of a response.
type encoder struct {
	format
	buf     []byte
	paid    int    // what is reserved for buf
	scratch []byte // a decoded value
	rows    int

	slot     slot          // of the query
	feed     *feed         // nil until the body is known to be long
	memory   share         // of the budget for responses
	patience time.Duration // how long the query may wait for memory
	waitLeft time.Duration // of it
	isStale  bool          // the rows are stale rows
	age      time.Duration // of stale rows
}

// A format says how rows become the body of a response.
type format struct {
	json   bool
	kind   kind
	values values
	names  [][]byte // "name=" of each column
	keys   [][]byte // "\"name\":" of each column
}

// A kind says what a response consists of.
type kind int

const (
	number   kind = iota // a count
	oneRow               // a row, or an empty line where there is none
	manyRows             // any number of rows
)

// A values says how values are written.
type values int

const (
	caretEncoded values = iota // as values that are encoded with ^
	rawItems                   // as the Perl script did
	staticValues               // as those of a static file
)

// equal reports whether the same rows become the same body.
func (f *format) equal(other *format) bool {
	return f.json == other.json && f.kind == other.kind && f.values == other.values && slices.EqualFunc(f.names, other.names, bytes.Equal)
}

// begin starts a body of rows, and discards what an earlier attempt wrote.
func (e *encoder) begin(k kind, v values, names, keys [][]byte) {
	e.kind, e.values, e.names, e.keys = k, v, names, keys
	e.buf, e.rows, e.isStale = e.buf[:0], 0, false
	if e.paid > 0 {
		e.memory.release(e.paid)
		e.buf, e.paid = nil, 0
	}
	if e.json && k == manyRows {
		e.buf = append(e.buf, '[')
	}
}

// end ends the body. Without a row, a text response to single is one empty line and one to
// multi is empty (a5). In JSON, a single without a row is an error.
func (e *encoder) end() error {
	switch {
	case e.json && e.kind == oneRow && e.rows == 0:
		return &Error{Code: NoRow}
	case e.json && e.kind == oneRow:
		e.buf = append(e.buf, '\n')
	case e.json && e.kind == manyRows:
		e.buf = append(e.buf, ']', '\n')
	case e.kind == oneRow && e.rows == 0:
		e.buf = append(e.buf, '\n')
	}
	return nil
}

func (e *encoder) full() bool { return len(e.buf) >= chunkBytes }

// takeChunk takes the buffer out of the encoder.
func (e *encoder) takeChunk() chunk {
	c := chunk{text: e.buf, paid: e.paid, rows: e.rows}
	e.buf, e.paid = nil, 0
	return c
}

// passChunk passes the buffer to the feed.
func (e *encoder) passChunk() error {
	spare, err := e.feed.add(e.takeChunk())
	e.buf, e.paid = spare.text, spare.paid
	if err != nil {
		return err
	}
	if e.buf == nil {
		e.buf = make([]byte, 0, chunkBytes+freeBytes)
	}
	e.waitLeft = min(e.waitLeft+waitPerChunk, e.patience)
	return e.pay()
}

// encode writes a row.
func (e *encoder) encode(columns [][]byte) {
	switch e.values {
	case rawItems:
		e.rawRow(columns)
	case staticValues:
		e.staticRow(columns)
	default:
		e.row(columns)
	}
}

// count writes a number of rows: a decimal number and a newline (P1).
func (e *encoder) count(n int64) {
	e.rows = int(n)
	if !e.json {
		e.buf = append(strconv.AppendInt(e.buf, n, 10), '\n')
		return
	}
	e.buf = append(e.buf, `{"affected":`...)
	e.buf = append(strconv.AppendInt(e.buf, n, 10), '}', '\n')
}

// requirementsMet writes that a table has the required columns. JSON lists those
// that are too narrow or of another class.
func (e *encoder) requirementsMet(short []sqlgen.Shortfall) {
	if !e.json {
		e.buf = append(e.buf, "0\n"...)
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
	e.buf = append(append(e.buf, text...), '\n')
}

// row writes a row whose values are encoded with ^ (P7). A value is split at ;, and
// each item is trimmed and decoded. NULL, empty values and empty items are not
// sent (P9), because a bare "name=" makes Asterisk refuse an object.
func (e *encoder) row(columns [][]byte) {
	if e.json {
		e.jsonRow(columns, true)
		return
	}
	start, buf := len(e.buf), e.buf
	for i, value := range columns {
		var one bool
		if buf, one = appendPair(buf, e.names[i], value); one {
			continue
		}
		for item := range bytes.SplitSeq(value, []byte{';'}) {
			buf, _ = appendPair(buf, e.names[i], bytes.Trim(item, " \t\r\n"))
		}
	}
	e.buf = buf
	e.endLine(start)
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
func (e *encoder) rawRow(columns [][]byte) {
	if e.json {
		e.jsonRow(columns, false)
		return
	}
	start := len(e.buf)
	for i, value := range columns {
		value = bytes.TrimRight(value, ";")
		if len(value) == 0 {
			continue
		}
		for item := range bytes.SplitSeq(value, []byte{';'}) {
			e.rawPair(i, item)
		}
	}
	e.endLine(start)
}

func (e *encoder) rawPair(column int, value []byte) {
	e.buf = append(e.buf, e.names[column]...)
	e.buf = append(appendEscaped(e.buf, value), '&')
}

// endLine ends the line that began at start. It replaces the & after the last pair.
func (e *encoder) endLine(start int) {
	e.rows++
	if len(e.buf) > start {
		e.buf[len(e.buf)-1] = '\n'
		return
	}
	e.buf = append(e.buf, '\n')
}

// staticRow writes a row of a static file: all its keys, NULL as an empty value,
// nothing split (P17). A missing key would take the value of the row before.
func (e *encoder) staticRow(columns [][]byte) {
	if e.json {
		e.jsonRow(columns, false)
		return
	}
	start := len(e.buf)
	for i, value := range columns {
		e.rawPair(i, value)
	}
	e.endLine(start)
}

// jsonRow writes a row as an object on one line: every column, as a string, null, or bytes.
func (e *encoder) jsonRow(columns [][]byte, coded bool) {
	if e.rows > 0 {
		e.buf = append(e.buf, ',')
	}
	e.rows++
	for i, value := range columns {
		if i == 0 {
			e.buf = append(e.buf, '{')
		} else {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, e.keys[i]...)
		if value == nil {
			e.buf = append(e.buf, "null"...)
			continue
		}
		if coded && bytes.IndexByte(value, '^') >= 0 {
			e.scratch = appendCaretDecoded(e.scratch[:0], value)
			value = e.scratch
		}
		e.buf = appendJSONValue(e.buf, value)
	}
	e.buf = append(e.buf, '}')
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
