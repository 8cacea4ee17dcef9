package database

import (
	"fmt"
	"iter"
	"os"
	"strings"
)

// maxPlain bounds the files that a DSN names, in bytes.
const maxPlain = 1 << 20

// readPlain reads a file that is one, and not too large to be what it is meant
// to be.
func readPlain(path string) (string, error) {
	about, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !about.Mode().IsRegular() || about.Size() > maxPlain {
		return "", fmt.Errorf("read %s: no file of settings", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// An iniLine is a line of a file that has its settings in sections. The text of
// a section's own line is empty.
type iniLine struct {
	number        int
	section, text string
}

// setting takes a line's text apart. The kinds of files differ in what they make
// of names and values.
func (l iniLine) setting() (name, value string, set bool) {
	name, value, set = strings.Cut(l.text, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), set
}

// iniLines are the lines of a text that are no comments. comments are the
// characters that one begins with.
func iniLines(text, comments string) iter.Seq[iniLine] {
	return func(yield func(iniLine) bool) {
		var l iniLine
		for line := range strings.Lines(text) {
			l.number++
			l.text = strings.TrimSpace(line)
			if l.text == "" || strings.IndexByte(comments, l.text[0]) >= 0 {
				continue
			}
			if l.text[0] == '[' {
				l.section, _, _ = strings.Cut(l.text[1:], "]")
				l.section, l.text = strings.TrimSpace(l.section), ""
			}
			if !yield(l) {
				return
			}
		}
	}
}
