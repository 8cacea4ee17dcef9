package gateway

import "time"

// A reader sends the chunks of a feed to one client. The lock of the feed guards it.
type reader struct {
	feed     *feed
	resp     *response
	joined   bool          // the query is that of another request
	waitLeft time.Duration // for which the query may still wait for it
	behind   bool          // the query waits for it, or would
	sent     int           // chunks
	rows     int           // in them
	sending  bool          // it has begun to send
	err      error         // why it sends nothing more
	left     bool          // it is none of the feed's readers any more
	unread   unread
	done     chan struct{} // is closed when run has ended; nil: it does not run
	unwatch  func() bool   // stops looking whether the client is there; nil: nothing does
}

// run sends all chunks while the query runs in another goroutine.
func (r *reader) run() {
	defer close(r.done)
	_ = r.send()
	r.leave()
}

// send sends all chunks.
func (r *reader) send() error {
	for {
		text, err := r.next()
		if text == nil {
			return err
		}
		r.feed.memory.budget.wait(&r.unread)
		err = r.resp.write(text)
		r.feed.memory.budget.waited(&r.unread)
		r.take(err)
	}
}

// next waits for a chunk to send. After the last one it returns nil.
func (r *reader) next() (text []byte, err error) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	for r.err == nil && !f.ended && r.hasSentAll() {
		f.filled.Wait()
	}
	if r.err != nil || r.hasSentAll() {
		return nil, r.err
	}
	r.resp.extendDeadline() // under the lock, so that stop comes before or after
	c := f.queue[r.sent-f.passed]
	r.sending, r.rows = true, c.rows
	return c.text, nil
}

// hasSentAll reports whether the reader has sent what there is. The caller holds the lock.
func (r *reader) hasSentAll() bool { return r.sent == r.feed.passed+len(r.feed.queue) }

// take says that the reader has sent a chunk, or why not.
func (r *reader) take(err error) {
	f := r.feed
	f.mu.Lock()
	unused := 0
	if r.err == nil {
		r.err = err
	}
	if !r.left {
		f.queue[r.sent-f.passed].readers--
		r.sent++
		unused = f.dropSent()
		if r.behind {
			signal(f.taken)
		}
	}
	f.mu.Unlock()
	f.memory.release(unused)
}

// await waits until there is something to send, or an error.
func (r *reader) await() error {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	for r.err == nil && !f.ended && r.hasSentAll() {
		f.filled.Wait()
	}
	return r.err
}

// whole returns how long the response is. ok is false if it is long, and not known yet.
func (r *reader) whole() (length int, ok bool) {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	for _, c := range r.feed.queue {
		length += len(c.text)
	}
	return length, !r.feed.long
}

// tooLate is called when the client has waited for its query for as long as it may.
func (r *reader) tooLate() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	if !r.feed.begun {
		r.stop(&Error{Code: Busy, Hint: "too many long responses at a time: use a narrower condition, or raise [database] max_connections, half of which are for them"})
	}
}

// fail sends nothing more to the client.
func (r *reader) fail(err error) {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	r.stop(err)
}

// stop is fail while the caller holds the lock. The response is not used after the reader
// has left.
func (r *reader) stop(err error) {
	if r.err != nil || r.left {
		return
	}
	r.err = err
	r.feed.filled.Broadcast()
	if r.sending {
		_ = r.resp.abortWrites()
	}
}

// leave ends the reader. The last one waits until the query has ended.
func (r *reader) leave() {
	if r.unwatch != nil {
		r.unwatch()
	}
	f := r.feed
	f.mu.Lock()
	reason := r.err
	if reason == nil {
		reason = &Error{Code: ClientGone}
	}
	unused := f.remove(r, reason)
	last := len(f.readers) == 0
	f.mu.Unlock()
	f.memory.release(unused)
	if last && f.done != nil {
		<-f.done
	}
}

// evict disconnects the client, to make room for others. It reports false where that is not
// possible, under FastCGI. The caller holds the lock of the budget.
func (r *reader) evict() bool {
	if r.resp.abortWrites() != nil {
		return false
	}
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.memory.free(int64(r.drop()))
	return true
}

// drop disconnects the client, for which no chunk is kept any more, and returns how many
// bytes are not reserved for anything any more. The caller holds the lock of the feed.
func (r *reader) drop() (unused int) {
	if r.left {
		return 0
	}
	r.stop(&Error{Code: SlowClient})
	if i := r.sent - r.feed.passed; i < len(r.feed.queue) {
		r.feed.queue[i].used = true
	}
	return r.feed.remove(r, r.err)
}
