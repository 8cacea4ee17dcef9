package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"sync"

	"dbsep/sqlgen"
)

// A sqlitePlace is the path of a database file, where another file may be put
// while dbsep runs, for instance from a backup. SQLite itself goes on with the
// file that it has opened, though nobody sees any more what it writes there.
type sqlitePlace struct {
	path string

	mu        sync.Mutex
	file, log os.FileInfo // as last used; log is the write-ahead log, nil where none was seen
}

const sqliteGoneRemedy = "put the database file back, or correct dsn; dbsep never makes one"

var (
	errMoves = &sqlgen.Fault{
		Cause: sqlgen.Unavailable, Remedy: "put a new database file into its place at once, with mv",
		Err: errors.New("the file became another one while it was opened"),
	}
	errOldLog = &sqlgen.Fault{
		Cause:  sqlgen.Unavailable,
		Remedy: "remove the files -wal and -shm beside the new database file: they are of the file that was there before, and SQLite would mix the two",
		Err:    errors.New("the file is another one, and its write-ahead log is not"),
	}
)

// A placedConnector opens the file that is in a place.
type placedConnector struct {
	driver.Connector
	*sqlitePlace
}

func (p placedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	file, err := os.Stat(p.path)
	if err != nil {
		return nil, &sqlgen.Fault{Cause: sqlgen.Unavailable, Remedy: sqliteGoneRemedy, Err: err}
	}
	if err := p.enter(file); err != nil {
		return nil, err
	}
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if !p.has(file) {
		conn.Close()
		return nil, errMoves
	}
	return &sqliteSession{conn.(sqliteConn), p.sqlitePlace, file}, nil
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

// has tells whether a file is in the place.
func (p *sqlitePlace) has(file os.FileInfo) bool {
	now, err := os.Stat(p.path)
	return err == nil && os.SameFile(file, now)
}

// seeLog notes the write-ahead log of the file in the place, once.
func (p *sqlitePlace) seeLog() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log == nil {
		p.log, _ = os.Stat(p.path + "-wal")
	}
}

// sqliteConn is what the connections of both drivers are.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
}

// A sqliteSession is a connection to the file that was in its place.
type sqliteSession struct {
	sqliteConn
	place *sqlitePlace
	file  os.FileInfo
}

// ResetSession gives the connection up where its file is not the one that is in
// the place now.
func (s *sqliteSession) ResetSession(ctx context.Context) error {
	if !s.place.has(s.file) {
		return driver.ErrBadConn
	}
	s.place.seeLog()
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
