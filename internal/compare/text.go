package compare

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// WriteText writes the difference for a person. It names columns and sizes, never a
// value.
func (d Difference) WriteText(w io.Writer) {
	switch {
	case d.Err != nil:
		fmt.Fprintf(w, "FAILED     %s\n    %v\n", d.Request, d.Err)
	case d.Verdict.Explained():
		fmt.Fprintf(w, "explained  %s\n", d.Request)
		for _, reason := range d.Verdict.Reasons {
			fmt.Fprintf(w, "    %s\n", reason)
		}
	default:
		fmt.Fprintf(w, "DIFFERENT  %s\n", d.Request)
		for _, detail := range d.Verdict.Details {
			fmt.Fprintf(w, "    %s\n", detail)
		}
	}
}

// WriteText writes the summary for a person. dropped is how many requests were not
// compared because too many waited.
func (s *Summary) WriteText(w io.Writer, dropped int) {
	fmt.Fprintf(w, "\n%d the same, %d explained, %d different, %d failed\n", s.Same, s.Explained, s.Different, s.Failed)
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(w, "    %5d  %s\n", s.Reasons[reason], reason)
	}
	for _, left := range []struct {
		count int
		why   string
	}{
		{s.Writes, "left out: they write"},
		{s.Incomplete, "left out: an access log has no bodies; record requests, or use --record"},
		{s.Unreadable, "left out: not a valid request"},
		{dropped, "left out: too many waited to be compared"},
	} {
		if left.count > 0 {
			fmt.Fprintf(w, "    %5d  %s\n", left.count, left.why)
		}
	}
}
