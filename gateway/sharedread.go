package gateway

import (
	"context"
	"reflect"
	"slices"
	"time"

	"dbsep/sqlgen"
)

// A sharedRead is a query that waits for a slot, or runs, for all requests that wanted the
// same before it began. Those that come later share the next one: each must see every write
// that was acknowledged before it came.
type sharedRead struct {
	encoder
	statement sqlgen.Statement
}

// wants reports whether a response consists of what the query reads.
func (read *sharedRead) wants(s sqlgen.Statement, resp *response) bool {
	return read.statement.SQL == s.SQL && reflect.DeepEqual(read.statement.Args, s.Args) && read.format.equal(&resp.format)
}

func (read *sharedRead) sendChunk() error { return read.passChunk() }

// readShared lets a query feed a response that may be long, and those of others that wait for
// the same. It returns when there is something to send.
func (g *Gateway) readShared(ctx context.Context, s sqlgen.Statement, resp *response) error {
	read, r := g.joinRead(ctx, s, resp)
	r.unwatch = context.AfterFunc(ctx, func() { r.fail(&sqlgen.Fault{Cause: sqlgen.Canceled, Err: context.Cause(ctx)}) })
	timeout := time.AfterFunc(g.LongReadWait, r.tooLate)
	defer timeout.Stop()
	if err := r.await(); err != nil {
		r.leave()
		return err
	}
	resp.reader, resp.isStale, resp.age = r, read.isStale, read.age
	return nil
}

// joinRead adds a response to a query that waits for a slot, or starts one.
func (g *Gateway) joinRead(ctx context.Context, s sqlgen.Statement, resp *response) (*sharedRead, *reader) {
	l := &g.longReads
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, read := range l.waiting {
		if read.wants(s, resp) {
			if r := read.feed.join(resp); r != nil {
				r.joined = true
				return read, r
			}
		}
	}
	read := &sharedRead{statement: s, encoder: encoder{memory: share{budget: g.ResponseMemory}, patience: g.SlowReaderTimeout, waitLeft: g.SlowReaderTimeout, slot: l.slotFor(s.SQL)}}
	read.json = resp.json
	read.begin(resp.kind, resp.values, resp.names, resp.keys)
	read.feed = newFeed(&read.memory, g.SlowReaderTimeout)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	read.feed.cancel, read.feed.done = cancel, make(chan struct{})
	r := read.feed.join(resp)
	l.waiting = append(l.waiting, read)
	go g.runRead(ctx, read)
	return read, r
}

// runRead runs the query of a shared read when it has a slot.
func (g *Gateway) runRead(ctx context.Context, read *sharedRead) {
	defer close(read.feed.done)
	err := g.readRows(ctx, read)
	read.feed.end(read.takeChunk(), err)
}

// readRows reads the rows of a shared read. A panic is an error of each of its requests.
func (g *Gateway) readRows(ctx context.Context, read *sharedRead) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(p)
		}
	}()
	err = read.slot.await(ctx)
	defer read.slot.release()
	g.longReads.begin(read)
	if err != nil {
		return err
	}
	if err := g.queryRows(ctx, read.statement, &read.encoder, read); err != nil {
		return err
	}
	return read.end()
}

// begin says that the query of a shared read begins: nobody else may share it.
func (l *longReads) begin(read *sharedRead) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(other *sharedRead) bool { return other == read })
	read.feed.begin()
}
