package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A Difference is a request to which two gateways responded differently, or one
// of them not at all.
type Difference struct {
	Request Request
	Verdict Verdict
	Err     error
}

// A Summary counts what a comparison saw.
type Summary struct {
	Same, Explained, Different int
	Failed                     int            // one of the two did not respond
	Writes                     int            // left out, since they must not be repeated
	Incomplete                 int            // left out, since an access log has no bodies
	Unreadable                 int            // lines that are not valid requests
	Reasons                    map[string]int // how often each reason explained a difference
}

// Clean reports whether nothing speaks against the migration.
func (s *Summary) Clean() bool { return s.Different == 0 && s.Failed == 0 }

// count adds a difference to the summary.
func (s *Summary) count(d Difference) {
	switch {
	case d.Err != nil:
		s.Failed++
	case d.Verdict.Same:
		s.Same++
	case d.Verdict.Explained():
		s.Explained++
	default:
		s.Different++
	}
	for _, reason := range d.Verdict.Reasons {
		if s.Reasons == nil {
			s.Reasons = map[string]int{}
		}
		s.Reasons[reason]++
	}
}

// maxLineBytes limits a line of a file of requests.
const maxLineBytes = 16 << 20

// Run sends each request of a file to both gateways and reports those to which
// they respond differently. After each line it calls progress with the bytes read.
func Run(ctx context.Context, old, new Gateway, file io.Reader, report func(Difference), progress func(bytes int)) (*Summary, error) {
	var sum Summary
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLineBytes)
	for lines.Scan() {
		progress(len(lines.Bytes()) + 1)
		if len(lines.Bytes()) == 0 {
			continue
		}
		r, err := ParseRequest(lines.Text())
		switch {
		case err != nil:
			sum.Unreadable++
			continue
		case !r.Reads():
			sum.Writes++
			continue
		case !r.Complete():
			sum.Incomplete++
			continue
		}
		d := sendToBoth(ctx, old, new, r)
		if err := ctx.Err(); err != nil {
			return &sum, err
		}
		sum.count(d)
		if !d.Verdict.Same {
			report(d)
		}
	}
	if err := lines.Err(); err != nil {
		return &sum, fmt.Errorf("read the requests: %w", err)
	}
	return &sum, nil
}

// sendToBoth sends a request to both gateways at the same time.
func sendToBoth(ctx context.Context, old, new Gateway, r Request) Difference {
	var was, is Response
	var wasErr, isErr error
	var both sync.WaitGroup
	both.Go(func() { was, wasErr = old.Send(ctx, r) })
	both.Go(func() { is, isErr = new.Send(ctx, r) })
	both.Wait()
	if err := errors.Join(wasErr, isErr); err != nil {
		return Difference{Request: r, Err: err}
	}
	return Difference{Request: r, Verdict: Compare(r, was, is)}
}
