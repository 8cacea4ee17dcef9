package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
)

// A sqlitePlace is the path of a database file, where another file may be put
// while dbsep runs, for instance from a backup. SQLite itself goes on with the
// file that it has opened, though nobody sees any more what it writes there.
type sqlitePlace struct {
	path string

	mu        sync.Mutex
	file, log os.FileInfo // as last used; log is the write-ahead log, nil where none was seen

	last atomic.Pointer[glance] // at the place
}

// A glance is what was in a place, nil for nothing. A read is content with one
// that was taken a moment ago, since it might as well have come at that moment. A
// write is not: it would be lost.
type glance struct {
	at   time.Time
	file os.FileInfo
}

// glanceAge is how old a glance may be for a read.
const glanceAge = 10 * time.Millisecond

const sqliteGoneHint = "put the database file back, or correct dsn; dbsep never makes one"

var (
	errMoves = &sqlgen.Fault{
		Cause: sqlgen.Unavailable, Hint: "put a new database file into its place at once, with mv",
		Err: errors.New("the file became another one while it was opened"),
	}
	errOldLog = &sqlgen.Fault{
		Cause: sqlgen.Unavailable,
		Hint:  "remove the files -wal and -shm beside the new database file: they are of the file that was there before, and SQLite would mix the two",
		Err:   errors.New("the file is another one, and its write-ahead log is not"),
	}
)

// A placedConnector opens the file that is in a place.
type placedConnector struct {
	driver.Connector
	*sqlitePlace
	patience time.Duration // how old a glance at the place may be; 0 for writes
}

func (p placedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	file, err := os.Stat(p.path)
	if err != nil {
		return nil, &sqlgen.Fault{Cause: sqlgen.Unavailable, Hint: sqliteGoneHint, Err: err}
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
		return nil, errMoves
	}
	return &sqliteSession{conn.(sqliteConn), p, file}, nil
}

// enter refuses a file that has the write-ahead log of the one before it: SQLite
// would take that for the file's own.
func (p *sqlitePlace) enter(file os.FileInfo) error {
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

// has tells whether a file is in the place, by a glance that may be so old.
func (p *sqlitePlace) has(file os.FileInfo, age time.Duration) bool {
	last := p.last.Load()
	if last == nil || time.Since(last.at) >= age {
		last = p.look(last)
	}
	return last.file != nil && os.SameFile(file, last.file)
}

// look takes a glance, and notes the write-ahead log of the file in the place.
func (p *sqlitePlace) look(before *glance) *glance {
	now := &glance{at: time.Now()}
	now.file, _ = os.Stat(p.path)
	p.last.CompareAndSwap(before, now) // another's may be newer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log == nil {
		p.log, _ = os.Stat(p.path + "-wal")
	}
	return now
}

// sqliteConn is what the connections of both drivers are.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
}

// A sqliteSession is a connection to the file that was in its place.
type sqliteSession struct {
	sqliteConn
	place placedConnector
	file  os.FileInfo
}

// ResetSession gives the connection up where its file is not the one that is in
// the place now.
func (s *sqliteSession) ResetSession(ctx context.Context) error {
	if !s.place.has(s.file, s.place.patience) {
		return driver.ErrBadConn
	}
	if r, ok := s.sqliteConn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid is as the driver says: whether the file is in its place is looked at
// when the connection is used again.
func (s *sqliteSession) IsValid() bool {
	v, ok := s.sqliteConn.(driver.Validator)
	return !ok || v.IsValid()
}
