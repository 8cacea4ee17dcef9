package main

import (
	"io"
	"sync"
	"time"
)

// A gathered writer keeps lines for a moment, so that many of them leave in one
// write: with a write of its own for each request an access log would cost more
// than all else that is done to watch a server.
type gathered struct {
	w    io.Writer
	wait time.Duration // how long a line may be kept; zero: not at all

	mu    sync.Mutex
	lines []byte
	timer *time.Timer // runs while there are lines
}

// gatheredBytes is how much is kept at most.
const gatheredBytes = 32 << 10

// gatherFor is how long a server keeps the lines of its access log.
const gatherFor = 100 * time.Millisecond

func (g *gathered) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, line...)
	switch {
	case g.wait == 0 || len(g.lines) >= gatheredBytes:
		return len(line), g.flush()
	case g.timer == nil:
		g.timer = time.AfterFunc(g.wait, g.Flush)
	case len(g.lines) == len(line):
		g.timer.Reset(g.wait)
	}
	return len(line), nil
}

// Flush writes what is kept.
func (g *gathered) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.flush() // a log that cannot be written has nobody to tell
}

// flush wants the lock held.
func (g *gathered) flush() error {
	if len(g.lines) == 0 {
		return nil
	}
	_, err := g.w.Write(g.lines)
	g.lines = g.lines[:0]
	return err
}

// A prompt writer lets no line wait, nor those that are kept in front of it.
type prompt struct{ *gathered }

func (p prompt) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, line...)
	return len(line), p.flush()
}
