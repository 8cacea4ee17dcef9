package transfer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"dbsep/internal/asteriskconf"
	"dbsep/internal/config"
)

// Options say what becomes of files.
type Options struct {
	Table   string // of static files
	Static  bool   // pjsip.conf is a static file, too
	Partial bool   // what the tables cannot have is left out
	Replace bool   // what is there already may be replaced
}

// DefaultTable is the table of static files.
const DefaultTable = "ast_config"

// A Source is a file that was read, as objects of tables.
type Source struct {
	Path  string
	Notes config.Problems // lines that are left out

	objects []*object
}

// An object is what is added or replaced as a whole: a static file, or one of PJSIP's.
type object struct {
	origin asteriskconf.Line // where it begins
	table  string            // that it goes to
	id     string            // the name of the file, or of the section

	sections []*asteriskconf.Section // of a static file
	values   []value                 // of one of PJSIP's
}

// A value is one that a column gets. Several are a list.
type value struct {
	column string
	line   asteriskconf.Line // the last that it comes from
	items  []string
}

// isStatic reports whether the object is a static file.
func (o *object) isStatic() bool { return o.values == nil }

const pjsipFile = "pjsip.conf"

// earlyFiles are those that Asterisk reads before it can ask for a table.
var earlyFiles = []string{"asterisk.conf", "extconfig.conf", "logger.conf"}

// Read reads a file of Asterisk's configuration folder. The error has everything for which
// it cannot become rows.
func Read(path string, o Options) (*Source, error) {
	name := filepath.Base(path)
	for _, early := range earlyFiles {
		if strings.EqualFold(name, early) {
			return nil, config.Problem{File: path, Text: "Asterisk reads this file before it can ask for a table", Hint: "leave it where it is"}
		}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	f, err := asteriskconf.Read(dir, name)
	if err != nil {
		return nil, err
	}
	r := &report{partial: o.Partial}
	for _, p := range f.Problems {
		switch found := (config.Problem{File: p.File, Line: p.Line, Text: p.Text}); p.Effect {
		case asteriskconf.Ignored:
			r.note(found)
		case asteriskconf.Unread:
			r.loss(found)
		case asteriskconf.Refused:
			found.Hint = "Asterisk does not read the file for this, or not to its end"
			r.refuse(found)
		}
	}
	s := &Source{Path: path}
	if name == pjsipFile && !o.Static {
		s.objects = pjsipObjects(f.Sections, r)
	} else {
		s.objects = []*object{staticFile(name, path, o.Table, f.Sections, r)}
	}
	s.Notes = r.notes
	return s, r.err()
}

// A report collects what is wrong with the lines of a file.
type report struct {
	partial        bool
	notes, refused config.Problems
	losses         int
}

// note is about a line that is left out: Asterisk does not read it, either, or it stays in
// the file.
func (r *report) note(p config.Problem) { r.notes = append(r.notes, p) }

// refuse is about a line for which nothing is imported.
func (r *report) refuse(p config.Problem) { r.refused = append(r.refused, p) }

// loss is about a line that Asterisk may read, and that no table can have.
func (r *report) loss(p config.Problem) {
	if r.partial {
		r.note(p)
		return
	}
	r.losses++
	r.refuse(p)
}

var errLosses = errors.New("--partial leaves these lines out")

func (r *report) err() error {
	switch {
	case len(r.refused) == 0:
		return nil
	case len(r.refused) == r.losses:
		return fmt.Errorf("%w\n%w", r.refused, errLosses)
	}
	return r.refused
}

// about is a problem of a line.
func about(l asteriskconf.Line, text, hint string) config.Problem {
	return config.Problem{File: l.File, Line: l.Line, Key: l.Name, Text: text, Hint: hint}
}

// header is the first line of a section.
func header(s *asteriskconf.Section) asteriskconf.Line {
	return asteriskconf.Line{File: s.File, Line: s.Line, Name: "[" + s.Name + "]"}
}
