package database

import "database/sql"

// A row is the place into which one row after another is read. Its buffers are
// used again for each, so reading many rows costs what reading one does.
type row struct {
	text    []byte // of all columns, one after another
	cells   []cell
	dest    []any
	columns [][]byte
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

func newRow(rows *sql.Rows) (*row, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	r := &row{cells: make([]cell, len(types)), dest: make([]any, len(types)), columns: make([][]byte, len(types))}
	for i, t := range types {
		r.cells[i] = cell{row: r, decimals: fullPrecision}
		// A driver tells "no decimals declared" by an impossible count.
		if _, scale, ok := t.DecimalSize(); ok && scale >= 0 && scale < 31 {
			r.cells[i].decimals = int(scale)
		}
		r.dest[i] = &r.cells[i]
	}
	return r, nil
}

// Scan takes the driver's value of a column.
func (c *cell) Scan(value any) error {
	c.null = value == nil
	var err error
	if !c.null {
		c.row.text, err = appendText(c.row.text, value, c.decimals)
	}
	c.end = len(c.row.text)
	return err
}

// read reads the current row. What it returns is valid until the next call.
func (r *row) read(rows *sql.Rows) ([][]byte, error) {
	r.text = r.text[:0]
	if err := rows.Scan(r.dest...); err != nil {
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
