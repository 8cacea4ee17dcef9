package cache

import "time"

const (
	flushEvery = 500 * time.Millisecond
	quietTime  = 30 * time.Second // without a write, after which the file has a table again

	maxQueued   = 16 << 20 // bytes; further rows are not kept
	changeBytes = 200      // of a change, besides its rows

	maxBatch      = 1000 // changes
	maxBatchBytes = 1 << 20
)

// A change is one of the file.
type change struct {
	kind
	entry
	of   *staleTable // nil for clear
	made int         // writes of the table at that time
}

// A kind says what a change does.
type kind int

const (
	put   kind = iota // puts an entry into the place of the one with its key; without text it removes that
	drop              // removes the entries of a table with a value, or without one
	clear             // removes all entries of a table
)

// enqueue adds a change of entries. If there are far too many changes, the table is cleared
// instead. The caller holds the lock.
func (s *Store) enqueue(c *change) {
	if s.queued > 2*maxQueued && c.of != nil {
		s.renew(c.of)
		return
	}
	if c.kind == put {
		s.puts[c.key] = c
		c.of.lastPut = max(c.of.lastPut, c.made)
	}
	s.queue = append(s.queue, c)
	s.queued += c.bytes()
}

func (c *change) bytes() int64 { return int64(len(c.text) + changeBytes) }

// flush writes what is queued. closing says that there are no more writes of tables.
func (s *Store) flush(closing bool) {
	f, _ := s.state()
	for more := true; more; {
		var err error
		if more, err = s.flushSome(f, closing); err != nil {
			s.failed(f, "write", err)
			return
		}
	}
}

// flushSome writes some of what is queued, and reports whether there may be more.
func (s *Store) flushSome(f *staleFile, closing bool) (more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := s.nextBatch(f, closing)
	if len(b.changes)+len(b.tables) == 0 {
		return false, nil
	}
	err = f.write(b)
	s.settle(b, err)
	return err == nil, err
}

// nextBatch returns the first changes of the queue, and the tables that have had no write
// for a while. From now on, a write to such a table waits until the batch is written.
func (s *Store) nextBatch(f *staleFile, closing bool) *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := new(batch)
	if s.file != f {
		return b
	}
	for _, c := range s.queue {
		if len(b.changes) == maxBatch || b.bytes > 0 && b.bytes+c.bytes() > min(maxBatchBytes, s.limit/32) {
			break
		}
		b.changes = append(b.changes, c)
		b.bytes += c.bytes()
	}
	since := s.now().Add(-quietTime).UnixMilli()
	for _, t := range s.tables {
		if t.id != t.row && t.id != 0 && len(t.drops) == 0 && t.running == 0 && (t.wrote < since || closing) && !f.isInMemory() {
			b.tables = append(b.tables, []any{t.id, t.scope, t.name, t.lookup, t.described, t.sum()})
			b.listed = append(b.listed, t)
			t.row = t.id
		}
	}
	return b
}

// settle ends a batch, which stays in the queue if it was not written.
func (s *Store) settle(b *batch, err error) {
	if err == nil {
		s.worked()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range b.removed {
		delete(s.recent, key)
	}
	if err != nil {
		for _, t := range b.listed {
			t.row = 0
		}
		return
	}
	s.queue = append(s.queue[len(b.changes):], b.unfinished...)
	for _, c := range b.changes {
		s.queued -= c.bytes()
		switch {
		case c.kind == put && s.puts[c.key] == c:
			delete(s.puts, c.key)
		case c.kind == drop:
			for _, value := range []string{c.value, ""} {
				if c.of.drops[value] == c.made {
					delete(c.of.drops, value)
				}
			}
		}
	}
	for _, c := range b.unfinished {
		s.queued += c.bytes()
	}
}
