//go:build odbc

package odbc

// #cgo LDFLAGS: -lodbc
// #include <stdint.h>
// #include <sql.h>
// #include <sqlext.h>
// #include <sqlucode.h>
//
// static SQLRETURN setNumber(SQLSMALLINT kind, SQLHANDLE h, SQLINTEGER attribute, uintptr_t number) {
//   if (kind == SQL_HANDLE_ENV) return SQLSetEnvAttr(h, attribute, (SQLPOINTER)number, 0);
//   if (kind == SQL_HANDLE_DBC) return SQLSetConnectAttr(h, attribute, (SQLPOINTER)number, SQL_IS_UINTEGER);
//   return SQLSetStmtAttr(h, attribute, (SQLPOINTER)number, SQL_IS_UINTEGER);
// }
import "C"

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unsafe"

	"dbsep/internal/database"
	"dbsep/internal/database/dsn"
	"dbsep/sqlgen"
)

// connector opens connections by their connection string.
type connector struct {
	text        string
	timeout     time.Duration // of a login
	maxRowBytes int64
}

// Driver is there because driver.Connector has it. Nothing calls it.
func (c *connector) Driver() driver.Driver { return nil }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn := &conn{timeout: c.timeout, maxRowBytes: c.maxRowBytes, interrupted: make(chan struct{})}
	err := conn.await(ctx, nil, func() error { return conn.open(c.text, c.timeout) })
	if err != nil {
		conn.Close()
		return nil, err
	}
	if err := conn.settle(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// settle makes a new session one that requests can rely on, where the package of
// its database knows how.
func (c *conn) settle(ctx context.Context) (err error) {
	if d := database.ForProduct(c.database); d != nil && d.PrepareSession != nil {
		c.prepared, err = d.PrepareSession(ctx, c)
	}
	return err
}

func (c *conn) SetStrict(ctx context.Context, strict bool) error {
	if c.prepared == nil {
		return nil
	}
	return c.prepared.SetStrict(ctx, strict)
}

func (c *conn) IsText(value string) bool { return c.prepared == nil || c.prepared.IsText(value) }

// QueryContext and ExecContext are for PrepareSession: requests prepare their
// statements.
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := c.Prepare(text)
	if err != nil {
		return nil, err
	}
	return stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := c.Prepare(text)
	if err != nil {
		return nil, err
	}
	return stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// A conn is a connection through unixODBC. A driver's calls know no context
// and some cannot be ended: one that is late is left to end by itself, and its
// connection with it.
type conn struct {
	environment C.SQLHENV
	connection  C.SQLHDBC

	database string // what the driver calls it: "PostgreSQL"
	version  string
	account  string
	catalog  string // the one that names without another mean; may be empty
	quote    string // around names; empty where names take none
	schemas  bool   // a name in a statement may have its schema before it

	maxRowBytes int64 // 0: no limit

	prepared database.PreparedSession // nil: its database has nothing of the kind

	timeout     time.Duration  // how long calls may take to end that were canceled
	interrupted chan struct{}  // closed by the first Interrupt
	calls       sync.WaitGroup // that may still run
	cancels     sync.WaitGroup // likewise
	retired     bool           // not to be used again
}

var _ database.Interrupter = (*conn)(nil)

// Interrupt makes await return.
func (c *conn) Interrupt() {
	select {
	case <-c.interrupted:
	default:
		close(c.interrupted)
	}
}

// End waits until the calls that were canceled have ended.
func (c *conn) End(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		c.calls.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errNotEnded
	}
}

var errNotEnded = errors.New("the ODBC driver has not ended the statement")

// await runs calls of the driver. When the context ends first, or an interrupt comes,
// cancel is called and the calls continue alone: what they write must not be read then.
func (c *conn) await(ctx context.Context, cancel func(), calls func() error) error {
	select {
	case <-c.interrupted:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	done := make(chan error, 1)
	c.calls.Go(func() { done <- calls() })
	select {
	case err := <-done:
		return err
	case <-c.interrupted:
	case <-ctx.Done():
	}
	c.retired = true
	if cancel != nil {
		c.cancels.Go(func() { repeat(cancel, done) })
	}
	return cmp.Or(ctx.Err(), context.Canceled)
}

// The pauses before requests to cancel.
const (
	firstCancelPause = 50 * time.Millisecond
	lastCancelPause  = time.Second
)

// repeat calls cancel until the calls have ended, where they do not end by themselves:
// what comes before a statement has begun has no effect, and some drivers fail where it
// comes while they do something else than wait for the database.
func repeat(cancel func(), done <-chan error) {
	for pause := firstCancelPause; ; pause = min(2*pause, lastCancelPause) {
		select {
		case <-done:
			return
		case <-time.After(pause):
			cancel() // may have to wait as well
		}
	}
}

func (c *conn) open(text string, timeout time.Duration) error {
	var h C.SQLHANDLE
	if C.SQLAllocHandle(C.SQL_HANDLE_ENV, nil, &h) != C.SQL_SUCCESS {
		return errors.New("connect: unixODBC cannot be used")
	}
	c.environment = h
	C.setNumber(C.SQL_HANDLE_ENV, h, C.SQL_ATTR_ODBC_VERSION, C.SQL_OV_ODBC3)
	if r := C.SQLAllocHandle(C.SQL_HANDLE_DBC, h, &h); failed(r) {
		return c.diagnose(C.SQL_HANDLE_ENV, c.environment)
	}
	c.connection = h
	seconds := max(1, (timeout+time.Second-1)/time.Second)
	C.setNumber(C.SQL_HANDLE_DBC, h, C.SQL_ATTR_LOGIN_TIMEOUT, C.uintptr_t(seconds))
	wide := wideText(text)
	if r := C.SQLDriverConnectW(c.connection, nil, &wide[0], C.SQLSMALLINT(len(wide)-1), nil, 0, nil, C.SQL_DRIVER_NOPROMPT); failed(r) {
		return c.diagnose(C.SQL_HANDLE_DBC, h)
	}
	c.database, c.version = c.textInfo(C.SQL_DBMS_NAME), c.textInfo(C.SQL_DBMS_VER)
	c.account, c.catalog = c.textInfo(C.SQL_USER_NAME), c.textInfo(C.SQL_DATABASE_NAME)
	c.quote = strings.TrimSpace(c.textInfo(C.SQL_IDENTIFIER_QUOTE_CHAR))
	if c.database == "SQLite" {
		c.quote = "`" // in its double quotes a name that is no column any more is a text
	}
	var usage C.SQLUINTEGER
	C.SQLGetInfoW(c.connection, C.SQL_SCHEMA_USAGE, C.SQLPOINTER(&usage), 0, nil)
	c.schemas = usage&C.SQL_SU_DML_STATEMENTS != 0
	return nil
}

// textInfo reads a text from the driver's SQLGetInfo. What the driver does not know
// is empty.
func (c *conn) textInfo(what C.SQLUSMALLINT) string {
	var buffer [512]C.SQLWCHAR
	var bytes C.SQLSMALLINT
	if failed(C.SQLGetInfoW(c.connection, what, C.SQLPOINTER(&buffer[0]), C.SQLSMALLINT(unsafe.Sizeof(buffer)), &bytes)) {
		return ""
	}
	return narrowText(buffer[:min(max(int(bytes), 0)/2, len(buffer)-1)])
}

// Close ends the connection, once nothing of it runs any more.
func (c *conn) Close() error {
	if c.retired {
		go c.free()
		return nil
	}
	c.free()
	return nil
}

func (c *conn) free() {
	c.calls.Wait()
	c.cancels.Wait()
	if c.connection != nil {
		C.SQLDisconnect(c.connection)
		C.SQLFreeHandle(C.SQL_HANDLE_DBC, c.connection)
	}
	if c.environment != nil {
		C.SQLFreeHandle(C.SQL_HANDLE_ENV, c.environment)
	}
}

// IsValid reports whether the pool may keep the connection.
func (c *conn) IsValid() bool { return !c.retired }

// ResetSession checks that the connection is alive before it is used again.
func (c *conn) ResetSession(ctx context.Context) error {
	var dead C.SQLUINTEGER
	err := c.await(ctx, nil, func() error {
		C.SQLGetConnectAttrW(c.connection, C.SQL_ATTR_CONNECTION_DEAD, C.SQLPOINTER(&dead), 0, nil)
		return nil
	})
	if err == nil && dead == C.SQL_CD_TRUE {
		c.retired = true
		return driver.ErrBadConn
	}
	return err
}

// Begin is there because driver.Conn has it: each statement is a transaction.
func (c *conn) Begin() (driver.Tx, error) { return nil, errors.New("begin: no transactions") }

func (c *conn) Prepare(text string) (driver.Stmt, error) {
	if strings.HasPrefix(text, callPrefix) {
		return &catalogStatement{c, text}, nil
	}
	text, one := strings.CutSuffix(text, oneRow)
	text, err := c.requote(text)
	if err != nil {
		return nil, err
	}
	return &statement{c, text, one}, nil
}

// requote puts names into the driver's own quotes. Statements hold no texts but
// the escape character's, so what is in double quotes is a name.
func (c *conn) requote(text string) (string, error) {
	if c.quote == `"` {
		return text, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, `"`)
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		end := 0
		for end < len(rest) && (rest[end] != '"' || strings.HasPrefix(rest[end:], `""`)) {
			if rest[end] == '"' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return "", errors.New("prepare: a quote without its end")
		}
		name := strings.ReplaceAll(rest[:end], `""`, `"`)
		if c.quote == "" && !dsn.IsOptionName(name) {
			return "", &sqlgen.Fault{Cause: sqlgen.Unexpected, Hint: "rename it: the ODBC driver has no quotes for names, and this one is no plain word",
				Err: fmt.Errorf("quote the name %q", name)}
		}
		if c.quote != "" {
			name = strings.ReplaceAll(name, c.quote, c.quote+c.quote)
		}
		b.WriteString(c.quote + name + c.quote)
		text = rest[end+1:]
	}
}

// An driverError is what a driver says of a call that failed.
type driverError struct {
	database string // as the driver calls it
	state    string // SQLSTATE
	number   int    // of the database's own
	text     string
}

func (e *driverError) Error() string { return "[" + e.state + "] " + e.text }

// diagnose makes an error of the diagnostic records of a handle's last call. The first
// record decides. Nothing more is expected of a connection that is lost.
func (c *conn) diagnose(kind C.SQLSMALLINT, h C.SQLHANDLE) error {
	var first *driverError
	for record := C.SQLSMALLINT(1); record <= 4; record++ {
		var state [6]C.SQLWCHAR
		var text [512]C.SQLWCHAR
		var number C.SQLINTEGER
		var length C.SQLSMALLINT
		if failed(C.SQLGetDiagRecW(kind, h, record, &state[0], &number, &text[0], C.SQLSMALLINT(len(text)), &length)) {
			break
		}
		e := &driverError{c.database, narrowText(state[:5]), int(number), narrowText(text[:min(max(int(length), 0), len(text)-1)])}
		if first == nil {
			first = e
		} else {
			first.text += "; " + e.text
		}
	}
	if first == nil {
		return &driverError{c.database, "HY000", 0, "the driver does not say why"}
	}
	return first
}

// lost notes that a connection will not do for another statement.
func (c *conn) lost(err error) error {
	if isLost(err) {
		c.retired = true
	}
	return err
}

func isLost(err error) bool {
	var e *driverError
	return errors.As(err, &e) && strings.HasPrefix(e.state, "08")
}

func failed(r C.SQLRETURN) bool { return r != C.SQL_SUCCESS && r != C.SQL_SUCCESS_WITH_INFO }

// wideText is a text as ODBC takes it: UTF-16, a zero behind it.
func wideText(text string) []C.SQLWCHAR {
	units := utf16.Encode([]rune(text))
	wide := make([]C.SQLWCHAR, len(units)+1)
	for i, u := range units {
		wide[i] = C.SQLWCHAR(u)
	}
	return wide
}

func narrowText(wide []C.SQLWCHAR) string {
	units := make([]uint16, len(wide))
	for i, u := range wide {
		units[i] = uint16(u)
	}
	return string(utf16.Decode(units))
}
