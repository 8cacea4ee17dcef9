package database

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// An Interrupter is a connection whose statement can be ended at any time, and the
// connection with it. Its driver is given a context that does not end.
type Interrupter interface {
	// Interrupt makes the driver return. It is called again until the driver has.
	Interrupt()

	// End is called once the driver has returned after an Interrupt. It ends the
	// statement in the server, where it may go on, and returns when it has ended, or
	// with an error when the server has not said so for a while.
	End(ctx context.Context) error
}

// A Watch interrupts what runs when its context ends, again and again: some databases do
// not notice what comes before a statement begins. It is used for one statement after
// another.
type Watch struct {
	repeat    func()
	stop      func() bool
	end       chan struct{} // tells the interrupts to end
	ended     chan struct{}
	interrupt func()
}

// NewWatch returns a watch that calls interrupt.
func NewWatch(interrupt func()) *Watch {
	w := &Watch{interrupt: interrupt, end: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
	w.repeat = w.interruptUntilEnd // made once, and not for each statement
	return w
}

// Start begins to watch a context.
func (w *Watch) Start(ctx context.Context) { w.stop = context.AfterFunc(ctx, w.repeat) }

// Stop ends the watch, and reports whether there may have been interrupts. There are none
// after it.
func (w *Watch) Stop() (interrupted bool) {
	if w.stop() {
		return false
	}
	w.end <- struct{}{}
	<-w.ended
	return true
}

// The pauses between two interrupts of one statement.
const (
	firstInterruptPause = time.Millisecond
	lastInterruptPause  = 20 * time.Millisecond
)

func (w *Watch) interruptUntilEnd() {
	defer func() { w.ended <- struct{}{} }()
	for pause := firstInterruptPause; ; pause = min(2*pause, lastInterruptPause) {
		w.interrupt()
		select {
		case <-w.end:
			return
		case <-time.After(pause):
		}
	}
}

// endings are the statements of a pool that were interrupted and have not ended yet in
// the server.
type endings struct {
	now     atomic.Int64
	context context.Context // ends with the pool
	cancel  func()

	log    atomic.Pointer[slog.Logger] // nil: nothing is logged
	failed atomic.Bool                 // the last one could not be ended
}

// end ends a statement in the server. That it cannot is in the log once until it can
// again.
func (e *endings) end(i Interrupter) {
	err := i.End(e.context)
	log := e.log.Load()
	if log == nil || e.context.Err() != nil {
		return
	}
	level := slog.LevelDebug
	if !e.failed.Swap(err != nil) {
		level = slog.LevelWarn
	}
	if err != nil {
		log.LogAttrs(e.context, level, "a statement whose time was up or whose client left could not be ended, and may still run in the database",
			slog.String("reason", err.Error()), slog.String("hint", "end it in the database if it is still there; docs/resilience.md, section \"Statements end\", says when this happens"))
	}
}

// SetLog sets where it is logged that statements could not be ended. Until then it is not
// logged.
func (db *DB) SetLog(log *slog.Logger) {
	db.reads.endings.log.Store(log)
	db.writes.endings.log.Store(log)
}
