package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"dbsep/sqlgen"
)

// long are the places of answers that are more than a piece. There are fewer of
// them than connections to the database, so that those who ask for a row or two
// never wait behind those who ask for many.
type long struct {
	places chan struct{}
	wait   time.Duration // for a place

	mu    sync.Mutex
	texts map[string]bool // statements whose last answer was long
}

// longTexts bounds how many statements are remembered.
const longTexts = 256

// errNoPlace ends a query whose answer turns out to be long when all places are
// taken. Nothing of it has been sent.
var errNoPlace = errors.New("no place for a long answer")

// enter takes a place if one is free.
func (l *long) enter() bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
		return false
	}
}

// await waits for a place, without keeping a connection to the database.
func (l *long) await(ctx context.Context) error {
	patience := time.NewTimer(l.wait)
	defer patience.Stop()
	select {
	case l.places <- struct{}{}:
		return nil
	case <-patience.C:
		return &Error{Code: Busy, Hint: "too many long responses at a time: use a narrower condition, or raise [database] max_connections, of which half are for them"}
	case <-ctx.Done():
		return &sqlgen.Fault{Cause: sqlgen.Canceled, Err: context.Cause(ctx)}
	}
}

func (l *long) leave() { <-l.places }

// expects tells whether a statement's answer will probably be long, because its
// last one was. Its place is then waited for before the database is asked.
func (l *long) expects(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.texts[text]
}

// learn remembers whether a statement's answer was long.
func (l *long) learn(text string, was bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !was:
		delete(l.texts, text)
	case l.texts == nil || len(l.texts) >= longTexts:
		l.texts = map[string]bool{text: true}
	default:
		l.texts[text] = true
	}
}
