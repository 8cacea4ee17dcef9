package cache

import (
	"encoding/binary"
	"slices"
)

// A recording holds encoded rows. A row is the number of its columns and its columns. A
// column is its length plus one, or 0 for NULL, and its bytes.
type recording struct {
	text  []byte
	limit int  // bytes; nothing is kept of a longer result
	over  bool // it was longer
}

// add adds a copy of a row.
func (r *recording) add(columns [][]byte) {
	if r.over {
		return
	}
	r.text = binary.AppendUvarint(r.text, uint64(len(columns)))
	for _, c := range columns {
		if c == nil {
			r.text = append(r.text, 0)
			continue
		}
		r.text = binary.AppendUvarint(r.text, uint64(len(c))+1)
		r.text = append(r.text, c...)
	}
	if len(r.text) > r.limit {
		r.text, r.over = nil, true
	}
}

// each calls row for every encoded row, as a database does. It reports whether the
// text is valid, and returns the error of row.
func each(text []byte, row func(columns [][]byte) error) (valid bool, err error) {
	var columns [][]byte
	next := func() (n uint64, ok bool) {
		n, size := binary.Uvarint(text)
		if size <= 0 {
			return 0, false
		}
		text = text[size:]
		return n, true
	}
	for len(text) > 0 {
		n, ok := next()
		if !ok || n > uint64(len(text)) {
			return false, nil
		}
		columns = slices.Grow(columns[:0], int(n))[:n]
		for i := range columns {
			size, ok := next()
			if !ok || size > uint64(len(text))+1 {
				return false, nil
			}
			columns[i] = nil
			if size > 0 {
				columns[i], text = text[:size-1:size-1], text[size-1:]
			}
		}
		if err := row(columns); err != nil {
			return true, err
		}
	}
	return true, nil
}
