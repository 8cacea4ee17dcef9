package compare

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// A side is what one of the two gateways sent in all.
type side struct {
	responses int
	realtime  int      // of them, those that only a realtime gateway sends
	other     Response // the first that no realtime gateway sends
	failure   error    // the first request without a response

	first    string // the body of the first read
	constant bool   // all reads had the same body
	reads    int
	targets  map[string]bool // the tables and operations of the reads
}

// add adds a response to a request, or the reason why there is none.
func (s *side) add(r Request, response Response, err error) {
	if err != nil {
		s.failure = cmp.Or(s.failure, err)
		return
	}
	s.responses++
	realtime, empty := isRealtime(r, response)
	switch {
	case realtime:
		s.realtime++
	case !empty && s.other.Status == 0:
		s.other = response
	}
	if r.Operation() == "require" {
		return
	}
	if s.reads == 0 {
		s.first, s.constant, s.targets = response.Body, true, map[string]bool{}
	}
	s.reads++
	s.constant = s.constant && response.Body == s.first
	s.targets[r.target()] = true
}

// isRealtime reports whether only a realtime gateway would send a response. An empty one
// is no row, and shows nothing. The script's own error text shows that a script is there.
func isRealtime(r Request, response Response) (realtime, empty bool) {
	body := strings.TrimSpace(response.Body)
	switch {
	case response.Code != "":
		return true, false
	case response.Status != http.StatusOK:
		return false, false
	case r.Operation() == "require":
		return Number(body) != "", false
	case body == "":
		return false, true
	}
	return looksLikeRows(response.Body) || strings.HasPrefix(body, "Invalid query"), false
}

// fewReads is how many reads of different tables can have the same rows by chance.
const fewReads = 2

// problem says why the side is no gateway that can be compared, "" if it is one.
func (s *side) problem() string {
	switch {
	case s.responses == 0 && s.failure != nil:
		return "does not respond: " + s.failure.Error()
	case s.realtime == 0 && s.other.Status != 0:
		return fmt.Sprintf("is no realtime gateway: none of its %d responses has rows or a number; the first other one is %s", s.responses, s.other)
	case s.constant && len(s.targets) > 1 && s.reads > fewReads && strings.TrimSpace(s.first) != "":
		return fmt.Sprintf("is no realtime gateway: it sends the same %d bytes to all %d requests for rows", len(s.first), s.reads)
	}
	return ""
}

// String describes a response without its body, which may have secrets; only the title of
// a page is shown.
func (r Response) String() string {
	text := fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status))
	if kind, _, err := mime.ParseMediaType(r.ContentType); err == nil {
		text += ", " + kind
	}
	text += fmt.Sprintf(", %d bytes", len(r.Body))
	lower := strings.ToLower(r.Body)
	if begin := strings.Index(lower, "<title>"); begin >= 0 && len(lower) == len(r.Body) {
		title, _, _ := strings.Cut(r.Body[begin+len("<title>"):], "<")
		text += fmt.Sprintf(", a page with the title %q", shorten(visible(strings.TrimSpace(title))))
	}
	return text
}
