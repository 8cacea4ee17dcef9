package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A Difference is a request that two gateways answered otherwise, or that one
// did not answer.
type Difference struct {
	Request Request
	Verdict Verdict
	Err     error
}

// A Summary counts what a comparison saw.
type Summary struct {
	Same, Explained, Different int
	Failed                     int            // one of the two did not answer
	Writes                     int            // left out, since they must not be repeated
	Incomplete                 int            // left out, since an access log has no bodies
	Unreadable                 int            // lines that are no request
	Reasons                    map[string]int // how often each reason explained a difference
}

// Clean tells whether nothing stands against the switch.
func (s *Summary) Clean() bool { return s.Different == 0 && s.Failed == 0 }

// count takes a difference into the summary.
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

// lineBytes bounds a line of a file of requests.
const lineBytes = 16 << 20

// Run asks both gateways each request of a file and tells of each that they
// answered otherwise. After each line it calls progress with the bytes read.
func Run(ctx context.Context, old, new Gateway, file io.Reader, tell func(Difference), progress func(bytes int)) (*Summary, error) {
	var sum Summary
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, lineBytes)
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
		d := askBoth(ctx, old, new, r)
		if err := ctx.Err(); err != nil {
			return &sum, err
		}
		sum.count(d)
		if !d.Verdict.Same {
			tell(d)
		}
	}
	if err := lines.Err(); err != nil {
		return &sum, fmt.Errorf("read the requests: %w", err)
	}
	return &sum, nil
}

// askBoth asks both gateways the same, at the same time.
func askBoth(ctx context.Context, old, new Gateway, r Request) Difference {
	var was, is Answer
	var wasErr, isErr error
	var both sync.WaitGroup
	both.Go(func() { was, wasErr = old.Ask(ctx, r) })
	both.Go(func() { is, isErr = new.Ask(ctx, r) })
	both.Wait()
	if err := errors.Join(wasErr, isErr); err != nil {
		return Difference{Request: r, Err: err}
	}
	return Difference{Request: r, Verdict: Compare(r, was, is)}
}
