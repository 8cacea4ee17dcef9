package cache

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"dbsep/sqlgen"
)

// A Store is a file of rows for stale responses. Its index is in memory. The rows are
// in the file, which survives the process. A Store is safe for use by many
// goroutines. One process at a time can open the file.
type Store struct {
	file  *bbolt.DB
	limit int64 // bytes of all entries
	log   *slog.Logger
	now   func() time.Time
	seed  maphash.Seed

	mu      sync.Mutex
	entries map[string]*storeEntry // by cacheKey
	writes  map[string]int         // number of writes by table
	pending map[string][]byte      // entries that are not in the file yet, by cacheKey
	size    int64                  // of all entries
	queued  int64                  // of the pending ones
	ticking *time.Ticker
	stopped chan struct{}
	ended   sync.WaitGroup
}

// A storeEntry is the index entry of the rows of one query.
type storeEntry struct {
	Table  string         `json:"table"`
	Equals []sqlgen.Field `json:"asked"` // the query's conditions with =
	At     time.Time      `json:"at"`    // when the database last returned these rows

	sum   uint64
	size  int64
	newAt bool // At is newer than in the file
}

var (
	answersBucket = []byte("answers")
	timesBucket   = []byte("times")
	tablesBucket  = []byte("tables")
)

// markBucket marks a file of a Store.
const markBucket = "dbsep last good answers"

const (
	flushEvery = 500 * time.Millisecond // new entries
	timesEvery = 40                     // flushes after which times are written, too
	maxQueued  = 16 << 20               // bytes; further rows are not kept
)

// OpenStore opens a store, or creates it. limit is the limit of its entries in bytes. A
// file of another program is refused. A damaged file does not prevent the start: it is
// renamed, and a new one is created.
func OpenStore(name string, limit int64, log *slog.Logger) (*Store, error) {
	s, err := readStore(name, limit, log)
	if errors.Is(err, errDamaged) {
		renamed, renameErr := rename(name)
		if renameErr != nil {
			return nil, fmt.Errorf("rename the damaged file of [lastgood]: %w", renameErr)
		}
		log.Error("the file of [lastgood] is damaged: it was renamed and a new one created",
			slog.String("file", name), slog.String("renamed_to", renamed), slog.String("cause", err.Error()))
		s, err = readStore(name, limit, log)
	}
	if err != nil {
		return nil, fmt.Errorf("open [lastgood] %s: %w", name, err)
	}
	s.ticking = time.NewTicker(flushEvery)
	s.ended.Go(s.tick)
	return s, nil
}

// readStore opens the file of a store and reads its index.
func readStore(name string, limit int64, log *slog.Logger) (s *Store, err error) {
	if err := inspect(name); err != nil {
		return nil, err
	}
	defer recoverDamage(&err) // the file stays open after a panic: it cannot be closed
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	file, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return nil, damage(err)
	}
	s = &Store{
		file: file, limit: limit, log: log, now: time.Now, seed: maphash.MakeSeed(),
		entries: map[string]*storeEntry{}, writes: map[string]int{}, pending: map[string][]byte{},
		stopped: make(chan struct{}),
	}
	if err := damage(s.load()); err != nil {
		_ = file.Close()
		return nil, err
	}
	return s, nil
}

// Close writes pending entries and closes the file.
func (s *Store) Close() error {
	close(s.stopped)
	s.ended.Wait()
	s.flush(true)
	return s.file.Close()
}

// load reads the index of the file.
func (s *Store) load() error {
	return s.file.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{answersBucket, timesBucket, tablesBucket, []byte(markBucket)} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		times := tx.Bucket(timesBucket)
		return tx.Bucket(answersBucket).ForEach(func(key, value []byte) error {
			k, text, ok := decode(value)
			if !ok {
				return nil // overwritten by the next equal query
			}
			if at := times.Get(key); len(at) == 8 {
				k.At = time.Unix(int64(binary.BigEndian.Uint64(at)), 0)
			}
			k.sum, k.size = maphash.Bytes(s.seed, text), int64(len(value))
			s.entries[string(key)] = k
			s.size += k.size
			return nil
		})
	})
}

// encode encodes an entry and its rows for the file.
func encode(k *storeEntry, text []byte) []byte {
	about, _ := json.Marshal(k)
	value := binary.AppendUvarint(nil, uint64(len(about)))
	return append(append(value, about...), text...)
}

func decode(value []byte) (k *storeEntry, text []byte, ok bool) {
	n, size := binary.Uvarint(value)
	if size <= 0 || n > uint64(len(value)-size) {
		return nil, nil, false
	}
	about, text := value[size:size+int(n)], value[size+int(n):]
	k = new(storeEntry)
	return k, text, json.Unmarshal(about, k) == nil
}

// writesTo returns how many writes to a table there have been. A query calls it before
// it starts.
func (s *Store) writesTo(table string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes[table]
}

// keep keeps rows, unless there was a write to their table since the query started.
func (s *Store) keep(key string, st sqlgen.Statement, writes int, text []byte) {
	sum := maphash.Bytes(s.seed, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writes[st.Table] != writes {
		return
	}
	k := s.entries[key]
	if k != nil && k.sum == sum {
		k.At, k.newAt = s.now(), true
		return
	}
	if s.queued > maxQueued {
		return
	}
	s.forget(key)
	k = &storeEntry{Table: st.Table, Equals: st.Equals(), At: s.now(), sum: sum}
	value := encode(k, text)
	k.size = int64(len(value))
	s.entries[key], s.pending[key] = k, value
	s.size += k.size
	s.queued += k.size
}

// forget removes an entry from memory. The caller holds the lock.
func (s *Store) forget(key string) {
	k := s.entries[key]
	if k == nil {
		return
	}
	s.size -= k.size
	if value, ok := s.pending[key]; ok {
		s.queued -= int64(len(value))
		delete(s.pending, key)
	}
	delete(s.entries, key)
}

// discard drops the entry of a query that returns no row any more.
func (s *Store) discard(key, table string, writes int) {
	s.mu.Lock()
	if s.entries[key] == nil || s.writes[table] != writes {
		s.mu.Unlock()
		return
	}
	s.forget(key)
	s.mu.Unlock()
	s.remove([]string{key})
}

// invalidate drops the rows that a write may change, from memory and from the file.
func (s *Store) invalidate(write sqlgen.Statement) {
	s.mu.Lock()
	s.writes[write.Table]++
	var keys []string
	for key, k := range s.entries {
		if k.Table == write.Table && mayChange(write, k.Equals) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		s.forget(key)
	}
	s.mu.Unlock()
	s.remove(keys)
}

// remove removes entries from the file.
func (s *Store) remove(keys []string) {
	if len(keys) == 0 {
		return
	}
	s.try("remove an entry", s.file.Update(func(tx *bbolt.Tx) error {
		for _, key := range keys {
			if err := errors.Join(tx.Bucket(answersBucket).Delete([]byte(key)), tx.Bucket(timesBucket).Delete([]byte(key))); err != nil {
				return err
			}
		}
		return nil
	}))
}

// find returns rows and their age, if they are not older than maxAge.
func (s *Store) find(key string, maxAge time.Duration) (text []byte, age time.Duration, ok bool) {
	s.mu.Lock()
	k := s.entries[key]
	value, isPending := s.pending[key]
	s.mu.Unlock()
	if k == nil {
		return nil, 0, false
	}
	if age = s.now().Sub(k.At); age > maxAge {
		return nil, 0, false
	}
	if !isPending {
		s.try("read an entry", s.file.View(func(tx *bbolt.Tx) error {
			value = bytes.Clone(tx.Bucket(answersBucket).Get([]byte(key)))
			return nil
		}))
	}
	if value == nil {
		return nil, 0, false
	}
	_, text, ok = decode(value)
	return text, age, ok
}

// tick writes pending entries at intervals until the store is closed.
func (s *Store) tick() {
	for n := 1; ; n++ {
		select {
		case <-s.stopped:
			return
		case <-s.ticking.C:
			s.flush(n%timesEvery == 0)
		}
	}
}

// flush writes pending entries and, if times is set, new times of others.
func (s *Store) flush(times bool) {
	s.mu.Lock()
	pending := maps.Clone(s.pending)
	surplus := s.surplus()
	newTimes := map[string]time.Time{}
	for key, k := range s.entries {
		if times && k.newAt {
			newTimes[key], k.newAt = k.At, false
		}
	}
	s.mu.Unlock()
	s.remove(surplus)
	if len(pending)+len(newTimes) == 0 {
		return
	}
	err := s.file.Update(func(tx *bbolt.Tx) error { return s.write(tx, pending, newTimes) })
	s.try("write entries", err)
	if err == nil {
		s.written(pending)
	}
}

// write writes entries and times to the file, except those that were dropped
// meanwhile. If one is dropped during the write, invalidate removes it afterwards.
func (s *Store) write(tx *bbolt.Tx, pending map[string][]byte, newTimes map[string]time.Time) error {
	for key, value := range pending {
		if !s.has(key) {
			continue
		}
		if err := errors.Join(tx.Bucket(answersBucket).Put([]byte(key), value), tx.Bucket(timesBucket).Delete([]byte(key))); err != nil {
			return err
		}
	}
	for key, at := range newTimes {
		if !s.has(key) {
			continue
		}
		if err := tx.Bucket(timesBucket).Put([]byte(key), binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[key] != nil
}

// written removes written entries from the pending ones, unless there is a newer one.
func (s *Store) written(pending map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range pending {
		if now := s.pending[key]; now != nil && &now[0] == &value[0] {
			delete(s.pending, key)
			s.queued -= int64(len(value))
		}
	}
}

// surplus forgets the oldest entries if the store is over its limit, and returns their
// keys. The caller holds the lock.
func (s *Store) surplus() []string {
	if s.size <= s.limit {
		return nil
	}
	var keys []string
	for _, key := range oldest(s.entries) {
		if s.size <= s.limit*9/10 {
			break
		}
		s.forget(key)
		keys = append(keys, key)
	}
	return keys
}

// try logs an error of the file. The gateway works without the file.
func (s *Store) try(what string, err error) {
	if err != nil {
		s.log.Error("the file of [lastgood] failed", slog.String("at", what), slog.String("cause", err.Error()))
	}
}
