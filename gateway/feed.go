package gateway

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A feed passes the chunks of a long response from the query to its clients: to one, or to
// all whose requests share the query. Each client reads at its own pace. A slow one must not
// hold the connection to the database: other requests need it, and on SQLite it keeps every
// write out. So the query waits for a client for a limited time. After that the rest of the
// response waits in memory, once for all. When no memory is left, the client is
// disconnected.
type feed struct {
	memory    *share        // of the budget for responses, which has the chunks
	patience  time.Duration // how long the query waits for a client
	waitTimer *time.Timer
	taken     chan struct{} // a reader that was behind has taken a chunk, or left

	// Of a query that requests may share. Nil: it is the query of one request.
	cancel context.CancelCauseFunc // ends it
	done   chan struct{}           // is closed when it has ended

	mu      sync.Mutex
	filled  sync.Cond // there is a chunk, or something has ended
	readers []*reader
	left    error   // why the last of them left
	begun   bool    // the query runs: nobody else may share it
	queue   []chunk // those that a reader has not sent yet
	passed  int     // chunks that came before the queue
	spare   []chunk // empty
	long    bool    // the response has more than one chunk
	ended   bool    // no more chunks will come
}

// A chunk is a part of a response, and how much memory is reserved for it.
type chunk struct {
	text    []byte
	paid    int
	rows    int  // of the response, up to its end
	readers int  // that have not sent it yet
	used    bool // a client that was disconnected may still be sending it
}

const (
	// queuedChunks may be queued before the query waits for a client: one that is being
	// sent and one that waits.
	queuedChunks = 2

	// waitPerChunk is what a chunk that is taken adds to the time for which the query may
	// still wait. A client that reads about three megabytes per second can continue
	// without limit.
	waitPerChunk = 20 * time.Millisecond
)

func newFeed(memory *share, patience time.Duration) *feed {
	f := &feed{memory: memory, patience: patience, waitTimer: time.NewTimer(time.Hour), taken: make(chan struct{}, 1)}
	f.waitTimer.Stop()
	f.filled.L = &f.mu
	return f
}

// join adds a client, which gets all chunks. It returns nil if the query has begun, or has
// no client left.
func (f *feed) join(resp *response) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun || f.left != nil {
		return nil
	}
	r := &reader{feed: f, resp: resp, waitLeft: f.patience}
	r.unread = unread{client: r, patience: f.patience}
	f.readers = append(f.readers, r)
	return r
}

// begin says that the query begins.
func (f *feed) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = true
}

// add queues a chunk, and returns an empty one if there is one to use again. An error says
// why the last client left. The chunk is returned then.
func (f *feed) add(c chunk) (spare chunk, err error) {
	f.awaitReaders()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left != nil {
		return c, f.left
	}
	f.long = true
	f.push(c)
	if n := len(f.spare); n > 0 {
		spare, f.spare = f.spare[n-1], f.spare[:n-1]
	}
	for _, r := range f.readers {
		if !r.behind {
			r.waitLeft = min(r.waitLeft+waitPerChunk, f.patience)
		}
	}
	return spare, nil
}

// push queues a chunk for all readers. The caller holds the lock.
func (f *feed) push(c chunk) {
	c.readers = len(f.readers)
	f.queue = append(f.queue, c)
	f.filled.Broadcast()
}

// end says that no more chunks will come after a last one, or why not.
func (f *feed) end(c chunk, err error) {
	f.mu.Lock()
	f.ended = true
	for _, r := range f.readers {
		if err != nil {
			r.stop(err)
		}
	}
	if len(c.text) > 0 && err == nil {
		f.push(c)
	}
	f.filled.Broadcast()
	unused := f.dropSent()
	if len(c.text) == 0 || err != nil {
		unused += c.paid
	}
	for _, c := range f.spare {
		unused += c.paid
	}
	f.spare = nil
	f.mu.Unlock()
	f.memory.release(unused)
}

// awaitReaders waits until no client is behind, but for none longer than the query may
// still wait for it.
func (f *feed) awaitReaders() {
	for left := f.waitLeft(0); left > 0; {
		start := time.Now()
		f.waitTimer.Reset(left)
		select {
		case <-f.taken:
		case <-f.waitTimer.C:
		}
		f.waitTimer.Stop()
		left = f.waitLeft(time.Since(start))
	}
}

// waitLeft takes what the query has just waited off the time of those that were behind, and
// returns for how long it may wait for those that are.
func (f *feed) waitLeft(waited time.Duration) (left time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.readers {
		if r.behind {
			r.waitLeft -= waited
		}
		if r.behind = f.passed+len(f.queue)-r.sent >= queuedChunks; r.behind {
			left = max(left, r.waitLeft)
		}
	}
	return left
}

// dropSent removes the chunks that all readers have sent from the queue, and returns how
// many bytes are not reserved for anything any more. The caller holds the lock.
func (f *feed) dropSent() (unused int) {
	for len(f.queue) > 0 && f.queue[0].readers == 0 {
		c := f.queue[0]
		f.queue = slices.Delete(f.queue, 0, 1)
		f.passed++
		if f.ended || c.used || len(f.spare) == queuedChunks || cap(c.text) > maxKeptBytes {
			unused += c.paid
			continue
		}
		f.spare = append(f.spare, chunk{text: c.text[:0], paid: c.paid})
	}
	return unused
}

// remove removes a reader, for which no chunk is kept any more, and returns how many bytes
// are not reserved for anything any more. The last one ends the query. The caller holds the
// lock.
func (f *feed) remove(r *reader, reason error) (unused int) {
	if r.left {
		return 0
	}
	r.left = true
	f.readers = slices.DeleteFunc(f.readers, func(other *reader) bool { return other == r })
	for i := r.sent - f.passed; i < len(f.queue); i++ {
		f.queue[i].readers--
	}
	signal(f.taken)
	if len(f.readers) == 0 {
		f.left = reason
		if f.cancel != nil {
			f.cancel(reason)
		}
	}
	return f.dropSent()
}

// disconnectSlowest disconnects the client that is furthest behind. It reports false if none
// is further than the others.
func (f *feed) disconnectSlowest() bool {
	f.mu.Lock()
	var slowest, quickest *reader
	for _, r := range f.readers {
		if slowest == nil || r.sent < slowest.sent {
			slowest = r
		}
		if quickest == nil || r.sent > quickest.sent {
			quickest = r
		}
	}
	if slowest == nil || slowest.sent == quickest.sent {
		f.mu.Unlock()
		return false
	}
	unused := slowest.drop()
	f.mu.Unlock()
	f.memory.release(unused)
	return true
}

// signal wakes the goroutine that waits on a channel, now or when it waits next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
