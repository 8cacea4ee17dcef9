//go:build odbc

package odbc

// #include <sql.h>
// #include <sqlext.h>
// #include <sqlucode.h>
//
// SQLRETURN maxRows(SQLHSTMT h, SQLULEN n) { return SQLSetStmtAttr(h, SQL_ATTR_MAX_ROWS, (SQLPOINTER)n, 0); }
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"dbsep/sqlgen"
)

// oneRow ends a statement of which one row is wanted. There is no SQL for it
// that most databases share.
const oneRow = " {one row}"

// A statement is a statement's text. The driver prepares it each time that
// it runs: some do not notice that a table has changed.
type statement struct {
	conn *conn
	text string
	one  bool // one row is enough
}

func (s *statement) Close() error  { return nil }
func (s *statement) NumInput() int { return -1 } // the driver counts

// Exec and Query are there because driver.Stmt has them; database/sql calls the
// two below.
func (s *statement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s *statement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

func (s *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	h, err := s.conn.newHandle(ctx)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var count C.SQLLEN
	err = s.conn.await(ctx, h.cancel, func() error {
		if err := h.run(s, args); err != nil {
			return err
		}
		return h.check(C.SQLRowCount(h.h, &count))
	})
	if err != nil {
		return nil, s.conn.lost(err)
	}
	if count < 0 {
		return nil, errors.New("count the rows: the driver does not know how many there were")
	}
	return driver.RowsAffected(count), nil
}

func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	h, err := s.conn.newHandle(ctx)
	if err != nil {
		return nil, err
	}
	rows := &rows{handle: h, ctx: ctx, one: s.one}
	err = s.conn.await(ctx, h.cancel, func() error {
		if err := h.run(s, args); err != nil {
			return err
		}
		return rows.describe()
	})
	if err != nil {
		h.Close()
		return nil, s.conn.lost(err)
	}
	return rows, nil
}

// A handle is a statement as the driver has it.
type handle struct {
	conn  *conn
	h     C.SQLHSTMT
	waits atomic.Bool // for the database
}

func (c *conn) newHandle(ctx context.Context) (*handle, error) {
	h := &handle{conn: c}
	return h, c.await(ctx, nil, h.allocate)
}

func (h *handle) allocate() error {
	var handle C.SQLHANDLE
	if failed(C.SQLAllocHandle(C.SQL_HANDLE_STMT, h.conn.connection, &handle)) {
		return h.conn.diagnose(C.SQL_HANDLE_DBC, h.conn.connection)
	}
	h.h = handle
	return nil
}

// Close leaves those of a retired connection to its end: they may run.
func (h *handle) Close() error {
	if !h.conn.retired {
		C.SQLFreeHandle(C.SQL_HANDLE_STMT, h.h)
	}
	return nil
}

// cancel requests that the driver ends what runs, where it waits for the database.
func (h *handle) cancel() {
	if h.waits.Load() {
		C.SQLCancel(h.h)
	}
}

func (h *handle) check(r C.SQLRETURN) error {
	if failed(r) {
		return h.conn.diagnose(C.SQL_HANDLE_STMT, h.h)
	}
	return nil
}

// run prepares a statement and runs it.
func (h *handle) run(s *statement, args []driver.NamedValue) error {
	if s.one {
		C.maxRows(h.h, 1) // a driver that does not know it is read no further
	}
	wide := wideText(s.text)
	if err := h.check(C.SQLPrepareW(h.h, &wide[0], C.SQLINTEGER(len(wide)-1))); err != nil {
		if isLost(err) {
			return driver.ErrBadConn // nothing was run
		}
		return err
	}
	return h.execute(args)
}

// execute binds the arguments and runs the statement. The driver keeps the
// addresses of the bound values, so they are pinned until it has run.
func (h *handle) execute(args []driver.NamedValue) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	defer C.SQLFreeStmt(h.h, C.SQL_RESET_PARAMS)
	lengths := make([]C.SQLLEN, len(args)+1)
	pins.Pin(&lengths[0])
	for i, a := range args {
		if err := h.bind(i, a.Value, &lengths[i], &pins); err != nil {
			return err
		}
	}
	h.waits.Store(true)
	r := C.SQLExecute(h.h)
	h.waits.Store(false)
	if r == C.SQL_NO_DATA {
		return nil // no row was met
	}
	return h.check(r)
}

// longText is the length, in characters, from which on a text is a long one to
// every database.
const longText = 4000

// bind gives the statement an argument: a text as a text, for every type of column,
// so that the database reads it as it reads a literal.
func (h *handle) bind(i int, value driver.Value, length *C.SQLLEN, pins *runtime.Pinner) error {
	var from C.SQLSMALLINT = C.SQL_C_WCHAR
	typ, size := h.parameter(i)
	var first unsafe.Pointer
	switch v := value.(type) {
	case nil:
		*length = C.SQL_NULL_DATA
	case string:
		if !utf8.ValidString(v) {
			return &sqlgen.Fault{Cause: sqlgen.BadValue, Hint: "send UTF-8", Err: errNotUTF8}
		}
		wide := wideText(v)
		*length, first = C.SQLLEN(2*(len(wide)-1)), unsafe.Pointer(&wide[0])
		size = max(size, C.SQLULEN(len(wide)-1))
		if size > longText && isText(typ) {
			typ = C.SQL_WLONGVARCHAR
		}
		pins.Pin(&wide[0])
	case []byte:
		from, typ = C.SQL_C_BINARY, C.SQL_LONGVARBINARY
		held := append([]byte{}, v...)
		*length, size = C.SQLLEN(len(v)), C.SQLULEN(max(len(v), 1))
		held = append(held, 0) // so that there is an address
		first = unsafe.Pointer(&held[0])
		pins.Pin(&held[0])
	default:
		return fmt.Errorf("bind an argument: no text for a %T", v)
	}
	return h.check(C.SQLBindParameter(h.h, C.SQLUSMALLINT(i+1), C.SQL_PARAM_INPUT, from, typ, max(size, 1), 0,
		C.SQLPOINTER(first), max(*length, 0), length))
}

// parameter is the type of an argument of the statement, a text where the driver
// does not know it. DBD::ODBC does so, and strict databases need it.
func (h *handle) parameter(i int) (typ C.SQLSMALLINT, size C.SQLULEN) {
	var digits, nullable C.SQLSMALLINT
	if failed(C.SQLDescribeParam(h.h, C.SQLUSMALLINT(i+1), &typ, &size, &digits, &nullable)) || typ == 0 || isText(typ) && size > longText {
		return C.SQL_WVARCHAR, 1
	}
	return typ, size
}

func isText(typ C.SQLSMALLINT) bool {
	switch typ {
	case C.SQL_CHAR, C.SQL_VARCHAR, C.SQL_LONGVARCHAR, C.SQL_WCHAR, C.SQL_WVARCHAR, C.SQL_WLONGVARCHAR:
		return true
	}
	return false
}

// rows are rows as the driver fetches them, each value as its text.
type rows struct {
	*handle
	ctx    context.Context // the query's: a fetch may have to wait
	one    bool            // the first is enough
	read   int
	names  []string
	types  []C.SQLSMALLINT
	buffer []byte
}

func (r *rows) describe() error {
	var count C.SQLSMALLINT
	if err := r.check(C.SQLNumResultCols(r.h, &count)); err != nil {
		return err
	}
	if count == 0 {
		return errors.New("run a statement: it has no rows")
	}
	r.names, r.types = make([]string, count), make([]C.SQLSMALLINT, count)
	for i := range r.types {
		var name [256]C.SQLWCHAR
		var length, digits, nullable C.SQLSMALLINT
		var size C.SQLULEN
		if err := r.check(C.SQLDescribeColW(r.h, C.SQLUSMALLINT(i+1), &name[0], C.SQLSMALLINT(len(name)), &length, &r.types[i], &size, &digits, &nullable)); err != nil {
			return err
		}
		r.names[i] = narrowText(name[:min(max(int(length), 0), len(name)-1)])
	}
	r.buffer = make([]byte, 4096)
	return nil
}

func (r *rows) Columns() []string { return r.names }

func (r *rows) Next(dest []driver.Value) error {
	if r.one && r.read > 0 {
		return io.EOF
	}
	values := make([]driver.Value, len(dest)) // not dest: a fetch that is late may still write
	err := r.conn.await(r.ctx, r.cancel, func() error { return r.fetch(values) })
	if err != nil {
		return r.conn.lost(err)
	}
	r.read++
	copy(dest, values)
	return nil
}

func (r *rows) fetch(values []driver.Value) error {
	r.waits.Store(true)
	code := C.SQLFetch(r.h)
	r.waits.Store(false)
	switch {
	case code == C.SQL_NO_DATA:
		return io.EOF
	case failed(code):
		return r.check(code)
	}
	for i := range values {
		text, err := r.column(i)
		if err != nil {
			return err
		}
		if text != nil { // an untyped nil is NULL
			values[i] = number(r.types[i], text)
		}
	}
	return nil
}

// number reads an approximate number as one, so that it prints as on other
// databases. A text in such a column stays a text.
func number(typ C.SQLSMALLINT, text []byte) driver.Value {
	switch typ {
	case C.SQL_FLOAT, C.SQL_DOUBLE, C.SQL_REAL:
		if number, err := strconv.ParseFloat(string(text), 64); err == nil {
			return number
		}
	}
	return text
}

// column reads a column of the current row, in as many parts as it takes; nil is
// NULL.
func (r *rows) column(i int) ([]byte, error) {
	var as C.SQLSMALLINT = C.SQL_C_WCHAR
	end := 2 // bytes of the zero behind each part
	switch r.types[i] {
	case C.SQL_BINARY, C.SQL_VARBINARY, C.SQL_LONGVARBINARY:
		as, end = C.SQL_C_BINARY, 0
	}
	whole := []byte{}
	for {
		var length C.SQLLEN
		room := len(r.buffer) - end
		code := C.SQLGetData(r.h, C.SQLUSMALLINT(i+1), as, C.SQLPOINTER(&r.buffer[0]), C.SQLLEN(len(r.buffer)), &length)
		switch {
		case code == C.SQL_NO_DATA:
			return narrowBytes(whole, end), nil
		case failed(code):
			return nil, r.check(code)
		case length == C.SQL_NULL_DATA:
			return nil, nil
		}
		if r.tooLong(len(whole), length) {
			return nil, &sqlgen.Fault{Cause: sqlgen.RowTooLarge}
		}
		if length != C.SQL_NO_TOTAL && int(length) <= room {
			return narrowBytes(append(whole, r.buffer[:length]...), end), nil
		}
		whole = append(whole, r.buffer[:room]...)
		if rest := int(length) - room + end; length != C.SQL_NO_TOTAL && rest > len(r.buffer) {
			r.buffer = make([]byte, rest)
		}
	}
}

// tooLong reports whether a column of which so much was read, and so much is left, makes
// a row too long. Here a character has two bytes where its text may have one.
func (r *rows) tooLong(read int, left C.SQLLEN) bool {
	limit := 2 * r.conn.maxRowBytes
	return limit > 0 && int64(read)+max(int64(left), 0) > limit
}

// narrowBytes makes UTF-8 of the bytes of a text, and leaves others as they are.
func narrowBytes(b []byte, end int) []byte {
	if end == 0 {
		return b
	}
	if len(b) < 2 {
		return []byte{}
	}
	return []byte(narrowText(unsafe.Slice((*C.SQLWCHAR)(unsafe.Pointer(&b[0])), len(b)/2)))
}
