package cache

import (
	"bytes"
	"errors"
	"hash/maphash"
	"log/slog"
	"strings"
	"sync"
	"time"

	"dbsep/sqlgen"
)

// A Store is a file of rows for stale responses, which survives the process. Changes of the
// file wait in a queue and are written in the background. While the file cannot be used, a
// smaller one in memory takes its place. A Store is safe for use by many goroutines.
type Store struct {
	name  string
	limit int64 // of the file, in bytes
	log   *slog.Logger
	now   func() time.Time
	seed  maphash.Seed

	mu     sync.Mutex // who needs staleFile.mu, too, takes that first
	file   *staleFile
	damage error // of the file that was in use, which is to be renamed
	tables map[string]*staleTable
	lastID int64             // of a table
	recent map[digest]recent // entries that need not be written again
	queue  []*change
	queued int64              // bytes
	puts   map[digest]*change // the last change of each entry in the queue

	failing bool  // the last use of the file failed
	errors  int64 // of the file
	notKept int64 // entries that were too many to be kept

	stop  chan struct{}
	ended sync.WaitGroup
}

// A recent entry is in the file, or will be soon.
type recent struct {
	table   int64
	content uint64 // a hash of the rows
	at      int64  // when the database returned them last, in milliseconds
	saved   int64  // the same in the file
}

const (
	maxRecent       = 1 << 18
	rewriteFraction = 8 // of its maximum age: when an unchanged entry is written again
)

// table returns the table of a name.
func (s *Store) table(name string) *staleTable {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tableLocked(name)
}

func (s *Store) tableLocked(name string) *staleTable {
	t := s.tables[name]
	if t == nil {
		t = &staleTable{name: name}
		s.tables[name] = t
	}
	return t
}

// knownTable returns the table of a name, nil if nobody has asked for it.
func (s *Store) knownTable(name string) *staleTable {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[name]
}

// writesTo returns how many writes to a table there have been. A query calls it before it
// starts.
func (s *Store) writesTo(t *staleTable) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.writes
}

// wroteSince reports whether there was a write to a table in a time before now.
func (s *Store) wroteSince(t *staleTable, ago time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.wrote > s.now().Add(-ago).UnixMilli()
}

// keep keeps the rows of a query, unless there was a write to their table since it started.
// No rows means that there are none any more.
func (s *Store) keep(t *staleTable, st sqlgen.Statement, key digest, writes int, text []byte, maxAge time.Duration) {
	content := maphash.Bytes(s.seed, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.writes != writes {
		return
	}
	if t.lookup == "" {
		s.renew(t)
		t.lookup = t.lookupOf(st)
	}
	if t.id == 0 {
		if len(text) == 0 {
			return
		}
		s.lastID++
		t.id = s.lastID
	}
	e := entry{key: key, table: t.id, value: t.valueOf(st), at: s.now().UnixMilli(), text: text}
	r, known := s.recent[key]
	if known && r.table == t.id && r.content == content && t.drops[e.value] == 0 && e.at-r.saved < maxAge.Milliseconds()/rewriteFraction {
		r.at = e.at
		s.recent[key] = r
		return
	}
	delete(s.recent, key)
	switch {
	case len(text) == 0:
	case s.queued+int64(len(text)) > maxQueued:
		e.text = nil
		s.notKept++
	default:
		s.remember(key, recent{t.id, content, e.at, e.at})
	}
	s.enqueue(&change{of: t, made: t.writes, entry: e})
}

// remember adds a recent entry, in the place of any other if there are too many. The caller
// holds the lock.
func (s *Store) remember(key digest, r recent) {
	for other := range s.recent {
		if len(s.recent) < maxRecent {
			break
		}
		delete(s.recent, other)
	}
	s.recent[key] = r
}

// renew makes all entries of a table invalid. The caller holds the lock.
func (s *Store) renew(t *staleTable) {
	if t.id != 0 {
		s.enqueue(&change{kind: clear, entry: entry{table: t.id}})
	}
	t.id, t.drops = 0, nil
}

// startWrite drops the rows that a write may change: all of the table, unless the write is
// one of rows with a certain value, which it does not set. They are removed from the file
// later. Until then, and as long as there are writes, the file does not have the table, so
// that they are not used if the process or the machine should fail.
func (s *Store) startWrite(t *staleTable, write sqlgen.Statement) {
	s.invalidate(t, write, 1)
}

// endWrite drops the rows that queries have read since the start of a write.
func (s *Store) endWrite(t *staleTable, write sqlgen.Statement) {
	s.invalidate(t, write, -1)
}

func (s *Store) invalidate(t *staleTable, write sqlgen.Statement, running int) {
	s.mu.Lock()
	t.running += running
	t.writes++
	t.wrote = s.now().UnixMilli()
	_, value, ok := write.Key(t.lookup)
	switch {
	case t.id == 0:
	case t.lookup == "" || !ok || write.Sets(t.lookup):
		s.renew(t)
	default:
		s.drop(t, value)
	}
	f, listed := s.file, t.row != 0
	s.mu.Unlock()
	if listed {
		s.unlist(f, t)
	}
}

// drop makes the entries of a table invalid that have a value, or no known one. The caller
// holds the lock.
func (s *Store) drop(t *staleTable, value string) {
	if t.drops == nil {
		t.drops = map[string]int{}
	}
	if t.drops[value] > t.lastPut {
		return // there is nothing new
	}
	t.drops[value], t.drops[""] = t.writes, t.writes
	s.enqueue(&change{kind: drop, of: t, made: t.writes, entry: entry{table: t.id, value: value}})
}

// unlist removes a table from the file. If that fails, the file is removed.
func (s *Store) unlist(f *staleFile, t *staleTable) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.mu.Lock()
	row, inUse := t.row, s.file == f
	s.mu.Unlock()
	if row == 0 || !inUse {
		return // another one did it
	}
	if err := f.exec("DELETE FROM tables WHERE id = ?", row); err != nil {
		s.report("unlist a table", errors.Join(err, s.removeFile()))
		s.abandon(f, nil)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.row = 0
}

// setSchema sets the schema of a table in a database, which the scope identifies. If it is
// another one than before, the rows of the table are dropped.
func (s *Store) setSchema(t *staleTable, scope string, schema *sqlgen.Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if schema == nil || t.schema == schema && t.scope == scope {
		return
	}
	if description := describe(schema); scope != t.scope || !bytes.Equal(description, t.described) {
		s.renew(t)
		t.lookup, t.scope, t.described = "", scope, description
	}
	t.schema = schema
}

// schema returns the last known schema of a table: the one that has the name, or the only
// one that has it in another case.
func (s *Store) schema(scope, name string) *sqlgen.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*sqlgen.Table
	for _, t := range s.tables {
		switch {
		case t.scope != scope || t.schema == nil || !strings.EqualFold(t.name, name):
		case t.name == name:
			return t.schema
		default:
			found = append(found, t.schema)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// find returns the rows of a query and their age, if they are not older than maxAge.
func (s *Store) find(t *staleTable, key digest, maxAge time.Duration) (text []byte, age time.Duration, ok bool) {
	s.mu.Lock()
	f, c := s.file, s.puts[key]
	s.mu.Unlock()
	if c == nil {
		e := s.read(f, t, key)
		if e == nil {
			return nil, 0, false
		}
		c = &change{entry: *e}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.has(c) || len(c.text) == 0 {
		return nil, 0, false
	}
	at := c.at
	if r := s.recent[key]; r.saved == at {
		at = r.at
	}
	age = max(0, time.Duration(s.now().UnixMilli()-at)*time.Millisecond)
	return c.text, age, age <= maxAge
}

// read reads an entry from a file, nil if there is none. One that is damaged is removed.
func (s *Store) read(f *staleFile, t *staleTable, key digest) *entry {
	e, err := f.read(key)
	switch {
	case errors.Is(err, errDamagedEntry):
		s.report("read", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.recent, key)
		s.enqueue(&change{of: t, entry: entry{key: key}})
	case err != nil:
		s.failed(f, "read", err)
	}
	return e
}
