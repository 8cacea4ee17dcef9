package testenv

import (
	"bytes"
	"regexp"
	"sync"
)

// A Log keeps the end of what a program writes, and the lines that only a bug in dbsep
// causes.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
	line []byte // that has no end yet
	bugs []string

	expected string
}

const (
	logBytes  = 256 << 10 // how much of the end is kept at least
	lineBytes = 64 << 10  // how much of a line is searched
	maxBugs   = 5
)

// ofABug matches a line of dbsep's log, by itself or in the error log of a web server, of a
// response with the code internal, and what Go writes when a program breaks off.
var ofABug = regexp.MustCompile(`\bcode=internal\b|"code":"internal"|\bpanic(: | serving )|\bfatal error: |WARNING: DATA RACE`)

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > 2*logBytes {
		l.text.Next(l.text.Len() - logBytes)
	}
	for rest := p; ; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		l.line = append(l.line, line[:min(len(line), max(0, lineBytes-len(l.line)))]...)
		if !ended {
			break
		}
		l.searchLine()
		rest = after
	}
	return l.text.Write(p)
}

// Expect says that lines with a text are no bug: the test causes them.
func (l *Log) Expect(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected = text
}

// searchLine ends a line.
func (l *Log) searchLine() {
	expected := l.expected != "" && bytes.Contains(l.line, []byte(l.expected))
	if len(l.bugs) < maxBugs && !expected && ofABug.Match(l.line) {
		l.bugs = append(l.bugs, string(l.line))
	}
	l.line = l.line[:0]
}

// Bugs returns the first lines that only a bug in dbsep causes.
func (l *Log) Bugs() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.searchLine()
	return l.bugs
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
