package database

import (
	"context"
	"time"
)

const (
	minRetryPause = time.Millisecond
	maxRetryPause = 25 * time.Millisecond

	// maxImmediateRetries limits the retries without a pause.
	maxImmediateRetries = 3
)

// A backoff is the time left for retries of a statement. The pauses between them
// grow, so that a short lock costs little and a long one keeps no processor busy.
type backoff struct {
	deadline  time.Time
	pause     time.Duration
	immediate int // retries without a pause so far
}

func newBackoff(began time.Time, limit time.Duration) *backoff {
	return &backoff{deadline: began.Add(limit), pause: minRetryPause}
}

// next waits for the next retry, or not where pause is false, and reports whether
// there is one.
func (b *backoff) next(ctx context.Context, pause bool) bool {
	if !pause {
		b.immediate++
		return b.immediate <= maxImmediateRetries
	}
	wait := min(b.pause, time.Until(b.deadline))
	if wait <= 0 {
		return false
	}
	b.pause = min(2*b.pause, maxRetryPause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
