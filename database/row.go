package database

import (
	"database/sql"
	"errors"
	"sync"
)

// A row is the place into which one row after another is read. Its buffers are
// used again for each, and for later queries, so reading many rows costs what
// reading one does.
type row struct {
	text     []byte // of all columns, one after another
	cells    []cell
	dest     []any
	columns  [][]byte
	declared bool // the cells know their decimals
}

// A cell is one column's place in a row. It is given the driver's value while
// database/sql keeps the driver from touching it, and copies the text out: the
// driver may overwrite its buffer at any time afterwards, when the context ends.
type cell struct {
	row      *row
	decimals int
	end      int // of the text; it starts where the cell before ends
	null     bool
}

// rowsKept are rows to be used again.
var rowsKept = sync.Pool{New: func() any { return new(row) }}

// rowTextBytes is how much text a row that is kept may have room for.
const rowTextBytes = 64 << 10

// newRow returns a place for the rows of a query. It must be released.
func newRow(rows *sql.Rows) (*row, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	r := rowsKept.Get().(*row)
	r.declared = false
	if len(names) > cap(r.cells) {
		r.cells, r.columns, r.dest = make([]cell, len(names)), make([][]byte, len(names)), make([]any, len(names))
		for i := range r.cells {
			r.cells[i].row = r
			r.dest[i] = &r.cells[i]
		}
	}
	r.cells, r.columns, r.dest = r.cells[:len(names)], r.columns[:len(names)], r.dest[:len(names)]
	return r, nil
}

// release gives the row's memory back. Nothing that read returned may be used
// after it.
func (r *row) release() {
	if cap(r.text) <= rowTextBytes {
		rowsKept.Put(r)
	}
}

// errUndeclared is for a value whose text depends on how its column was declared.
var errUndeclared = errors.New("the declaration of a column is needed")

// Scan takes the driver's value of a column.
func (c *cell) Scan(value any) error {
	c.null = value == nil
	var err error
	switch v := value.(type) {
	case nil:
	case float32:
		if !c.row.declared {
			return errUndeclared
		}
		c.row.text = appendFloat32(c.row.text, v, c.decimals)
	default:
		c.row.text, err = appendText(c.row.text, value, fullPrecision)
	}
	c.end = len(c.row.text)
	return err
}

// read reads the current row. What it returns is valid until the next call.
func (r *row) read(rows *sql.Rows) ([][]byte, error) {
	r.text = r.text[:0]
	err := rows.Scan(r.dest...)
	if errors.Is(err, errUndeclared) {
		if err = r.declare(rows); err == nil {
			r.text = r.text[:0]
			err = rows.Scan(r.dest...)
		}
	}
	if err != nil {
		return nil, err
	}
	start := 0
	for i := range r.cells {
		c := &r.cells[i]
		// A text that is empty is not nil, which is NULL.
		r.columns[i] = r.text[start:c.end:c.end]
		if c.null {
			r.columns[i] = nil
		}
		start = c.end
	}
	return r.columns, nil
}

// declare asks the driver how the columns were declared. Few tables have a column
// that needs it, and it costs as much as a query.
func (r *row) declare(rows *sql.Rows) error {
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for i, t := range types {
		r.cells[i].decimals = fullPrecision
		// A driver tells "no decimals declared" by an impossible count.
		if _, scale, ok := t.DecimalSize(); ok && scale >= 0 && scale < 31 {
			r.cells[i].decimals = int(scale)
		}
	}
	r.declared = true
	return nil
}
