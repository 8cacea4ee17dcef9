// Package asteriskconf reads Asterisk's configuration files: sections with templates,
// included files and comments.
package asteriskconf

import (
	"bufio"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is one configuration file with those that it includes.
type File struct {
	Sections []*Section // in the order of the file; those that are only templates, too
	Problems []Problem  // lines that were left out
}

// A Section is [Name] with its lines, those of its templates first.
type Section struct {
	File     string
	Line     int
	Name     string
	Template bool // only others use it
	Lines    []Line
}

// A Line is NAME=VALUE or NAME=>VALUE. What NAME+=VALUE adds to is not looked up.
type Line struct {
	File  string
	Line  int
	Name  string
	Value string
}

// A Problem is a line that Asterisk would not read, or that is not read here.
type Problem struct {
	File string
	Line int
	Text string
}

// Section returns the first section of a name, nil where there is none. Asterisk mostly
// reads no other one.
func (f *File) Section(name string) *Section {
	for _, s := range f.Sections {
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

// maxDepth is how deep files may include others, as in Asterisk.
const maxDepth = 10

// Read reads a file of Asterisk's configuration folder. What it runs (#exec) is not run.
func Read(dir, name string) (*File, error) {
	r := reader{dir: dir}
	if err := r.read(filepath.Join(dir, name), 0); err != nil {
		return nil, err
	}
	return &r.File, nil
}

type reader struct {
	File
	dir string

	current *Section
	name    string // of the file that is read
	line    int
	depth   int
	comment bool // in a comment of several lines
}

func (r *reader) problem(format string, args ...any) {
	r.Problems = append(r.Problems, Problem{r.name, r.line, fmt.Sprintf(format, args...)})
}

func (r *reader) read(path string, depth int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	name, line, comment := r.name, r.line, r.comment
	defer func() { r.name, r.line, r.depth, r.comment = name, line, depth-1, comment }()
	r.name, r.line, r.depth, r.comment = path, 0, depth, false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		r.line++
		r.readLine(strings.TrimSpace(r.withoutComment(lines.Text())))
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// withoutComment is a line without its comments: from ; to its end, and from ;-- to --;,
// which may be lines further down. \; is a semicolon.
func (r *reader) withoutComment(line string) string {
	var text strings.Builder
	for line != "" {
		switch {
		case r.comment:
			_, rest, ends := strings.Cut(line, "--;")
			r.comment = !ends
			line = rest
		case strings.HasPrefix(line, `\;`):
			text.WriteByte(';')
			line = line[2:]
		case strings.HasPrefix(line, ";--") && !strings.HasPrefix(line, ";---"):
			r.comment = true
			line = line[3:]
		case line[0] == ';':
			return text.String()
		default:
			text.WriteByte(line[0])
			line = line[1:]
		}
	}
	return text.String()
}

func (r *reader) readLine(text string) {
	switch {
	case text == "":
	case text[0] == '#':
		r.directive(text[1:])
	case text[0] == '[':
		r.header(text)
	case r.current == nil:
		r.problem("no [section] precedes it")
	default:
		r.variable(text)
	}
}

// directive handles a line such as #include "file".
func (r *reader) directive(text string) {
	word, argument, _ := strings.Cut(text, " ")
	argument = strings.TrimSpace(argument)
	if n := len(argument); n > 1 && (argument[0] == '"' && argument[n-1] == '"' || argument[0] == '<' && argument[n-1] == '>') {
		argument = argument[1 : n-1]
	}
	switch strings.ToLower(word) {
	case "include":
		r.include(argument, true)
	case "tryinclude":
		r.include(argument, false)
	case "exec":
		r.problem("what it runs was not run")
	default:
		r.problem("#%s is no directive", word)
	}
}

func (r *reader) include(pattern string, needed bool) {
	if r.depth == maxDepth {
		r.problem("files include each other more than %d deep", maxDepth)
		return
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(r.dir, pattern)
	}
	files, err := filepath.Glob(pattern)
	if len(files) == 0 && needed {
		r.problem("%v", cmp.Or(err, fmt.Errorf("open %s: %w", pattern, fs.ErrNotExist)))
	}
	for _, file := range files {
		if err := r.read(file, r.depth+1); err != nil {
			r.problem("%v", err)
		}
	}
}

// header handles [name], [name](!), [name](template,template) and [name](+).
func (r *reader) header(text string) {
	name, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		r.problem("] is missing")
		return
	}
	s := &Section{File: r.name, Line: r.line, Name: strings.TrimSpace(name)}
	options, _ := strings.CutPrefix(strings.TrimSpace(rest), "(")
	options, _, _ = strings.Cut(options, ")")
	for option := range strings.SplitSeq(options, ",") {
		switch option = strings.TrimSpace(option); option {
		case "":
		case "!":
			s.Template = true
		case "+":
			if before := r.find(s.Name); before != nil {
				s = before
			} else {
				r.problem("there is no [%s] before it to add to", s.Name)
			}
		default:
			if template := r.find(option); template != nil {
				s.Lines = append(s.Lines, template.Lines...)
			} else {
				r.problem("there is no template [%s] before it", option)
			}
		}
	}
	r.current = s
	if !slices.Contains(r.Sections, s) {
		r.Sections = append(r.Sections, s)
	}
}

// find returns the last section of a name.
func (r *reader) find(name string) *Section {
	for _, s := range slices.Backward(r.Sections) {
		if strings.EqualFold(s.Name, name) {
			return s
		}
	}
	return nil
}

func (r *reader) variable(text string) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		r.problem("there is no = in it")
		return
	}
	name = strings.TrimSpace(strings.TrimSuffix(name, "+"))
	value = strings.TrimSpace(strings.TrimPrefix(value, ">"))
	r.current.Lines = append(r.current.Lines, Line{r.name, r.line, name, value})
}
