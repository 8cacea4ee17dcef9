package testenv

import (
	"bytes"
	"sync"
)

// A Log keeps the end of what a program writes.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// logBytes is how much of it is kept at least.
const logBytes = 256 << 10

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > 2*logBytes {
		l.text.Next(l.text.Len() - logBytes)
	}
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
