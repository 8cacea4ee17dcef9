package database

import (
	"database/sql/driver"
	"sync"
)

// A row is the place into which one row after another is read. Its buffers are
// used again for each, and for later queries, so reading many rows costs what
// reading one does.
type row struct {
	values  []driver.Value
	text    []byte // of all columns, one after another
	ends    []int  // of each column's text; -1 for NULL
	columns [][]byte
}

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
	if cap(r.text) <= rowTextBytes {
		rowsKept.Put(r)
	}
}

// read reads the next row. What it returns is valid until the next call. io.EOF
// says that there is none.
func (r *row) read(rows driver.Rows) ([][]byte, error) {
	if err := rows.Next(r.values); err != nil {
		return nil, err
	}
	r.text = r.text[:0]
	for i, value := range r.values {
		if value == nil {
			r.ends[i] = -1
			continue
		}
		var err error
		if f, ok := value.(float32); ok {
			r.text = appendFloat32(r.text, f, decimals(rows, i))
		} else if r.text, err = appendText(r.text, value); err != nil {
			return nil, err
		}
		r.ends[i] = len(r.text)
	}
	start := 0
	for i, end := range r.ends {
		if end < 0 {
			r.columns[i] = nil
			continue
		}
		r.columns[i] = r.text[start:end:end] // of an empty text not nil, which is NULL
		start = end
	}
	return r.columns, nil
}

// decimals is how many of them a column was declared with, which decides the text
// of its values.
func decimals(rows driver.Rows, column int) int {
	if r, ok := rows.(driver.RowsColumnTypePrecisionScale); ok {
		// A driver tells "no decimals declared" by an impossible count.
		if _, scale, ok := r.ColumnTypePrecisionScale(column); ok && scale >= 0 && scale < 31 {
			return int(scale)
		}
	}
	return fullPrecision
}
