package database

import (
	"database/sql/driver"
	"slices"
	"sync"
	"unsafe"
)

// A row is the place into which one row after another is read. Its buffers are
// used again for each, and for later queries, so reading many rows costs what
// reading one does.
type row struct {
	values  []driver.Value
	text    []byte // of the columns that the driver gives no text of, one after another
	ends    []int  // of each column's text
	columns [][]byte
	bytes   int // of all columns
}

// noText is the end of a column that has none in text.
const noText = -1

// rowsKept are rows to be used again.
var rowsKept = sync.Pool{New: func() any { return new(row) }}

// rowTextBytes is how much text a row that is kept may have room for.
const rowTextBytes = 64 << 10

// newRow returns a place for rows of so many columns. It must be released.
func newRow(columns int) *row {
	r := rowsKept.Get().(*row)
	if columns > cap(r.values) {
		r.values, r.ends, r.columns = make([]driver.Value, columns), make([]int, columns), make([][]byte, columns)
	}
	r.values, r.ends, r.columns = r.values[:columns], r.ends[:columns], r.columns[:columns]
	return r
}

// release gives the row's memory back. Nothing that read returned may be used
// after it.
func (r *row) release() {
	clear(r.values)
	clear(r.columns)
	if cap(r.text) <= rowTextBytes {
		rowsKept.Put(r)
	}
}

// read reads the next row. What it returns is valid until the next call: some of it
// is the driver's own memory. io.EOF says that there is none.
func (r *row) read(rows driver.Rows) ([][]byte, error) {
	if err := rows.Next(r.values); err != nil {
		return nil, err
	}
	text := r.text[:0]
	r.bytes = 0
	for i, value := range r.values {
		r.ends[i] = noText
		switch v := value.(type) {
		case nil:
			r.columns[i] = nil
			continue
		case []byte:
			if r.columns[i] = v; v == nil {
				r.columns[i] = []byte{} // nil is NULL
			}
			r.bytes += len(v)
			continue
		case string:
			r.columns[i] = bytesOf(v)
			r.bytes += len(v)
			continue
		case float32:
			text = appendFloat32(text, v, decimals(rows, i))
		default:
			var err error
			if text, err = AppendText(text, v); err != nil {
				return nil, err
			}
		}
		r.ends[i] = len(text)
	}
	r.text = text // which may have moved while it grew
	r.bytes += len(text)
	start := 0
	for i, end := range r.ends {
		if end != noText {
			r.columns[i] = text[start:end:end] // of an empty text not nil
			start = end
		}
	}
	return r.columns, nil
}

// bytesOf is a text that nobody writes to. It is not nil, which is NULL.
func bytesOf(text string) []byte {
	if text == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

// decimals is how many of them a column was declared with, which decides the text
// of its values.
func decimals(rows driver.Rows, column int) int {
	if r, ok := rows.(driver.RowsColumnTypePrecisionScale); ok {
		// A driver reports "no decimals declared" by an impossible count.
		if _, scale, ok := r.ColumnTypePrecisionScale(column); ok && scale >= 0 && scale < 31 {
			return int(scale)
		}
	}
	return fullPrecision
}

// copyRow returns a row with the text of columns that are valid for a moment only. It must be
// released.
func copyRow(columns [][]byte) *row {
	r := newRow(len(columns))
	r.bytes = 0
	for _, c := range columns {
		r.bytes += len(c)
	}
	r.text = slices.Grow(r.text[:0], r.bytes+1) // an empty text is not NULL
	for i, c := range columns {
		r.columns[i] = nil
		if c != nil {
			start := len(r.text)
			r.text = append(r.text, c...)
			r.columns[i] = r.text[start:len(r.text):len(r.text)]
		}
	}
	return r
}
