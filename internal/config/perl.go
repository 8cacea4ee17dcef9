package config

import (
	"regexp"
	"strings"
)

// compareWithPerl warns if the Perl script reads another value from a line with one
// of its keys, and if few people expect what both programs read.
//
// The script splits a line at every "=". The first part in lower case is the key,
// the rest, joined, is the value. It trims nothing.
func (p *parser) compareWithPerl(s setting, l line) {
	switch {
	case s.Section != "":
		return
	case s.Key == "backslash_is_escape":
		if l.value != "yes" {
			p.warn(l, s.Key, "dbsep passes every value as a parameter, so the setting no longer matters", "keep it if the Perl script will read the file again")
		}
		return
	}
	for _, d := range differences {
		if d.once && p.crlf || !d.seen(l) {
			continue
		}
		p.crlf = p.crlf || d.once
		p.warn(l, s.Key, d.text, d.hint)
	}
	if quoted(l.value) {
		p.warn(l, s.Key, "the quotes are part of the value, as with the Perl script", "remove them unless they belong to it")
	}
	if s.Key == "dsn" && trailingComment.MatchString(l.value) {
		p.warn(l, s.Key, "what looks like a comment is part of the value, as with the Perl script", "put the comment on a line of its own")
	}
}

// A difference is a way in which the Perl script reads a line differently.
type difference struct {
	seen       func(line) bool
	text, hint string
	once       bool // reported for one line only
}

var differences = []difference{
	{
		seen: func(l line) bool { return strings.HasPrefix(l.raw, byteOrderMark) },
		text: "the Perl script does not find the key after the byte order mark at the beginning of the file",
		hint: "save the file as UTF-8 without a byte order mark",
	}, {
		seen: func(l line) bool {
			raw := strings.TrimPrefix(l.raw, byteOrderMark)
			return raw != strings.TrimLeft(raw, whitespace)
		},
		text: "the Perl script does not find the key after the spaces at the beginning of the line",
		hint: "remove them",
	}, {
		seen: func(l line) bool {
			key, _, _ := strings.Cut(l.raw, "=")
			return key != strings.TrimRight(key, whitespace)
		},
		text: "the Perl script does not find the key because of the spaces before =",
		hint: "remove them",
	}, {
		seen: func(l line) bool {
			_, value, _ := strings.Cut(l.raw, "=")
			value = strings.TrimSuffix(value, "\r")
			return value != strings.Trim(value, whitespace)
		},
		text: "for the Perl script the spaces around the value are part of it, for dbsep they are not",
		hint: "remove them; change a value that needs them",
	}, {
		seen: func(l line) bool { return strings.HasSuffix(l.raw, "\r") },
		text: "the line ends in CR LF; for the Perl script the CR is part of the value, here and in every such line",
		hint: "save the file with Unix line endings",
		once: true,
	}, {
		seen: func(l line) bool { return strings.HasSuffix(l.raw, "=") && l.value != "" },
		text: "the Perl script removes the = at the end of the value, dbsep does not",
		hint: "if the database has the shortened value, remove the trailing = from the line",
	},
}

// quoted reports whether a value is between two quotes.
func quoted(value string) bool {
	if len(value) < 2 {
		return false
	}
	first := value[0]
	return strings.IndexByte("\"'`", first) >= 0 && value[len(value)-1] == first
}

// trailingComment finds what was meant as a comment in a DSN. "a ;host=b" is not
// one: there ; separates parameters.
var trailingComment = regexp.MustCompile(`[ \t](#.*|;[^=]*)$`)
