package config

import (
	"bytes"
	"strings"
)

// No configuration needs more: a larger file is probably another one.
const (
	maxFileBytes = 1 << 20
	maxLineBytes = 16 << 10
)

const byteOrderMark = "\ufeff"

// whitespace is trimmed around names and values. It is of ASCII only, because any
// other byte can be part of a password in some character set.
const whitespace = " \t\r\f\v"

// A line is one line of the file: a header of a section, a name=value, or text that
// is neither. Comments and empty lines are left out.
type line struct {
	number  int
	raw     string // all but the newline, as the Perl script read it
	section string // lower case; empty before the first header
	title   string // of a header: the section as written
	header  bool   // it begins the section
	broken  bool   // a header that is not [name], a line without name or "="
	name    string // lower case
	value   string
}

// scan splits a text into lines. Its problems have neither file nor key.
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
				Text: "the line is longer than 16384 bytes",
				Hint: "shorten it, or name the right file"})
			continue
		}
		if i == 0 {
			raw = strings.TrimPrefix(raw, byteOrderMark)
		}
		raw = strings.Trim(raw, whitespace)
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

// unreadable returns why a text cannot be a configuration, or nil.
func unreadable(text []byte) *Problem {
	if len(text) > maxFileBytes {
		return &Problem{Text: "the file is larger than 1 MiB", Hint: "this is not a dbsep.conf: name the right file"}
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return &Problem{Line: 1, Text: "the file is in UTF-16", Hint: "save it as UTF-8"}
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return &Problem{Line: 1 + bytes.Count(text[:at], []byte("\n")),
			Text: "a NUL byte: this is not a text file", Hint: "name the right file, or save it as plain text"}
	}
	return nil
}

// open reads a header, [name], which a comment may follow.
func (l *line) open(text string) {
	name, rest, closed := strings.Cut(text[1:], "]")
	rest = strings.TrimLeft(rest, whitespace)
	l.header = true
	l.title = strings.Trim(name, whitespace)
	l.section = strings.ToLower(l.title)
	l.broken = !closed || rest != "" && rest[0] != '#' && rest[0] != ';'
}

// split reads name=value at the first "=", as the Perl script did.
func (l *line) split(text string) {
	name, value, found := strings.Cut(text, "=")
	name = strings.TrimRight(name, whitespace)
	l.broken = !found || name == ""
	l.name = strings.ToLower(name)
	l.value = strings.TrimLeft(value, whitespace)
}
