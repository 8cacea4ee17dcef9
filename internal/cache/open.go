package cache

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"
)

const (
	maxInMemory = 32 << 20 // bytes of the file in memory
	retryEvery  = 10       // flushes; while the file cannot be opened
)

// minLimit is the least limit of a file, in bytes.
const minLimit = 256 << 10

// OpenStore opens a store, or creates its file. limit is the limit of the file in bytes. A
// file of another program is refused, and so is one in a folder that does not exist. A
// damaged file is renamed. With any other error, the store works without its file and tries
// again later.
func OpenStore(name string, limit int64, log *slog.Logger) (*Store, error) {
	s := &Store{
		name: name, limit: max(limit, minLimit), log: log, now: time.Now, seed: maphash.MakeSeed(),
		tables: map[string]*staleTable{}, stop: make(chan struct{}),
	}
	err := s.open()
	if errors.Is(err, errForeign) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("open [lastgood] %s: %w", name, err)
	}
	if err != nil {
		s.report("open", err)
		if err := s.useMemory(nil); err != nil {
			return nil, err
		}
	}
	s.ended.Go(s.run)
	return s, nil
}

// Close writes what is queued and closes the file.
func (s *Store) Close() error {
	close(s.stop)
	s.ended.Wait()
	s.flush(true)
	f, _ := s.state()
	return f.close()
}

// run writes what is queued, at intervals, until the store is closed.
func (s *Store) run() {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			s.keepOpen(n%retryEvery == 0)
			s.flush(false)
		}
	}
}

// state returns the file, and the damage of the one before it.
func (s *Store) state() (f *staleFile, damage error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file, s.damage
}

// keepOpen opens the file again if it was removed or is damaged, and if retry is set, also
// if it could not be opened.
func (s *Store) keepOpen(retry bool) {
	f, damage := s.state()
	if !f.isThere() {
		s.log.Warn("the file of stale responses was removed or replaced", slog.String("file", s.name))
		f.mu.Lock()
		s.abandon(f, nil)
		f.mu.Unlock()
		f, _ = s.state()
		retry = true
	}
	if f.isInMemory() && (retry || damage != nil) {
		s.report("open", s.open())
	}
}

// open opens the file and uses it.
func (s *Store) open() error {
	kind, err := inspect(s.name)
	if err != nil {
		return err
	}
	_, damage := s.state()
	info, statErr := os.Stat(s.name)
	switch {
	case kind == damagedFile || damage != nil:
		err = s.setAside(cmp.Or(damage, errDamaged))
	case kind == otherFormat, statErr == nil && info.Size() > s.limit:
		s.log.Info("the file of stale responses is replaced: it is of another version of dbsep, or larger than lastgood_bytes", slog.String("file", s.name))
		err = s.removeFile()
	}
	if err != nil {
		return err
	}
	if err = s.openOwn(); isDamage(err) {
		if err = s.setAside(err); err == nil {
			err = s.openOwn()
		}
	}
	return err
}

// setAside renames the file.
func (s *Store) setAside(cause error) error {
	renamed, err := setAside(s.name)
	if err != nil {
		return fmt.Errorf("rename the damaged file: %w", err)
	}
	s.log.Error("the file of stale responses is damaged: it was renamed and a new one is created",
		slog.String("file", s.name), slog.String("renamed_to", renamed), slog.String("cause", cause.Error()))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors++
	s.damage = nil
	return nil
}

func (s *Store) removeFile() error { return errors.Join(os.Remove(s.name), removeBeside(s.name)) }

// openOwn opens a file that is the store's own, or new.
func (s *Store) openOwn() error {
	f, err := openFile(s.name, s.limit)
	if err != nil {
		return err
	}
	tables, unknown, err := f.tables()
	if err != nil {
		f.close()
		return err
	}
	if old := s.use(f, tables, unknown, nil); old != nil {
		old.mu.Lock()
		defer old.mu.Unlock()
		old.close()
	}
	s.worked()
	return nil
}

// abandon uses a file in memory in the place of another one, and closes that. damage is why
// it is to be renamed, nil if it is not. The caller holds the lock of the file.
func (s *Store) abandon(f *staleFile, damage error) {
	if current, _ := s.state(); current != f {
		return // another one did it
	}
	if err := s.useMemory(damage); err != nil {
		s.report("open a file in memory", err)
		return
	}
	f.close()
}

func (s *Store) useMemory(damage error) error {
	f, err := openFile("", min(s.limit, maxInMemory))
	if err == nil {
		s.use(f, nil, nil, damage)
	}
	return err
}

// use begins to use a file, and returns the one that it replaces. The queue is for that one.
func (s *Store) use(f *staleFile, tables []*staleTable, unknown []int64, damage error) (old *staleFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.file, s.damage = s.file, f, damage
	s.queue, s.queued, s.puts, s.recent = nil, 0, map[digest]*change{}, map[digest]recent{}
	for _, t := range s.tables {
		t.id, t.row, t.drops = 0, 0, nil
	}
	for _, read := range tables {
		s.lastID = max(s.lastID, read.id)
		t := s.tableLocked(read.name)
		if t.writes > 0 {
			unknown = append(unknown, read.id) // its entries may be outdated
			continue
		}
		if t.id != 0 {
			unknown = append(unknown, t.id)
		}
		t.id, t.row, t.lookup, t.scope, t.described = read.id, read.id, read.lookup, read.scope, read.described
		t.schema = parseDescription(t.described)
	}
	for _, id := range unknown {
		s.lastID = max(s.lastID, id)
		s.enqueue(&change{kind: clear, entry: entry{table: id}})
	}
	return old
}

// failed handles an error of the file.
func (s *Store) failed(f *staleFile, at string, err error) {
	if isDamage(err) && !f.isInMemory() {
		f.mu.Lock()
		defer f.mu.Unlock()
		s.abandon(f, err)
		return
	}
	s.report(at, err)
}

// report counts an error of the file, and logs the first of several.
func (s *Store) report(at string, err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	first := !s.failing
	s.failing = true
	s.errors++
	s.mu.Unlock()
	if first {
		s.log.Error("the file of stale responses failed", slog.String("file", s.name), slog.String("at", at),
			slog.String("cause", err.Error()), slog.String("hint", hintFor(err)))
	}
}

// worked ends what report began.
func (s *Store) worked() {
	s.mu.Lock()
	ended := s.failing && !s.file.isInMemory()
	s.failing = s.failing && !ended
	s.mu.Unlock()
	if ended {
		s.log.Info("the file of stale responses works again", slog.String("file", s.name))
	}
}

// StoreStats is the state of a store.
type StoreStats struct {
	Usable bool  // the file can be read and written
	Bytes  int64 // of the file, with its write-ahead log

	// Errors of the file so far, and responses so far that were not kept because too many
	// waited to be written.
	Errors, NotKept int64
}

// Stats returns the state of the store.
func (s *Store) Stats() StoreStats {
	s.mu.Lock()
	stats := StoreStats{Usable: !s.failing, Errors: s.errors, NotKept: s.notKept}
	s.mu.Unlock()
	for _, name := range []string{s.name, s.name + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			stats.Bytes += info.Size()
		}
	}
	return stats
}
