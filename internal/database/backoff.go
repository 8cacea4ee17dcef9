package database

import (
	"context"
	"time"
)

const (
	shortestPause = time.Millisecond
	longestPause  = 25 * time.Millisecond

	// maxHasty bounds the tries that come without a pause.
	maxHasty = 3
)

// patience is the time left for a statement that is worth trying again. The
// pauses between grow, so that a short lock costs little and a long one keeps
// no processor busy.
type patience struct {
	until time.Time
	pause time.Duration
	hasty int
}

func newPatience(began time.Time, bound time.Duration) *patience {
	return &patience{until: began.Add(bound), pause: shortestPause}
}

// left waits for the next try and reports whether there is one.
func (p *patience) left(ctx context.Context, wait bool) bool {
	if !wait {
		p.hasty++
		return p.hasty <= maxHasty
	}
	pause := min(p.pause, time.Until(p.until))
	if pause <= 0 {
		return false
	}
	p.pause = min(2*p.pause, longestPause)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
