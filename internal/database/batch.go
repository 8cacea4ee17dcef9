package database

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dbsep/sqlgen"
)

// Reads of one row that wait for each other share a statement: a server returns many rows
// by their keys in little more time than one. Only so many statements of the same text run
// at a time. A read that finds fewer starts at once, by itself. Those that come meanwhile
// wait, and the next statement reads for all of them.

const (
	// maxBatch limits the reads of a batch.
	maxBatch = 64

	// maxBatchBytes limits the rows of a batch, which are in memory until the clients have
	// taken them.
	maxBatchBytes = 1 << 20

	// batchShare is the part of the connections that statements of the same text use for
	// batches.
	batchShare = 8
)

// batchSizes are how many values the statement of a batch may have. A smaller batch repeats
// one. Each size is a statement of its own, and a connection can keep only so many.
var batchSizes = []int{4, 16, maxBatch}

// batches are the reads of one row that run, and that wait.
type batches struct {
	lanes int // statements of the same text at a time

	mu    sync.Mutex
	reads map[string]*pointReads // by the text of their statement

	sent, joined, again atomic.Int64
}

// pointReads are the reads of one row that have the same text.
type pointReads struct {
	running int
	waiting []*pointRead
}

// A pointRead is a read of one row that waits for others of the same text.
type pointRead struct {
	sqlgen.Statement
	value string
	batch *batch // nil: it is not sent yet

	// The outcome, once done is closed.
	done  chan struct{}
	row   *row // nil: there is none
	again bool // its row is not known: it is read alone
	err   error
}

// A batch is a statement that reads for several.
type batch struct {
	reads  []*pointRead
	cancel context.CancelCauseFunc
	left   int // reads that do not wait any more

	column   *sqlgen.Column
	position int             // of the column in a row
	found    map[string]bool // keys of the rows; the key of a text that has none is empty
	rows     int
	bytes    int
}

func newBatches(connections int) *batches {
	return &batches{lanes: max(connections/batchShare, 1), reads: map[string]*pointReads{}}
}

// BatchStats is how many batches were sent so far, how many reads they were for, and how many
// of these were read again alone; and how many statements for reads of one row run now, and
// how many such reads wait for them.
type BatchStats struct{ Sent, Reads, Again, Running, Waiting int64 }

// Batches returns how often reads of one row shared a statement.
func (db *DB) Batches() BatchStats {
	b := db.batches
	if b == nil {
		return BatchStats{}
	}
	stats := BatchStats{Sent: b.sent.Load(), Reads: b.joined.Load(), Again: b.again.Load()}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, all := range b.reads {
		stats.Running += int64(all.running)
		stats.Waiting += int64(len(all.waiting))
	}
	return stats
}

// queryPoint runs a statement that reads one row by the value of a unique column.
func (db *DB) queryPoint(ctx context.Context, s sqlgen.Statement, value string, row func(columns [][]byte) error) error {
	b := db.batches
	r, err := b.join(s, value, db.reads.breaker.refusal)
	if err != nil {
		return err
	}
	if r == nil {
		return db.queryAlone(ctx, s, row)
	}
	if err := db.awaitBatch(ctx, r); err != nil {
		return err
	}
	switch {
	case r.again:
		b.again.Add(1)
		return db.query(ctx, db.reads, s, row)
	case r.row == nil:
		return r.err
	}
	defer r.row.release()
	return row(r.row.columns)
}

// queryAlone runs a statement by itself, and lets the next one follow as soon as it has its row:
// what is done with that may take as long as a client does.
func (db *DB) queryAlone(ctx context.Context, s sqlgen.Statement, row func(columns [][]byte) error) error {
	followed := false
	follow := func() {
		if !followed {
			followed = true
			db.nextBatch(s.SQL)
		}
	}
	defer follow()
	return db.query(ctx, db.reads, s, func(columns [][]byte) error {
		follow()
		return row(columns)
	})
}

// awaitBatch waits until another statement has read for a read, or until its context ends,
// or until it has waited for as long as for a connection.
func (db *DB) awaitBatch(ctx context.Context, r *pointRead) error {
	wait := time.NewTimer(db.reads.wait)
	defer wait.Stop()
	for {
		select {
		case <-r.done:
			return nil
		case <-wait.C:
			if db.batches.giveUp(r) {
				db.reads.waited.Add(1)
				db.reads.failed.Add(1)
				return errAllInUse
			}
		case <-ctx.Done():
			db.batches.leave(r, context.Cause(ctx))
			return db.fault(ctx, ctx.Err())
		}
	}
}

// join returns nil where a read may start at once. Else it waits, unless refusal, which is
// asked before, returns an error.
func (b *batches) join(s sqlgen.Statement, value string, refusal func() error) (*pointRead, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.reads[s.SQL]
	if all == nil {
		all = new(pointReads)
		b.reads[s.SQL] = all
	}
	if all.running < b.lanes {
		all.running++
		return nil, nil
	}
	if err := refusal(); err != nil {
		return nil, err // those that run wait without success
	}
	r := &pointRead{Statement: s, value: value, done: make(chan struct{})}
	all.waiting = append(all.waiting, r)
	return r, nil
}

// giveUp removes a read that waits. It reports false if it is sent already.
func (b *batches) giveUp(r *pointRead) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.remove(r)
}

func (b *batches) remove(r *pointRead) bool {
	if r.batch != nil {
		return false
	}
	all := b.reads[r.SQL]
	i := slices.Index(all.waiting, r)
	all.waiting = slices.Delete(all.waiting, i, i+1)
	return true
}

// leave removes a read whose client has left or has no more time. A batch for which nobody
// waits ends.
func (b *batches) leave(r *pointRead, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.remove(r) {
		return
	}
	if r.batch.left++; r.batch.left == len(r.batch.reads) {
		r.batch.cancel(why)
	}
}

// take returns a batch of the reads that have waited longest, with a context that ends when
// all have left, and nil where none waits.
func (b *batches) take(text string) (context.Context, *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.reads[text]
	n := min(len(all.waiting), maxBatch)
	if n == 0 {
		if all.running--; all.running == 0 {
			delete(b.reads, text)
		}
		return nil, nil
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	next := &batch{reads: slices.Clone(all.waiting[:n]), cancel: cancel}
	all.waiting = slices.Delete(all.waiting, 0, n)
	for _, r := range next.reads {
		r.batch = next
	}
	return ctx, next
}

// nextBatch runs a batch of those that wait for a statement that has ended.
func (db *DB) nextBatch(text string) {
	ctx, next := db.batches.take(text)
	if next == nil {
		return
	}
	go func() {
		defer db.nextBatch(text)
		defer next.cancel(nil)
		db.runBatch(ctx, next)
	}()
}

// errBatchTooLarge ends a batch whose rows take too much memory.
var errBatchTooLarge = errors.New("the rows of a batch are too large")

// runBatch reads for all reads of a batch.
func (db *DB) runBatch(ctx context.Context, b *batch) {
	err := error(&sqlgen.Fault{Cause: sqlgen.Unexpected})
	defer func() {
		_ = recover() // a panic belongs to the request that causes it: each runs alone
		b.end(err)
	}()
	db.batches.sent.Add(1)
	db.batches.joined.Add(int64(len(b.reads)))
	err = db.query(ctx, db.reads, b.statement(db.Dialect()), b.add)
}

// statement returns the statement of a batch.
func (b *batch) statement(d *sqlgen.Dialect) sqlgen.Statement {
	first := b.reads[0]
	size := 0
	for _, size = range batchSizes {
		if size >= len(b.reads) {
			break
		}
	}
	values := make([]string, size)
	for i := range values {
		values[i] = b.reads[min(i, len(b.reads)-1)].value
	}
	var s sqlgen.Statement
	s, b.column, b.position = first.Points(d, values)
	b.found = make(map[string]bool, len(b.reads))
	return s
}

// add passes a row to the reads whose value it has.
func (b *batch) add(columns [][]byte) error {
	value := columns[b.position]
	if b.rows++; b.rows > 2*maxBatch {
		return b.tooLarge() // the column is not unique any more
	}
	key, _ := b.column.Key(string(value))
	b.found[key] = true
	for _, r := range b.reads {
		if r.row != nil || r.value != string(value) {
			continue
		}
		r.row = copyRow(columns)
		if b.bytes += r.row.bytes; b.bytes > maxBatchBytes {
			return b.tooLarge()
		}
	}
	return nil
}

// tooLarge ends the batch: the driver would read the remaining rows.
func (b *batch) tooLarge() error {
	b.cancel(errBatchTooLarge)
	return errBatchTooLarge
}

// end tells each read its outcome. A read has no row only if no row that was returned could
// be its own by the rules of the database.
func (b *batch) end(err error) {
	for _, r := range b.reads {
		switch {
		case r.row != nil:
		case isOfAll(err):
			r.err = err
		case err != nil:
			r.again = true
		default:
			key, _ := b.column.Key(r.value)
			r.again = b.found[""] || b.found[key]
		}
		close(r.done)
	}
}

// isOfAll reports whether a batch failed for a reason that each of its reads would meet
// alone.
func isOfAll(err error) bool {
	var fault *sqlgen.Fault
	if !errors.As(err, &fault) {
		return false
	}
	switch fault.Cause {
	case sqlgen.UnknownTable, sqlgen.UnknownColumn, sqlgen.Denied:
		return true
	}
	return isNoAnswer(err)
}
