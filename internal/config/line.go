package config

import (
	"bytes"
	"strings"
)

// What a configuration file never needs, so more is a mistake: another file
// given by accident, most likely.
const (
	maxFileBytes = 1 << 20
	maxLineBytes = 16 << 10
)

const byteOrderMark = "\ufeff"

// blanks are trimmed around names and values: those of ASCII only, since any
// other byte may be part of a password in whatever character set.
const blanks = " \t\r\f\v"

// A line is one line of the file that says something: a section's header, a
// name=value, or text that is neither. Comments and blank lines are no lines.
type line struct {
	number  int
	raw     string // all of it but its newline, as the Perl script saw it
	section string // where it stands, lower case
	title   string // of a header: the section as it is written
	header  bool   // it opens the section
	broken  bool   // a header that is not [name], a line without name or "="
	name    string // lower case
	value   string
}

// scan cuts a text into lines. Its problems have neither file nor key.
func scan(text []byte) ([]line, Problems) {
	if p := unreadable(text); p != nil {
		return nil, Problems{*p}
	}
	var (
		lines    []line
		problems Problems
		section  string
	)
	for i, raw := range strings.Split(string(text), "\n") {
		l := line{number: i + 1, raw: raw, section: section}
		if len(raw) > maxLineBytes {
			problems = append(problems, Problem{Line: l.number,
				Text:   "the line is longer than 16384 bytes",
				Remedy: "shorten it; if it makes no sense here, this may be another file"})
			continue
		}
		if i == 0 {
			raw = strings.TrimPrefix(raw, byteOrderMark)
		}
		raw = strings.Trim(raw, blanks)
		switch {
		case raw == "" || raw[0] == '#' || raw[0] == ';':
			continue
		case raw[0] == '[':
			l.open(raw)
			section = l.section
		default:
			l.split(raw)
		}
		lines = append(lines, l)
	}
	return lines, problems
}

// unreadable tells why a text is no configuration at all, nil if it is one.
func unreadable(text []byte) *Problem {
	if len(text) > maxFileBytes {
		return &Problem{Text: "the file is larger than 1 MiB", Remedy: "this is hardly a dbsep.conf: name the right file"}
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return &Problem{Line: 1, Text: "the file is in UTF-16", Remedy: "save it as UTF-8"}
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return &Problem{Line: 1 + bytes.Count(text[:at], []byte("\n")),
			Text: "a NUL byte: this is no text file", Remedy: "name the right file, or save it as plain text"}
	}
	return nil
}

// open reads a header, [name], which a comment may follow.
func (l *line) open(text string) {
	name, rest, closed := strings.Cut(text[1:], "]")
	rest = strings.TrimLeft(rest, blanks)
	l.header = true
	l.title = strings.Trim(name, blanks)
	l.section = strings.ToLower(l.title)
	l.broken = !closed || rest != "" && rest[0] != '#' && rest[0] != ';'
}

// split reads name=value at the first "=", as the Perl script did.
func (l *line) split(text string) {
	name, value, found := strings.Cut(text, "=")
	name = strings.TrimRight(name, blanks)
	l.broken = !found || name == ""
	l.name = strings.ToLower(name)
	l.value = strings.TrimLeft(value, blanks)
}
