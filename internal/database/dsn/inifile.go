package dsn

import (
	"fmt"
	"iter"
	"os"
	"strings"
)

// maxFileBytes limits the files that a DSN names.
const maxFileBytes = 1 << 20

// ReadFile reads a regular file that is not too large to hold settings.
func ReadFile(path string) (string, error) {
	about, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !about.Mode().IsRegular() || about.Size() > maxFileBytes {
		return "", fmt.Errorf("read %s: not a file of settings", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// A Line is a line of a file with settings in sections. Text is empty in the
// line of a section.
type Line struct {
	Number        int
	Section, Text string
}

// Setting splits a line's text at the equals sign. The kinds of files differ in
// what they make of names and values.
func (l Line) Setting() (name, value string, set bool) {
	name, value, set = strings.Cut(l.Text, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), set
}

// Lines returns the lines of a text without comments and empty lines. comments
// are the characters that a comment begins with.
func Lines(text, comments string) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		var l Line
		for line := range strings.Lines(text) {
			l.Number++
			l.Text = strings.TrimSpace(line)
			if l.Text == "" || strings.IndexByte(comments, l.Text[0]) >= 0 {
				continue
			}
			if l.Text[0] == '[' {
				l.Section, _, _ = strings.Cut(l.Text[1:], "]")
				l.Section, l.Text = strings.TrimSpace(l.Section), ""
			}
			if !yield(l) {
				return
			}
		}
	}
}
