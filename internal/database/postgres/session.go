package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"dbsep/internal/database"
)

// sessionConnector makes sessions of the driver's connections.
type sessionConnector struct {
	driver.Connector
	prepares *atomic.Bool  // statements stay on the server; false once a pooler has lost one
	timeout  time.Duration // see session
}

func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	t := &tries{hosts: map[string]string{}}
	conn, err := c.Connector.Connect(context.WithValue(ctx, triesKey{}, t))
	if err != nil {
		return nil, t.failure(err)
	}
	s := &session{Conn: conn.(*stdlib.Conn), prepares: c.prepares, timeout: c.timeout}
	server := s.Conn.Conn().PgConn()
	s.direct = server.CustomData()[serverPID] == server.PID()
	return s, nil
}

// A session is a connection that speaks as the Perl driver did: every
// value goes as a text whose type the server finds out, as that of a literal, and
// comes back as the server's own text.
//
// Statements stay prepared on the server, until a pooler has lost one: that gives the next
// one to another server. From then on nothing is left on the server. A statement is parsed,
// bound and run in one message, which costs no round trip, but the server's time.
type session struct {
	*stdlib.Conn
	prepares    *atomic.Bool  // see sessionConnector
	direct      bool          // there is no pooler in front of the server
	retired     bool          // not to be used again
	timeout     time.Duration // how long the server may take to end a statement
	interrupted bool
}

var _ database.Interrupter = (*session)(nil)

// Interrupt makes the driver give the connection up. It then sends a request to cancel
// the statement, for which the server always has a place, and waits until the server has
// closed the connection. A second interrupt would end that.
func (s *session) Interrupt() {
	if !s.interrupted {
		s.interrupted = true
		_ = s.Conn.Conn().PgConn().Conn().SetDeadline(time.Unix(1, 0))
	}
}

// cancelAgain is the pause between two requests to cancel a statement.
const cancelAgain = 200 * time.Millisecond

// End waits until the server has closed the connection, which it does when the statement
// has ended. A request to cancel that comes before the server has begun with the statement
// has no effect there, so it is repeated.
func (s *session) End(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	again := time.NewTicker(cancelAgain)
	defer again.Stop()
	server := s.Conn.Conn().PgConn()
	for {
		select {
		case <-server.CleanupDone():
			return nil
		case <-again.C:
			_ = server.CancelRequest(ctx)
		case <-ctx.Done():
			return errNotEnded
		}
	}
}

var errNotEnded = errors.New("the server has not closed the connection of the statement")

// IsValid reports whether the pool may keep the connection.
func (s *session) IsValid() bool { return !s.retired && !s.Conn.Conn().IsClosed() }

// ResetSession finds out whether the server has ended the connection while nobody
// used it. If there is anything to be read, a round trip shows what it is. (The
// driver takes that only where a connection has been idle for more than a second.)
func (s *session) ResetSession(ctx context.Context) error {
	server := s.Conn.Conn().PgConn()
	if hasInput(server.Conn()) && server.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	return s.Conn.ResetSession(ctx)
}

func (s *session) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	stmt := &statement{session: s, text: text}
	if !s.prepares.Load() {
		return stmt, nil
	}
	server := s.Conn.Conn().PgConn()
	var err error
	stmt.prepared, err = server.Prepare(ctx, statementName(text), text, nil)
	switch {
	case err == nil:
		return stmt, nil
	case s.isLost(err) || !s.direct && server.IsClosed(): // pgbouncer does that where a statement is prepared again that had failed
		s.prepares.Store(false)
		switch {
		case server.IsClosed():
			return nil, driver.ErrBadConn // nothing was run
		case server.TxStatus() != idle:
			return nil, lostStatement{err} // what the transaction has done is undone
		}
		return stmt, nil
	}
	return nil, failed(err)
}

// idle is the status of a connection without a transaction (protocol-message-formats,
// ReadyForQuery).
const idle = 'I'

// A lostStatement is the error of a prepared statement that the server does not know or
// knows as another one: a pooler stands in front of it. Nothing was run, or it is undone
// with its transaction.
type lostStatement struct{ error }

func (e lostStatement) Unwrap() error { return e.error }

// isLost knows the errors of statements that were prepared on another server of a pooler, or
// on this one already. A function that prepares statements has the same, but with its place. A
// pooler that prepares statements by itself does not do so again when their table has changed.
func (s *session) isLost(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	unknown := e.Code == "26000" || e.Code == "42P05" // invalid_sql_statement_name, duplicate_prepared_statement
	return unknown && e.Where == "" || !s.direct && isOutdated(e)
}

// statementName is the name of a statement on the server. No two texts have the
// same: should a pooler pass a statement to a connection on which another process has
// prepared its own, no other one is run.
func statementName(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "dbsep" + hex.EncodeToString(sum[:16])
}

// A statement is a statement's text, and what the server made of it where
// it is to keep that.
type statement struct {
	session  *session
	text     string
	prepared *pgconn.StatementDescription // nil: nothing is on the server
	kept     bool                         // the current run is of what is on the server
}

// deallocateTimeout limits how long a server may take to drop a statement.
const deallocateTimeout = time.Second

func (s *statement) Close() error {
	if s.prepared == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), deallocateTimeout)
	defer cancel()
	err := s.session.Conn.Conn().PgConn().Deallocate(ctx, s.prepared.Name)
	s.session.retired = s.session.retired || err != nil
	return err
}

func (s *statement) NumInput() int { return -1 } // the server counts

func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	result, err := s.run(ctx, args)
	if err != nil {
		return nil, err
	}
	fields := result.FieldDescriptions()
	if fields == nil {
		_, err := result.Close()
		return nil, s.failed(err)
	}
	r := &rows{statement: s, result: result, types: make([]uint32, len(fields)), names: make([]string, len(fields))}
	for i, f := range fields {
		r.types[i], r.names[i] = f.DataTypeOID, f.Name
	}
	return r, nil
}

func (s *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.run(ctx, args)
	if err != nil {
		return nil, err
	}
	tag, err := result.Close()
	if err != nil {
		return nil, s.failed(err)
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

// Query and Exec are there because driver.Stmt has them; nobody calls them.
func (s *statement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }
func (s *statement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }

func (s *statement) run(ctx context.Context, args []driver.NamedValue) (*pgconn.ResultReader, error) {
	const asText, asBytes = 0, 1
	values, formats := make([][]byte, len(args)), make([]int16, len(args))
	for i, a := range args {
		switch v := a.Value.(type) {
		case nil:
		case string:
			values[i], formats[i] = []byte(v), asText
		case []byte:
			values[i], formats[i] = v, asBytes
		default:
			return nil, fmt.Errorf("bind an argument: no text for a %T", v)
		}
		if a.Value != nil && values[i] == nil {
			values[i] = []byte{} // nil is NULL
		}
	}
	server := s.session.Conn.Conn().PgConn()
	s.kept = s.prepared != nil && s.session.prepares.Load()
	switch {
	case !s.kept:
		return server.ExecParams(ctx, s.text, values, nil, formats, nil), nil
	case s.session.direct:
		return server.ExecStatement(ctx, s.prepared, values, formats, nil), nil
	}
	// Another server of a pooler may have other types in mind: it is asked for them.
	return server.ExecPrepared(ctx, s.prepared.Name, values, formats, nil), nil
}

// failed looks at an error of a run.
func (s *statement) failed(err error) error {
	if s.kept && s.session.isLost(err) {
		s.session.prepares.Store(false)
		return lostStatement{err}
	}
	return failed(err)
}

// failed looks at an error of a connection.
func failed(err error) error {
	switch {
	case err == nil:
		return errors.New("run a statement: it has no rows")
	case pgconn.SafeToRetry(err):
		return driver.ErrBadConn // nothing was sent
	}
	return err
}

// rows are rows as they come from the server.
type rows struct {
	statement *statement
	result    *pgconn.ResultReader
	types     []uint32
	names     []string
}

func (r *rows) Columns() []string { return r.names }

func (r *rows) Close() error {
	_, err := r.result.Close()
	return err
}

func (r *rows) Next(dest []driver.Value) error {
	if !r.result.NextRow() {
		if _, err := r.result.Close(); err != nil {
			return r.statement.failed(err)
		}
		return io.EOF
	}
	for i, text := range r.result.Values() {
		dest[i] = nil
		if text == nil {
			continue
		}
		value, err := value(r.types[i], text)
		if err != nil {
			return fmt.Errorf("read a column: %w", err)
		}
		dest[i] = value
	}
	return nil
}

// value reads a value as the Perl driver did: truth values as 1 and 0,
// approximate numbers as numbers, bytes as bytes, all others as the server's text.
func value(typ uint32, text []byte) (driver.Value, error) {
	switch typ {
	case pgtype.BoolOID:
		if string(text) == "t" {
			return "1", nil
		}
		return "0", nil
	case pgtype.Float4OID, pgtype.Float8OID:
		return strconv.ParseFloat(string(text), 64)
	case pgtype.ByteaOID:
		return decodeBytea(text)
	}
	return text, nil
}

// decodeBytea undoes either of the forms that bytea_output chooses from:
// \x and two digits for each byte, or characters with \\ and \ooo between.
func decodeBytea(text []byte) ([]byte, error) {
	if len(text) >= 2 && text[0] == '\\' && text[1] == 'x' {
		value := make([]byte, hex.DecodedLen(len(text)-2))
		_, err := hex.Decode(value, text[2:])
		return value, err
	}
	value := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\':
			value = append(value, text[i])
		case i+1 < len(text) && text[i+1] == '\\':
			value = append(value, '\\')
			i++
		case i+3 < len(text):
			b, err := strconv.ParseUint(string(text[i+1:i+4]), 8, 8)
			if err != nil {
				return nil, err
			}
			value = append(value, byte(b))
			i += 3
		default:
			return nil, errors.New("bytes that end in a backslash")
		}
	}
	return value, nil
}
