package config

import (
	"strconv"
	"strings"
)

// A Problem is a mistake or a warning about a dbsep.conf.
//
// It can be logged anywhere, so it never has the value of a key of the Perl script,
// nor a name that does not look like one: it could be part of a password.
type Problem struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // 0 if the problem is not in one line
	Key  string `json:"key,omitempty"`  // lower case; empty if the problem is not with one key
	Text string `json:"text"`           // what is wrong
	Hint string `json:"hint,omitempty"` // what to do about it
}

// Error is one line, "FILE:LINE: key: text; hint".
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems are all mistakes or warnings of one file, in the order of its lines.
type Problems []Problem

// Error has one line for each problem.
func (p Problems) Error() string {
	text := make([]string, len(p))
	for i := range p {
		text[i] = p[i].Error()
	}
	return strings.Join(text, "\n")
}

// Unwrap returns each Problem, for errors.As.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i := range p {
		errs[i] = p[i]
	}
	return errs
}
