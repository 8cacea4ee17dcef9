package config

import (
	"regexp"
	"strings"
)

// compare warns where the Perl script would have read another value from a
// line that sets one of its keys, and where its reading and ours agree but
// surprise.
//
// The script split a line at every "=", lower-cased what came first as the key
// and joined the rest as the value. It trimmed nothing.
func (a *arrangement) compare(s setting, l line) {
	switch {
	case s.Section != "":
		return
	case s.Key == "backslash_is_escape":
		if l.value != "yes" {
			a.warn(l, s.Key, "dbsep binds every value, so the setting no longer matters", "keep it if the Perl script is to read the file again")
		}
		return
	}
	for _, d := range differences {
		if d.once && a.crlf || !d.seen(l) {
			continue
		}
		a.crlf = a.crlf || d.once
		a.warn(l, s.Key, d.text, d.remedy)
	}
	if quoted(l.value) {
		a.warn(l, s.Key, "the quotes are part of the value, as with the Perl script", "remove them unless they belong to it")
	}
	if s.Key == "dsn" && trailingComment.MatchString(l.value) {
		a.warn(l, s.Key, "what looks like a comment is part of the value, as with the Perl script", "put the comment on a line of its own")
	}
}

// A difference is one way in which the Perl script read a line otherwise.
type difference struct {
	seen         func(line) bool
	text, remedy string
	once         bool // for one line of a file, since it holds for all of them
}

var differences = []difference{
	{
		seen:   func(l line) bool { return strings.HasPrefix(l.raw, byteOrderMark) },
		text:   "the Perl script did not find the key behind the byte order mark that begins the file",
		remedy: "save the file as UTF-8 without a byte order mark",
	}, {
		seen: func(l line) bool {
			raw := strings.TrimPrefix(l.raw, byteOrderMark)
			return raw != strings.TrimLeft(raw, blanks)
		},
		text:   "the Perl script did not find the key behind the blanks that begin the line",
		remedy: "remove them",
	}, {
		seen: func(l line) bool {
			key, _, _ := strings.Cut(l.raw, "=")
			return key != strings.TrimRight(key, blanks)
		},
		text:   "the Perl script did not find the key because of the blanks before =",
		remedy: "remove them",
	}, {
		seen: func(l line) bool {
			_, value, _ := strings.Cut(l.raw, "=")
			value = strings.TrimSuffix(value, "\r")
			return value != strings.Trim(value, blanks)
		},
		text:   "the Perl script took the blanks around the value as part of it, dbsep does not",
		remedy: "remove them; a value that needs them has to be changed",
	}, {
		seen:   func(l line) bool { return strings.HasSuffix(l.raw, "\r") },
		text:   "the line ends in CR LF; the Perl script took the CR as part of the value, here and in every such line",
		remedy: "save the file with Unix line ends",
		once:   true,
	}, {
		seen:   func(l line) bool { return strings.HasSuffix(l.raw, "=") && l.value != "" },
		text:   "the Perl script lost the = that ends the value, dbsep keeps it",
		remedy: "if the database really knows the shortened value, remove the trailing = from the line",
	},
}

// quoted tells whether a value stands between two quotes.
func quoted(value string) bool {
	if len(value) < 2 {
		return false
	}
	first := value[0]
	return strings.IndexByte("\"'`", first) >= 0 && value[len(value)-1] == first
}

// trailingComment finds what was meant as a comment in a DSN. "a ;host=b" is
// none: there ; separates parameters.
var trailingComment = regexp.MustCompile(`[ \t](#.*|;[^=]*)$`)
