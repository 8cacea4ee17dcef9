package config

import (
	"strconv"
	"strings"
)

// A Problem is one thing to mend in a dbsep.conf: a mistake or a warning.
//
// It may go to any log. So it never holds the value of one of the Perl
// script's keys, nor a name that does not look like one: a password may have
// slipped into it.
type Problem struct {
	File   string
	Line   int    // 0 when no line is to blame
	Key    string // lower case; empty when no key is to blame
	Text   string // what is wrong
	Remedy string // what to do about it
}

// Error is one line, "FILE:LINE: key: text; remedy".
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
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Problems are all mistakes of one file, in the order of its lines.
type Problems []Problem

// Error has one line for each problem.
func (p Problems) Error() string {
	text := make([]string, len(p))
	for i := range p {
		text[i] = p[i].Error()
	}
	return strings.Join(text, "\n")
}

// Unwrap gives errors.As each Problem.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i := range p {
		errs[i] = p[i]
	}
	return errs
}
