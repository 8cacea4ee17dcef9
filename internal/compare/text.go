package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// status is a word for a difference.
func (d Difference) status() string {
	switch {
	case d.Err != nil:
		return "FAILED"
	case d.Verdict.Explained():
		return "explained"
	}
	return "DIFFERENT"
}

// about is what explains a difference, or what it consists of. It names columns and
// sizes, never a value.
func (d Difference) about() []string {
	if d.Err != nil {
		return []string{d.Err.Error()}
	}
	details := d.Verdict.Details
	if more := len(details) - maxDetails; more > 0 {
		details = append(details[:maxDetails:maxDetails], fmt.Sprintf("and %d more", more))
	}
	return slices.Concat(d.Verdict.Reasons, details)
}

// maxDetails is how many rows and columns the example of a difference names.
const maxDetails = 10

// WriteText writes the difference for a person.
func (d Difference) WriteText(w io.Writer) {
	fmt.Fprintf(w, "%-9s  %s\n", d.status(), d.Request)
	for _, line := range d.about() {
		fmt.Fprintf(w, "    %s\n", line)
	}
	if d.Count > 1 {
		fmt.Fprintf(w, "    %d requests of this kind\n", d.Count)
	}
}

// WriteText writes each kind of difference once, and the summary, for a person.
func (s *Summary) WriteText(w io.Writer) {
	for _, d := range s.Differences {
		d.WriteText(w)
	}
	fmt.Fprintf(w, "\n%d the same, %d explained, %d different, %d failed\n", s.Same, s.Explained, s.Different, s.Failed)
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(w, "    %5d  %s\n", s.Reasons[reason], reason)
	}
	for _, left := range s.leftOut() {
		fmt.Fprintf(w, "    %5d  left out: %s\n", left.count, left.why)
	}
}

type leftOut struct {
	count int
	why   string
}

// leftOut are the requests that were not compared.
func (s *Summary) leftOut() []leftOut {
	return slices.DeleteFunc([]leftOut{
		{s.Writes, "they write"},
		{s.Incomplete, "an access log has no bodies; record requests, or use --record"},
		{s.Unreadable, "not a valid request"},
		{s.Dropped, "too many waited to be compared"},
	}, func(l leftOut) bool { return l.count == 0 })
}

// WriteJSON writes what WriteText writes as one object.
func (s *Summary) WriteJSON(w io.Writer) error {
	type difference struct {
		Status  string   `json:"status"` // explained, DIFFERENT or FAILED
		Request string   `json:"request"`
		About   []string `json:"about"`
		Count   int      `json:"count"`
	}
	report := struct {
		Problem     string         `json:"problem,omitempty"` // which of the two is no realtime gateway
		Same        int            `json:"same"`
		Explained   int            `json:"explained"`
		Different   int            `json:"different"`
		Failed      int            `json:"failed"`
		Reasons     map[string]int `json:"reasons,omitempty"`
		LeftOut     map[string]int `json:"left_out,omitempty"`
		Differences []difference   `json:"differences"`
	}{s.Problem(), s.Same, s.Explained, s.Different, s.Failed, s.Reasons, map[string]int{}, []difference{}}
	for _, l := range s.leftOut() {
		report.LeftOut[l.why] = l.count
	}
	for _, d := range s.Differences {
		report.Differences = append(report.Differences, difference{d.status(), d.Request.String(), d.about(), d.Count})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
