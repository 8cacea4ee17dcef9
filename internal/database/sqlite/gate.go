package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"time"

	"golang.org/x/sync/semaphore"

	"dbsep/sqlgen"
)

// A gate gives the statements of this process their turn at a file with a rollback
// journal, where a write excludes reads: one after the other, as they came. SQLite
// itself tries a lock again and again, so that a statement which looks for the right
// moment at the wrong times may never get it. Locks of other processes are left to
// SQLite.
type gate struct {
	turns *semaphore.Weighted
	limit time.Duration // of a wait
}

const (
	readTurn  = 1
	writeTurn = math.MaxInt64 // all there are
)

func newGate(limit time.Duration) *gate { return &gate{semaphore.NewWeighted(writeTurn), limit} }

// enter waits for a turn, which leave ends.
func (g *gate) enter(ctx context.Context, turn int64) error {
	if g == nil || g.turns.TryAcquire(turn) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, g.limit)
	defer cancel()
	err := g.turns.Acquire(waiting, turn)
	if err != nil && ctx.Err() == nil {
		return &sqlgen.Fault{Cause: sqlgen.Busy, Hint: busyHint, Err: errors.New("other statements of dbsep have the file")}
	}
	return err
}

func (g *gate) leave(turn int64) {
	if g != nil {
		g.turns.Release(turn)
	}
}

// excludes reports whether a write into the connection's file excludes reads: not
// with a write-ahead log.
func excludes(ctx context.Context, conn driver.QueryerContext) bool {
	rows, err := conn.QueryContext(ctx, "PRAGMA journal_mode", nil)
	if err != nil {
		return true // the file is locked, which such a log would not do
	}
	defer rows.Close()
	mode := make([]driver.Value, 1)
	if err := rows.Next(mode); err != nil {
		return true
	}
	switch m := mode[0].(type) {
	case string:
		return m != "wal"
	case []byte:
		return string(m) != "wal"
	}
	return true
}
