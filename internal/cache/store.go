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

// A Store is a file of the last good answers of a database. What it may give out
// it knows in memory; the file has the answers themselves, and survives the
// process. It is safe for use by many goroutines, and one process has it.
type Store struct {
	file *bbolt.DB
	most int64 // bytes of all answers
	log  *slog.Logger
	now  func() time.Time
	seed maphash.Seed

	mu      sync.Mutex
	known   map[string]*known // by question
	writes  map[string]int    // by table: how many there have been
	waiting map[string][]byte // answers that are not in the file yet, by question
	size    int64             // of all answers
	queued  int64             // of those that wait
	ticking *time.Ticker
	stopped chan struct{}
	ended   sync.WaitGroup
}

// known is what is known of an answer.
type known struct {
	Table string         `json:"table"`
	Asked []sqlgen.Field `json:"asked"` // what rows had to have
	At    time.Time      `json:"at"`    // when the database gave it last

	sum   uint64
	size  int64
	fresh bool // At is newer than in the file
}

var (
	answersBucket = []byte("answers")
	timesBucket   = []byte("times")
	tablesBucket  = []byte("tables")
)

// markBucket is how a Store knows its own file.
const markBucket = "dbsep last good answers"

const (
	flushEvery = 500 * time.Millisecond // answers that are new
	timesEvery = 40                     // flushes: when answers were last seen
	mostQueued = 16 << 20               // bytes; further answers wait for a later time
)

// OpenStore opens a store, or makes it. most bounds the bytes of its answers. A
// file that no store wrote is refused. A damaged one is worth less than a start:
// it gets another name, and a new one is made.
func OpenStore(name string, most int64, log *slog.Logger) (*Store, error) {
	s, err := readStore(name, most, log)
	if errors.Is(err, errDamaged) {
		aside, asideErr := setAside(name)
		if asideErr != nil {
			return nil, fmt.Errorf("set the damaged file of [lastgood] aside: %w", asideErr)
		}
		log.Error("the file of last good answers is damaged, a new one is made",
			slog.String("file", name), slog.String("kept_as", aside), slog.String("cause", err.Error()))
		s, err = readStore(name, most, log)
	}
	if err != nil {
		return nil, fmt.Errorf("open [lastgood] %s: %w", name, err)
	}
	s.ticking = time.NewTicker(flushEvery)
	s.ended.Go(s.tick)
	return s, nil
}

// readStore opens a file of a store and reads it.
func readStore(name string, most int64, log *slog.Logger) (s *Store, err error) {
	if err := inspect(name); err != nil {
		return nil, err
	}
	defer recoverDamage(&err) // the file stays open then: it cannot be closed any more
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	file, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return nil, damage(err)
	}
	s = &Store{
		file: file, most: most, log: log, now: time.Now, seed: maphash.MakeSeed(),
		known: map[string]*known{}, writes: map[string]int{}, waiting: map[string][]byte{},
		stopped: make(chan struct{}),
	}
	if err := damage(s.load()); err != nil {
		_ = file.Close()
		return nil, err
	}
	return s, nil
}

// Close writes what waits and closes the file.
func (s *Store) Close() error {
	close(s.stopped)
	s.ended.Wait()
	s.flush(true)
	return s.file.Close()
}

// load reads what is known of the answers in the file.
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
				return nil // overwritten when the question comes again
			}
			if at := times.Get(key); len(at) == 8 {
				k.At = time.Unix(int64(binary.BigEndian.Uint64(at)), 0)
			}
			k.sum, k.size = maphash.Bytes(s.seed, text), int64(len(value))
			s.known[string(key)] = k
			s.size += k.size
			return nil
		})
	})
}

// encode is an answer as the file has it.
func encode(k *known, text []byte) []byte {
	about, _ := json.Marshal(k)
	value := binary.AppendUvarint(nil, uint64(len(about)))
	return append(append(value, about...), text...)
}

func decode(value []byte) (k *known, text []byte, ok bool) {
	n, size := binary.Uvarint(value)
	if size <= 0 || n > uint64(len(value)-size) {
		return nil, nil, false
	}
	about, text := value[size:size+int(n)], value[size+int(n):]
	k = new(known)
	return k, text, json.Unmarshal(about, k) == nil
}

// began notes how many writes a table has seen, before it is asked.
func (s *Store) began(table string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes[table]
}

// keep keeps an answer that began before no write to its table.
func (s *Store) keep(key string, st sqlgen.Statement, writes int, text []byte) {
	sum := maphash.Bytes(s.seed, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writes[st.Table] != writes {
		return
	}
	k := s.known[key]
	if k != nil && k.sum == sum {
		k.At, k.fresh = s.now(), true
		return
	}
	if s.queued > mostQueued {
		return
	}
	s.forget(key)
	k = &known{Table: st.Table, Asked: st.Equals(), At: s.now(), sum: sum}
	value := encode(k, text)
	k.size = int64(len(value))
	s.known[key], s.waiting[key] = k, value
	s.size += k.size
	s.queued += k.size
}

// forget wants the lock held.
func (s *Store) forget(key string) {
	k := s.known[key]
	if k == nil {
		return
	}
	s.size -= k.size
	if value, waits := s.waiting[key]; waits {
		s.queued -= int64(len(value))
		delete(s.waiting, key)
	}
	delete(s.known, key)
}

// gone drops the answer to a question that has none any more.
func (s *Store) gone(key, table string, writes int) {
	s.mu.Lock()
	if s.known[key] == nil || s.writes[table] != writes {
		s.mu.Unlock()
		return
	}
	s.forget(key)
	s.mu.Unlock()
	s.remove([]string{key})
}

// touched drops every answer that a write may change, from the file too, before
// the write is done.
func (s *Store) touched(write sqlgen.Statement) {
	s.mu.Lock()
	s.writes[write.Table]++
	var keys []string
	for key, k := range s.known {
		if k.Table == write.Table && touches(write, k.Asked) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		s.forget(key)
	}
	s.mu.Unlock()
	s.remove(keys)
}

// remove takes answers out of the file.
func (s *Store) remove(keys []string) {
	if len(keys) == 0 {
		return
	}
	s.try("remove an answer", s.file.Update(func(tx *bbolt.Tx) error {
		for _, key := range keys {
			if err := errors.Join(tx.Bucket(answersBucket).Delete([]byte(key)), tx.Bucket(timesBucket).Delete([]byte(key))); err != nil {
				return err
			}
		}
		return nil
	}))
}

// find returns the answer to a question, as far as it is not older than age.
func (s *Store) find(key string, age time.Duration) (text []byte, old time.Duration, ok bool) {
	s.mu.Lock()
	k := s.known[key]
	value, waits := s.waiting[key]
	s.mu.Unlock()
	if k == nil {
		return nil, 0, false
	}
	if old = s.now().Sub(k.At); old > age {
		return nil, 0, false
	}
	if !waits {
		s.try("read an answer", s.file.View(func(tx *bbolt.Tx) error {
			value = bytes.Clone(tx.Bucket(answersBucket).Get([]byte(key)))
			return nil
		}))
	}
	if value == nil {
		return nil, 0, false
	}
	_, text, ok = decode(value)
	return text, old, ok
}

// tick writes what waits, now and then, until the store is closed.
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

// flush writes new answers, and when others were last seen.
func (s *Store) flush(times bool) {
	s.mu.Lock()
	answers := maps.Clone(s.waiting)
	surplus := s.surplus()
	seen := map[string]time.Time{}
	for key, k := range s.known {
		if times && k.fresh {
			seen[key], k.fresh = k.At, false
		}
	}
	s.mu.Unlock()
	s.remove(surplus)
	if len(answers)+len(seen) == 0 {
		return
	}
	err := s.file.Update(func(tx *bbolt.Tx) error { return s.write(tx, answers, seen) })
	s.try("write answers", err)
	if err == nil {
		s.written(answers)
	}
}

// write puts answers and times into the file, but for those that have been
// dropped since they were taken. One that is dropped while it is written is
// removed by who drops it, afterwards.
func (s *Store) write(tx *bbolt.Tx, answers map[string][]byte, seen map[string]time.Time) error {
	for key, value := range answers {
		if !s.knows(key) {
			continue
		}
		if err := errors.Join(tx.Bucket(answersBucket).Put([]byte(key), value), tx.Bucket(timesBucket).Delete([]byte(key))); err != nil {
			return err
		}
	}
	for key, at := range seen {
		if !s.knows(key) {
			continue
		}
		if err := tx.Bucket(timesBucket).Put([]byte(key), binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) knows(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[key] != nil
}

// written takes answers off those that wait, unless a newer one has come.
func (s *Store) written(answers map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range answers {
		if now := s.waiting[key]; now != nil && &now[0] == &value[0] {
			delete(s.waiting, key)
			s.queued -= int64(len(value))
		}
	}
}

// surplus forgets the oldest answers while there are too many, and returns their
// questions. It wants the lock held.
func (s *Store) surplus() []string {
	if s.size <= s.most {
		return nil
	}
	var keys []string
	for _, key := range oldest(s.known) {
		if s.size <= s.most*9/10 {
			break
		}
		s.forget(key)
		keys = append(keys, key)
	}
	return keys
}

// try tells of a file that fails. Answers are given without it.
func (s *Store) try(what string, err error) {
	if err != nil {
		s.log.Error("the file of last good answers fails", slog.String("at", what), slog.String("cause", err.Error()))
	}
}
