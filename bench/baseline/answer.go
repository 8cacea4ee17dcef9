package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// pieceBytes is the size of each chunk of a long response, as in dbsep.
const pieceBytes = 64 << 10

// ServeHTTP sends the response to one request, or breaks off.
func (f *baseline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = f.answer(w, r, string(body))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (f *baseline) answer(w http.ResponseWriter, r *http.Request, body string) error {
	rest, operation, _ := cutLast(r.URL.Path)
	_, table, _ := cutLast(rest)
	fields, err := parse(body)
	if err != nil {
		return err
	}
	ctx := context.Background() // nothing has a limit
	switch operation {
	case "single":
		return f.query(ctx, w, "SELECT * FROM "+table+f.where(fields.names, 0)+" LIMIT 1", fields.values)
	case "multi":
		first, _, _ := strings.Cut(fields.names[0], " ")
		return f.query(ctx, w, "SELECT * FROM "+table+f.where(fields.names, 0)+" ORDER BY "+first, fields.values)
	case "store":
		return f.exec(ctx, w, "INSERT INTO "+table+" ("+strings.Join(fields.names, ", ")+") VALUES ("+f.placeholders(len(fields.names))+")", fields.values)
	case "destroy":
		return f.exec(ctx, w, "DELETE FROM "+table+f.where(fields.names, 0), fields.values)
	case "update":
		lookup, err := parse(r.URL.RawQuery)
		if err != nil {
			return err
		}
		return f.exec(ctx, w, f.updating(table, fields.names, lookup.names), append(fields.values, lookup.values...))
	}
	return fmt.Errorf("no operation is called %q", operation)
}

func cutLast(path string) (before, last string, found bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// updating is the text of an update.
func (f *baseline) updating(table string, values, lookup []string) string {
	var b strings.Builder
	b.WriteString("UPDATE " + table + " SET ")
	for i, name := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + " = " + f.placeholder(i+1))
	}
	return b.String() + f.where(lookup, len(values))
}

// where is the text of conditions that follow so many arguments.
func (f *baseline) where(names []string, before int) string {
	var b strings.Builder
	for i, name := range names {
		b.WriteString([]string{" WHERE ", " AND "}[min(i, 1)])
		column, operator, given := strings.Cut(name, " ")
		if !given {
			operator = "="
		}
		b.WriteString(column + " " + operator + " " + f.placeholder(before+i+1))
		if operator == "LIKE" {
			b.WriteString(f.escape)
		}
	}
	return b.String()
}

func (f *baseline) placeholders(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = f.placeholder(i + 1)
	}
	return strings.Join(all, ", ")
}

// A buffer is where rows are read and written.
type buffer struct {
	raw  []sql.RawBytes
	dest []any
	text []byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// query sends the rows.
func (f *baseline) query(ctx context.Context, w http.ResponseWriter, text string, args []any) error {
	s, err := f.prepare(ctx, f.reads, text)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	s.once.Do(func() { s.names, err = names(rows) })
	if err != nil {
		return err
	}
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	b.fit(len(s.names))
	for rows.Next() {
		if err := rows.Scan(b.dest...); err != nil {
			return err
		}
		b.row(s.names)
		if len(b.text) >= pieceBytes {
			if _, err := w.Write(b.text); err != nil {
				return nil
			}
			b.text = b.text[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(b.text) == 0 && strings.HasSuffix(text, " LIMIT 1") {
		b.text = append(b.text, '\n')
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(b.text))) // of no effect once a piece has left
	_, _ = w.Write(b.text)
	return nil
}

// fit gives a buffer a place for each column.
func (b *buffer) fit(columns int) {
	b.text = b.text[:0]
	if len(b.raw) == columns {
		return
	}
	b.raw, b.dest = make([]sql.RawBytes, columns), make([]any, columns)
	for i := range b.raw {
		b.dest[i] = &b.raw[i]
	}
}

// row writes the row that was read.
func (b *buffer) row(names [][]byte) {
	for i, value := range b.raw {
		if len(value) > 0 {
			b.text = append(b.text, names[i]...)
			b.text = append(appendEscaped(b.text, value), '&')
		}
	}
	b.text[len(b.text)-1] = '\n'
}

func names(rows *sql.Rows) ([][]byte, error) {
	columns, err := rows.Columns()
	all := make([][]byte, len(columns))
	for i, c := range columns {
		all[i] = append(appendEscaped(nil, []byte(c)), '=')
	}
	return all, err
}

// exec sends how many rows a statement affected.
func (f *baseline) exec(ctx context.Context, w http.ResponseWriter, text string, args []any) error {
	s, err := f.prepare(ctx, f.writes, text)
	if err != nil {
		return err
	}
	result, err := s.ExecContext(ctx, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	_, _ = w.Write(append(strconv.AppendInt(nil, n, 10), '\n'))
	return nil
}
