// Package asteriskconf reads and writes Asterisk's configuration files: sections with
// templates, included files and comments.
package asteriskconf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is one configuration file with those that it includes.
type File struct {
	Sections []*Section // as Asterisk has them in memory: without those that are only templates
	Problems []Problem
}

// A Section is [Name] with its lines, those of its templates first. A file may have
// several of a name.
type Section struct {
	File  string
	Line  int
	Name  string
	Lines []Line

	template bool // only others use it
}

// A Line is NAME=VALUE or NAME=>VALUE, with all that NAME+=VALUE added to it.
type Line struct {
	File  string
	Line  int
	Name  string
	Value string
}

// A Problem is a line that Asterisk does not read, or that is not read here.
type Problem struct {
	File   string
	Line   int
	Text   string
	Effect Effect
}

// An Effect is what a [Problem] does to what is read.
type Effect int

const (
	Ignored Effect = iota // Asterisk ignores the line, too
	Unread                // Asterisk may read more here than this package
	Refused               // Asterisk does not read the file, or not the rest of it
)

// Section returns the first section of a name, nil where there is none. Asterisk mostly
// reads no other one.
func (f *File) Section(name string) *Section { return find(f.Sections, name) }

func find(sections []*Section, name string) *Section {
	for _, s := range sections {
		if strings.EqualFold(s.Name, name) {
			return s
		}
	}
	return nil
}

// Last returns the last line with a name, which counts where there may be one only. It is
// nil where there is none.
func (s *Section) Last(name string) *Line {
	if s == nil {
		return nil
	}
	for i := range slices.Backward(s.Lines) {
		if strings.EqualFold(s.Lines[i].Name, name) {
			return &s.Lines[i]
		}
	}
	return nil
}

const (
	maxDepth       = 10       // how deep files may include others, as in Asterisk
	maxLineBytes   = 8190     // of a line; Asterisk ignores longer ones
	maxSectionName = 79       // bytes of a section's name that Asterisk keeps
	maxFiles       = 1000     // that one file includes, with those that they include
	maxBytes       = 64 << 20 // of all of them
	maxLines       = 1 << 20  // of all sections together: templates of templates grow fast
)

// errTooLarge is why a file is not read to its end.
var errTooLarge = fmt.Errorf("more than %d files, %d bytes or %d lines with all that it includes and the lines of its templates",
	maxFiles, maxBytes, maxLines)

// Read reads a file of Asterisk's configuration folder. What it runs (#exec) is not run.
func Read(dir, name string) (*File, error) {
	r := reader{dir: dir}
	if err := r.read(filepath.Join(dir, name)); err != nil {
		return nil, err
	}
	r.Sections = slices.DeleteFunc(r.Sections, func(s *Section) bool { return s.template })
	return &r.File, nil
}

type reader struct {
	File
	dir string

	current *Section // to which the lines of the file belong that is read
	latest  *Section // whose header was read last, in any file
	open    []string // the files that are being read, each included by the one before it
	line    int      // of the last of them
	comment comment
	stop    error // limits are reached

	files, bytes, lines int
}

func (r *reader) problem(effect Effect, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{r.path(), r.line, fmt.Sprintf(format, args...), effect})
}

// path is the file that is read.
func (r *reader) path() string { return r.open[len(r.open)-1] }

var errNotRegular = errors.New("not a regular file")

func (r *reader) read(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if r.files++; r.files > maxFiles {
		return &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	current, line, comment := r.current, r.line, r.comment
	defer func() {
		r.open = r.open[:len(r.open)-1]
		r.current, r.line, r.comment = current, line, comment
	}()
	r.open = append(r.open, path)
	r.current, r.line, r.comment.depth = r.latest, 0, 0
	if err := r.readLines(f); err != nil {
		return err
	}
	if r.comment.depth != 0 {
		r.line = r.comment.line
		r.problem(Ignored, "the comment that begins or ends here goes to the end of the file")
	}
	return nil
}

func (r *reader) readLines(f io.Reader) error {
	lines := bufio.NewReaderSize(f, maxLineBytes+len("\r\n"))
	for {
		text, err := lines.ReadSlice('\n')
		r.line++
		size := len(text)
		for errors.Is(err, bufio.ErrBufferFull) {
			var more []byte
			more, err = lines.ReadSlice('\n')
			size += len(more)
		}
		if r.bytes += size; r.bytes > maxBytes {
			return &fs.PathError{Op: "read", Path: r.path(), Err: errTooLarge}
		}
		if err != nil && err != io.EOF { //nolint:errorlint // a read that failed is another error, which may wrap this one
			return err
		}
		if size > 0 {
			r.readText(text, size)
		}
		if r.stop != nil || err != nil {
			return r.stop
		}
	}
}

// readText reads a line, of which text has the first bytes if it is too long.
func (r *reader) readText(text []byte, size int) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	if size > maxLineBytes+1 || len(text) > maxLineBytes {
		r.problem(Ignored, "the line has more than %d bytes, and Asterisk ignores it", maxLineBytes)
		return
	}
	if r.line == 1 {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	if before, _, cut := bytes.Cut(text, []byte{0}); cut {
		r.problem(Ignored, "Asterisk reads the line up to its NUL byte")
		text = before
	}
	r.readLine(strip(r.comment.remove(string(text), r.line)))
}

// strip removes what Asterisk takes for whitespace at both ends.
func strip(text string) string { return strings.Trim(text, whitespace) }

const whitespace = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
	"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "

func (r *reader) readLine(text string) {
	switch {
	case text == "":
	case text[0] == '#':
		r.directive(text[1:])
	case text[0] == '[':
		r.header(text[1:])
	case r.current == nil:
		r.problem(Refused, "no [section] precedes it")
	default:
		r.variable(text)
	}
}

// directive handles a line such as #include "file".
func (r *reader) directive(text string) {
	word, argument := text, ""
	if i := strings.IndexAny(text, whitespace); i >= 0 {
		word, argument = text[:i], strip(text[i:])
	}
	name := strings.ToLower(word)
	switch name {
	case "include", "tryinclude", "exec":
		if argument == "" {
			r.problem(Ignored, "#%s names no file", name)
			return
		}
	default:
		r.problem(Ignored, "#%s is no directive", word)
		return
	}
	if n := len(argument); n > 1 && (argument[0] == '"' && argument[n-1] == '"' || argument[0] == '<' && argument[n-1] == '>') {
		argument = argument[1 : n-1]
	}
	if name == "exec" {
		r.problem(Unread, "what it runs was not run")
		return
	}
	r.include(argument, name == "include")
}

func (r *reader) include(pattern string, needed bool) {
	if len(r.open) > maxDepth {
		r.problem(Refused, "files include each other more than %d deep", maxDepth)
		return
	}
	if strings.Contains(pattern, "{") {
		r.problem(Unread, "patterns with { are not read; write a line for each file")
		return
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(r.dir, pattern)
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		r.problem(Refused, "%v", err)
		return
	}
	files = slices.DeleteFunc(files, func(file string) bool { // no * stands for a dot at the beginning
		return strings.HasPrefix(filepath.Base(file), ".") && !strings.HasPrefix(filepath.Base(pattern), ".")
	})
	if len(files) == 0 && needed {
		r.problem(Refused, "open %s: %v", pattern, fs.ErrNotExist)
	}
	for _, file := range files {
		if slices.Contains(r.open, file) {
			r.problem(Refused, "%s includes itself", file)
			continue
		}
		switch err := r.read(file); {
		case errors.Is(err, errTooLarge):
			r.stop = err
		case err != nil && (needed || !errors.Is(err, errNotRegular)):
			r.problem(Refused, "%v", err)
		}
	}
}

// header handles what follows the [ of [name], [name](!), [name](template,template),
// [name](+) and [name](+name=value).
func (r *reader) header(text string) {
	name, rest, ok := strings.Cut(text, "]")
	if !ok {
		r.problem(Refused, "] is missing")
		return
	}
	if len(name) > maxSectionName {
		r.problem(Ignored, "the name has more than %d bytes, and Asterisk cuts it", maxSectionName)
		name = name[:maxSectionName]
	}
	s := &Section{File: r.path(), Line: r.line, Name: name}
	if options, has := strings.CutPrefix(rest, "("); has {
		options, _, ok := strings.Cut(options, ")")
		if !ok {
			r.problem(Refused, ") is missing")
			return
		}
		for option := range strings.SplitSeq(options, ",") {
			s = r.option(s, option)
		}
	}
	r.current, r.latest = s, s
	if !slices.Contains(r.Sections, s) {
		r.Sections = append(r.Sections, s)
	}
}

// option applies one of the options in the parentheses behind a name, and returns the
// section to which the lines below belong.
func (r *reader) option(s *Section, option string) *Section {
	filter, adds := strings.CutPrefix(option, "+")
	switch {
	case option == "!":
		s.template = true
	case adds:
		before := r.matching(s.Name, filter)
		if before == nil {
			r.problem(Refused, "there is no [%s] before it to add to", s.Name)
			return s
		}
		if before != s {
			r.inherit(before, s.Lines)
			before.template = before.template || s.template
		}
		return before
	default:
		template := r.template(option)
		switch template {
		case nil:
			r.problem(Refused, "there is no template [%s] before it", option)
		case s:
			r.problem(Refused, "[%s] cannot be a template of itself", option)
		default:
			r.inherit(s, template.Lines)
		}
	}
	return s
}

// template returns the first section of a name, which may be any. Without a name it is
// the first one.
func (r *reader) template(name string) *Section {
	if name == "" && len(r.Sections) > 0 {
		return r.Sections[0]
	}
	return find(r.Sections, name)
}

// inherit adds the lines of one section to another.
func (r *reader) inherit(s *Section, lines []Line) {
	if r.count(len(lines)) {
		s.Lines = append(s.Lines, lines...)
	}
}

// count reports whether so many lines more are within the limit.
func (r *reader) count(more int) bool {
	if r.lines+more > maxLines {
		r.stop = &fs.PathError{Op: "read", Path: r.path(), Err: errTooLarge}
		return false
	}
	r.lines += more
	return true
}

func (r *reader) variable(text string) {
	first := "" // the character behind a \ has no meaning of its own
	if escaped, isEscaped := strings.CutPrefix(text, `\`); isEscaped {
		if escaped == "" || strip(escaped[:1]) == "" {
			r.problem(Refused, `there is nothing behind the \`)
			return
		}
		first, text = escaped[:1], escaped[1:]
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		r.problem(Ignored, "there is no = in it")
		return
	}
	name, adds := strings.CutSuffix(name, "+")
	if !adds {
		value = strings.TrimPrefix(value, ">")
	}
	if name = strip(first + name); name == "" {
		r.problem(Ignored, "there is no name before its =")
		return
	}
	if adds && r.current.add(name, value) {
		return
	}
	if r.count(1) {
		r.current.Lines = append(r.current.Lines, Line{r.path(), r.line, name, strip(value)})
	}
}

// add adds to the value of the last line of a name. It reports false if there is none. The
// line that Asterisk changes is the first that looks like the last one, which may be
// another: names and values look alike in any case, and all values like an empty one.
func (s *Section) add(name, value string) bool {
	for _, last := range slices.Backward(s.Lines) {
		if last.Name != name {
			continue
		}
		i := slices.IndexFunc(s.Lines, func(l Line) bool {
			return strings.EqualFold(l.Name, name) && (last.Value == "" || strings.EqualFold(l.Value, last.Value))
		})
		s.Lines[i].Name, s.Lines[i].Value = name, strip(last.Value+value)
		return true
	}
	return false
}
