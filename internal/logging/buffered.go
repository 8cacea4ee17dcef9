package logging

import (
	"io"
	"sync"
	"time"
)

// A BufferedWriter keeps lines for a moment, so that many of them leave in one
// write: with a write of its own for each request an access log would cost more
// than all else that is done to watch a server.
type BufferedWriter struct {
	To   io.Writer
	Wait time.Duration // how long a line may be kept; zero: not at all

	mu    sync.Mutex
	lines []byte
	timer *time.Timer // runs while there are lines
}

// bufferBytes is how much is kept at most.
const bufferBytes = 32 << 10

// AccessLogDelay is how long a server keeps the lines of its access log.
const AccessLogDelay = 100 * time.Millisecond

func (w *BufferedWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line...)
	switch {
	case w.Wait == 0 || len(w.lines) >= bufferBytes:
		return len(line), w.flush()
	case w.timer == nil:
		w.timer = time.AfterFunc(w.Wait, w.Flush)
	case len(w.lines) == len(line):
		w.timer.Reset(w.Wait)
	}
	return len(line), nil
}

// Flush writes what is kept.
func (w *BufferedWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.flush() // there is no other place to report it
}

// flush wants the lock held.
func (w *BufferedWriter) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	_, err := w.To.Write(w.lines)
	w.lines = w.lines[:0]
	return err
}

// A FlushingWriter writes each line at once, after those that its buffer keeps.
type FlushingWriter struct{ *BufferedWriter }

func (w FlushingWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line...)
	return len(line), w.flush()
}
