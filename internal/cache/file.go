package cache

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"
	"sync"
	"time"

	"dbsep/internal/sqlitedriver"
)

const (
	pageSize    = 4096
	lockTimeout = time.Second     // for a process that is about to end
	checkTime   = 2 * time.Second // for the check of a file that is opened

	clearedAtOnce = 1000 // entries
	evictedAtOnce = 4
	spareBytes    = 6 * pageSize // what a batch needs besides its own size
)

// synchronous is SQLite's setting. Many files are faster without.
var synchronous = "FULL"

// A staleFile is the SQLite file of a [Store]. It has one connection, which keeps the file
// locked for this process. The write-ahead log is used without shared memory: if a file is
// cut while it is mapped, the process ends.
type staleFile struct {
	name     string // empty: in memory
	info     os.FileInfo
	maxPages int64
	db       *sql.DB

	mu     sync.Mutex // of conn
	conn   *sql.Conn
	lookup *sql.Stmt // of an entry
}

// openFile opens the file of a Store, or creates it.
func openFile(name string, limit int64) (f *staleFile, err error) {
	f = &staleFile{name: name, maxPages: limit / pageSize}
	uri := ":memory:"
	if name != "" {
		created, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let others read it
		if err != nil {
			return nil, err
		}
		created.Close()
		uri = fmt.Sprintf("file:%s?mode=rw&_busy_timeout=%d", (&url.URL{Path: name}).EscapedPath(), lockTimeout.Milliseconds())
	}
	if f.db, err = sql.Open(sqlitedriver.Name, uri); err != nil {
		return nil, err
	}
	if err := f.begin(limit); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// begin makes the connection. The header of a new file must be in the file itself and not in
// the write-ahead log, or the file could not be recognized after a crash.
func (f *staleFile) begin(limit int64) (err error) {
	ctx := context.Background()
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return err
	}
	if err := f.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=" + synchronous); err != nil {
		return err
	}
	var version int
	if err := f.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == 0 {
		err = f.create()
	} else {
		err = f.check()
	}
	if err == nil {
		f.lookup, err = f.conn.PrepareContext(ctx, "SELECT tbl, value, at, sum, text FROM entries WHERE key = ?")
	}
	if err != nil {
		return err
	}
	if f.name != "" {
		if f.info, err = os.Stat(f.name); err != nil {
			return err
		}
		f.maxPages = f.maxPages * 3 / 4 // the rest is for the log
	}
	return f.exec(fmt.Sprintf("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=%d; PRAGMA max_page_count=%d",
		min(1000, limit/pageSize/8), limit/8, f.maxPages))
}

func (f *staleFile) create() error {
	return f.exec(fmt.Sprintf(`BEGIN EXCLUSIVE;
		PRAGMA application_id=%d;
		PRAGMA user_version=%d;
		CREATE TABLE tables (id INTEGER PRIMARY KEY, scope TEXT, name TEXT, lookup TEXT, schema BLOB, sum INTEGER);
		CREATE TABLE entries (id INTEGER PRIMARY KEY, key BLOB UNIQUE, tbl INTEGER, value TEXT, at INTEGER, sum INTEGER, mark BLOB, text BLOB);
		CREATE INDEX entries_of_table ON entries (tbl, value);
		INSERT INTO entries (id, tbl, mark) VALUES (0, 0, x'%x');
		COMMIT`, applicationID, formatVersion, fileMark))
}

// check looks for damage, as long as checkTime. What it does not find is found when it is
// read.
func (f *staleFile) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()
	var result string
	err := f.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil && result != "ok":
		return errDamaged
	}
	return err
}

func (f *staleFile) exec(text string, args ...any) error {
	_, err := f.conn.ExecContext(context.Background(), text, args...)
	return err
}

// close releases the file. The caller holds the lock.
func (f *staleFile) close() error {
	if f.lookup != nil {
		f.lookup.Close()
	}
	if f.conn != nil {
		f.conn.Close()
	}
	f.lookup = nil
	return f.db.Close()
}

func (f *staleFile) isInMemory() bool { return f.name == "" }

// isThere reports whether the file is the one of its name, and was not removed.
func (f *staleFile) isThere() bool {
	info, err := os.Stat(f.name)
	return f.isInMemory() || err == nil && os.SameFile(info, f.info)
}

// tables reads the tables of the file. A damaged one is left out. unknown are the numbers
// of other tables that have entries.
func (f *staleFile) tables() (tables []*staleTable, unknown []int64, err error) {
	ctx := context.Background()
	known := map[int64]bool{0: true}
	err = query(ctx, f.conn, func(scan func(...any) error) error {
		var t staleTable
		var sum int64
		if err := scan(&t.id, &t.scope, &t.name, &t.lookup, &t.described, &sum); err != nil || sum != t.sum() {
			return nil //nolint:nilerr // the table is damaged, too
		}
		known[t.id] = true
		tables = append(tables, &t)
		return nil
	}, "SELECT id, scope, name, lookup, schema, sum FROM tables ORDER BY id")
	if err != nil {
		return nil, nil, err
	}
	err = query(ctx, f.conn, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		if err == nil && !known[id] {
			unknown = append(unknown, id)
		}
		return err
	}, "SELECT DISTINCT tbl FROM entries UNION SELECT id FROM tables")
	return tables, unknown, err
}

// A querier is a connection, or a transaction on one.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// query calls row for each row of a query.
func query(ctx context.Context, on querier, row func(scan func(...any) error) error, text string, args ...any) error {
	rows, err := on.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err) // a value is of another type than was written
		}
	}
	return rows.Err()
}

// An entry is the rows that the database returned for a query.
type entry struct {
	key   digest // of the query
	table int64
	value string // that staleTable.lookup has in all rows; empty: not known
	at    int64  // when the database returned them, in milliseconds
	text  []byte // the encoded rows
}

func (e *entry) sum() int64 {
	numbers := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(e.table)), uint64(e.at))
	return checksum(e.key[:], []byte(e.value), numbers, e.text)
}

// read returns the entry of a query, nil if there is none.
func (f *staleFile) read(key digest) (*entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lookup == nil {
		return nil, nil // it was closed meanwhile
	}
	e := &entry{key: key}
	var sum int64
	err := f.lookup.QueryRowContext(context.Background(), key[:]).Scan(&e.table, &e.value, &e.at, &sum, &e.text)
	_, isSQLite := sqlitedriver.ErrorCode(err)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err == nil && sum == e.sum():
		return e, nil
	case err == nil || !isSQLite: // a value is of another type than was written
		return nil, errDamagedEntry
	}
	return nil, err
}

// A batch is what is written to the file at once.
type batch struct {
	changes []*change
	bytes   int64 // of them
	tables  [][]any
	listed  []*staleTable // the same

	unfinished []*change // there is more to remove
	removed    []digest  // the entries that were removed, or that may have been
}

// write writes a batch. The caller holds the lock.
func (f *staleFile) write(b *batch) error {
	ctx := context.Background()
	tx, err := f.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if err := b.makeRoom(ctx, tx, f.maxPages); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO entries (key, tbl, value, at, sum, mark, text) VALUES (?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, c := range b.changes {
		switch {
		case c.kind == put && len(c.text) > 0:
			_, err = insert.ExecContext(ctx, c.key[:], c.table, c.value, c.at, c.sum(), fileMark, c.text)
		case c.kind == put:
			_, err = tx.ExecContext(ctx, "DELETE FROM entries WHERE key = ?", c.key[:])
		case c.kind == drop:
			err = b.remove(ctx, tx, "DELETE FROM entries WHERE tbl = ? AND value IN (?, '') RETURNING key", c.table, c.value)
		default:
			err = b.clear(ctx, tx, c)
		}
		if err != nil {
			return err
		}
	}
	for _, t := range b.tables {
		if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO tables VALUES (?, ?, ?, ?, ?, ?)", t...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// clear removes some of the entries of a table.
func (b *batch) clear(ctx context.Context, tx *sql.Tx, c *change) error {
	result, err := tx.ExecContext(ctx, "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE tbl = ? LIMIT ?)", c.table, clearedAtOnce)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == clearedAtOnce {
		b.unfinished = append(b.unfinished, c)
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM tables WHERE id = ?", c.table)
	return err
}

// remove runs a statement that removes entries and returns their keys.
func (b *batch) remove(ctx context.Context, tx *sql.Tx, text string, args ...any) error {
	return query(ctx, tx, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		b.removed = append(b.removed, digest(append(key, make([]byte, len(digest{}))...)))
		return err
	}, text, args...)
}

// makeRoom removes the oldest entries until there is room for the batch.
func (b *batch) makeRoom(ctx context.Context, tx *sql.Tx, maxPages int64) error {
	for {
		var count, free int64
		err := tx.QueryRowContext(ctx, "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count").Scan(&count, &free)
		if err != nil || (maxPages-count+free)*pageSize >= b.bytes+b.bytes/4+spareBytes {
			return err
		}
		before := len(b.removed)
		err = b.remove(ctx, tx, "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE id > 0 ORDER BY id LIMIT ?) RETURNING key", evictedAtOnce)
		if err != nil || len(b.removed) == before {
			return err
		}
	}
}

// SQLite's primary result codes (rescode.html).
const (
	codeError        = 1 // a name in the schema may be damaged
	codeBusy         = 5
	codeCorrupt      = 11
	codeNotADatabase = 26
)

var (
	errDamaged      = errors.New("the file is damaged")
	errDamagedEntry = errors.New("an entry is damaged")
)

// isDamage reports whether an error is due to what is in the file. Another one may pass.
func isDamage(err error) bool {
	code, _ := sqlitedriver.ErrorCode(err)
	code &= 0xff
	return errors.Is(err, errDamaged) || code == codeError || code == codeCorrupt || code == codeNotADatabase
}

// hintFor says how to fix an error of the file.
func hintFor(err error) string {
	code, _ := sqlitedriver.ErrorCode(err)
	switch {
	case code&0xff == codeBusy:
		return "another process uses it: configure a different file for each dbsep"
	case errors.Is(err, errDamagedEntry):
		return "look at its disk for errors"
	}
	return "make room on its disk, and let dbsep write the file and its directory"
}

// checksum is a sum of parts.
func checksum(parts ...[]byte) int64 {
	sum := uint32(0)
	for _, part := range parts {
		sum = crc32.Update(sum, crcTable, binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		sum = crc32.Update(sum, crcTable, part)
	}
	return int64(sum)
}

var crcTable = crc32.MakeTable(crc32.Castagnoli)
