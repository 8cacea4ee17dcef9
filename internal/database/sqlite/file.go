package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/internal/database"
	"dbsep/internal/sqlitedriver"
	"dbsep/sqlgen"
)

// A filePath is the path of a database file. Another file may be moved there while
// dbsep runs, for instance from a backup. SQLite itself continues with the file that
// it has opened, though nobody sees any more what it writes there.
type filePath struct {
	path string

	mu        sync.Mutex
	file, log os.FileInfo // as last used; log is the write-ahead log, nil where none was seen

	last atomic.Pointer[cachedStat]
}

// A cachedStat is the file that was at a path, nil for none. For a read one of a
// moment ago is enough, since the read might as well have come at that moment. For
// a write it is not: it would be lost.
type cachedStat struct {
	at   time.Time
	file os.FileInfo
}

// maxStatAge is how old a cachedStat may be for a read.
const maxStatAge = 10 * time.Millisecond

const goneHint = "put the database file back, or correct dsn; dbsep makes none while it runs"

var (
	errMoved = &sqlgen.Fault{
		Cause: sqlgen.Unavailable, Hint: "put a new database file into its place at once, with mv",
		Err: errors.New("the file became another one while it was opened"),
	}
	errReplaced = &sqlgen.Fault{
		Cause: sqlgen.Unavailable, Hint: "put a new database file into its place while nobody writes, and look for what the statement wrote",
		Err: errors.New("the file became another one while the statement wrote, and may not have what it wrote"),
	}
	errOldLog = &sqlgen.Fault{
		Cause: sqlgen.Unavailable,
		Hint:  "remove the files -wal and -shm beside the new database file: they are of the file that was there before, and SQLite would mix the two",
		Err:   errors.New("the file is another one, and its write-ahead log is not"),
	}
)

// A fileConnector opens the file that is at a path.
type fileConnector struct {
	driver.Connector
	*filePath
	gate   *gate
	maxAge time.Duration // of a cachedStat; 0 for writes
}

func (p fileConnector) Connect(ctx context.Context) (driver.Conn, error) {
	file, err := os.Stat(p.path)
	if err != nil {
		return nil, &sqlgen.Fault{Cause: sqlgen.Unavailable, Hint: goneHint, Err: err}
	}
	if err := p.enter(file); err != nil {
		return nil, err
	}
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if !p.has(file, 0) {
		conn.Close()
		return nil, errMoved
	}
	s := &session{driverConn: conn.(driverConn), fileConnector: p, file: file}
	s.contexts = database.NewWatch(func() { interrupt(s.driverConn) })
	if excludes(ctx, s.driverConn) {
		s.gate = p.gate
	}
	return s, nil
}

// enter refuses a file that has the write-ahead log of the one before it: SQLite
// would take that for the file's own.
func (p *filePath) enter(file os.FileInfo) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil && !os.SameFile(p.file, file) {
		if log, err := os.Stat(p.path + "-wal"); err == nil && p.log != nil && os.SameFile(p.log, log) {
			return errOldLog
		}
		p.log = nil
	}
	p.file = file
	return nil
}

// has reports whether a file is the one at the path, as it was at most so long ago.
func (p *filePath) has(file os.FileInfo, age time.Duration) bool {
	last := p.last.Load()
	if last == nil || time.Since(last.at) >= age {
		last = p.stat(last)
	}
	return last.file != nil && os.SameFile(file, last.file)
}

// stat looks at the path, and keeps the write-ahead log of its file.
func (p *filePath) stat(before *cachedStat) *cachedStat {
	now := &cachedStat{at: time.Now()}
	now.file, _ = os.Stat(p.path)
	p.last.CompareAndSwap(before, now) // another's may be newer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log == nil {
		p.log, _ = os.Stat(p.path + "-wal")
	}
	return now
}

// driverConn is what the connections of both drivers are.
type driverConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

// A session is a connection to the file that was at its path.
type session struct {
	driverConn
	fileConnector fileConnector
	file          os.FileInfo
	gate          *gate           // nil where reads and writes do not exclude each other
	contexts      *database.Watch // of statements, which it ends

	control map[string]driverStmt // of the transaction, by SQL text
	changed bool                  // it has changed rows
	tried   bool                  // its first statement was run
}

// ResetSession gives the connection up where its file is not the one that is at the
// path now.
func (s *session) ResetSession(ctx context.Context) error {
	if !s.fileConnector.has(s.file, s.fileConnector.maxAge) {
		return driver.ErrBadConn
	}
	if r, ok := s.driverConn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid is as the driver says: the path is looked at when the connection is used
// again.
func (s *session) IsValid() bool {
	v, ok := s.driverConn.(driver.Validator)
	return !ok || v.IsValid()
}

// PrepareContext prepares a statement for the file of the session, for which SQLite
// may have to read the schema.
func (s *session) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if err := s.gate.enter(ctx, readTurn); err != nil {
		return nil, err
	}
	defer s.gate.leave(readTurn)
	stmt, err := s.driverConn.PrepareContext(ctx, text)
	if code, _ := sqlitedriver.ErrorCode(err); err != nil && code&0xff == codeError {
		// What a trigger lacked may be there by now. SQLite finds out only when it runs a
		// statement.
		if _, failed := s.ExecContext(ctx, "SELECT 1 FROM sqlite_master", nil); failed == nil {
			stmt, err = s.driverConn.PrepareContext(ctx, text)
		}
	}
	if err != nil {
		return nil, err
	}
	return &statement{driverStmt: stmt.(driverStmt), session: s}, nil
}

// driverStmt is what the statements of both drivers are.
type driverStmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// A statement is one for the file of its session, which ends with its context. The drivers
// see to that by themselves, but only once, which has no effect before the statement has
// begun, and one of them not between two rows.
type statement struct {
	driverStmt
	session *session
	rows    sessionRows // of the query that runs
}

// QueryContext reads in its turn, which lasts until the rows are closed.
func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.session.gate.enter(ctx, readTurn); err != nil {
		return nil, err
	}
	s.rows.session = s.session
	s.session.contexts.Start(ctx)
	rows, err := s.driverStmt.QueryContext(context.Background(), args)
	if err != nil {
		s.rows.end()
		return nil, err
	}
	s.rows.Rows = rows
	return &s.rows, nil
}

func (s *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.session.contexts.Start(ctx)
	defer s.session.contexts.Stop()
	return s.driverStmt.ExecContext(context.Background(), args)
}

// sessionRows are rows of a read that ends when they are closed.
type sessionRows struct {
	driver.Rows
	session *session
}

func (r *sessionRows) Close() error {
	if r.Rows == nil {
		return nil
	}
	defer r.end()
	err := r.Rows.Close()
	r.Rows = nil
	return err
}

func (r *sessionRows) end() {
	r.session.contexts.Stop()
	r.session.gate.leave(readTurn)
}
