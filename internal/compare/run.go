package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Difference is a kind of request to which two gateways responded differently in the
// same way, or one of them not at all.
type Difference struct {
	Request Request // the first of its kind
	Verdict Verdict
	Err     error // why one of the two did not respond
	Count   int   // of requests
}

// A Summary counts what a comparison saw.
type Summary struct {
	Same, Explained, Different int
	Failed                     int            // one of the two did not respond
	Writes                     int            // left out, since they must not be repeated
	Incomplete                 int            // left out, since an access log has no bodies
	Unreadable                 int            // lines that are not valid requests
	Dropped                    int            // left out, since too many waited to be compared
	Reasons                    map[string]int // how often each reason explained a difference

	Differences []Difference // one of each kind, in the order of their first requests

	old, new side
	kinds    map[string]int // what makes a kind → its place in Differences
}

// Clean reports whether nothing speaks against the migration.
func (s *Summary) Clean() bool { return s.Different == 0 && s.Failed == 0 }

// Problem says which of the two is no realtime gateway, so that the comparison means
// nothing, "" if both are.
func (s *Summary) Problem() string {
	for _, side := range []struct{ name, problem string }{{"the old one", s.old.problem()}, {"the new one", s.new.problem()}} {
		if side.problem != "" {
			return side.name + " " + side.problem
		}
	}
	return ""
}

// add adds the two responses to a request, or the reasons why there are none. It returns
// the first difference of its kind.
func (s *Summary) add(r Request, was, is Response, wasErr, isErr error) *Difference {
	s.old.add(r, was, wasErr)
	s.new.add(r, is, isErr)
	d := Difference{Request: r, Err: errors.Join(wasErr, isErr), Count: 1}
	if d.Err == nil {
		d.Verdict = Compare(r, was, is)
	}
	switch {
	case d.Err != nil:
		s.Failed++
	case d.Verdict.Same:
		s.Same++
		return nil
	case d.Verdict.Explained():
		s.Explained++
	default:
		s.Different++
	}
	if s.kinds == nil {
		s.kinds, s.Reasons = map[string]int{}, map[string]int{}
	}
	for _, reason := range d.Verdict.Reasons {
		s.Reasons[reason]++
	}
	if i, known := s.kinds[d.kind()]; known {
		s.Differences[i].Count++
		return nil
	}
	s.kinds[d.kind()] = len(s.Differences)
	s.Differences = append(s.Differences, d)
	return &d
}

// kind is equal for differences of one kind: the same fields of the same table and
// operation, and the same reasons or the same columns. Numbers do not count.
func (d Difference) kind() string {
	if d.Err != nil {
		return "failed"
	}
	parts := append([]string{d.Request.String()}, d.Verdict.Reasons...)
	for _, detail := range d.Verdict.Details {
		parts = append(parts, numbers.ReplaceAllString(detail, "0"))
	}
	slices.Sort(parts[1:])
	return strings.Join(slices.Compact(parts), "\n")
}

var numbers = regexp.MustCompile("[0-9]+")

// maxLineBytes limits a line of a file of requests.
const maxLineBytes = 16 << 20

// Run sends each request of a file to both gateways and compares the responses. After
// each line it calls progress with the bytes read.
func Run(ctx context.Context, old, new Gateway, file io.Reader, progress func(bytes int)) (*Summary, error) {
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
		was, is, wasErr, isErr := sendToBoth(ctx, old, new, r)
		if err := ctx.Err(); err != nil {
			return &sum, err
		}
		sum.add(r, was, is, wasErr, isErr)
	}
	if err := lines.Err(); err != nil {
		return &sum, fmt.Errorf("read the requests: %w", err)
	}
	return &sum, nil
}

// sendToBoth sends a request to both gateways at the same time.
func sendToBoth(ctx context.Context, old, new Gateway, r Request) (was, is Response, wasErr, isErr error) {
	var both sync.WaitGroup
	both.Go(func() { was, wasErr = old.Send(ctx, r) })
	both.Go(func() { is, isErr = new.Send(ctx, r) })
	both.Wait()
	return was, is, wasErr, isErr
}
