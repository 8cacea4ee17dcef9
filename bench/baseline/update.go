package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// phones is how many endpoints there are.
const phones = 50_000

// update runs updates of one endpoint each from so many goroutines for a while
// and writes how many there were and how many seconds they took: what the
// driver and the database can do where no HTTP is in the way.
func (f *baseline) update(ctx context.Context, out io.Writer, goroutines int, length time.Duration) error {
	s, err := f.prepare(ctx, f.writes, f.updating("ps_endpoints", []string{"accountcode", "callerid"}, []string{"id"}))
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	var done atomic.Int64
	failed := make(chan error, goroutines)
	begun := time.Now()
	for range goroutines {
		all.Go(func() {
			for time.Since(begun) < length {
				n := rand.IntN(phones)
				if _, err := s.ExecContext(ctx, fmt.Sprintf("bare%d", rand.Uint64()), fmt.Sprintf(`"Phone %d" <%05d>`, n, n), fmt.Sprintf("phone%05d", n)); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d %f\n", done.Load(), time.Since(begun).Seconds())
	return err
}
