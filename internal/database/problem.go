package database

import "errors"

// A Problem is a mistake in a [Source], or something in it that is read
// otherwise than the Perl script read it. It never holds a password, and never
// a value that might be one.
type Problem struct {
	Key    string // of dbsep.conf: "dsn", "dbuser", "dbpass", "dbschema"
	Text   string // what is wrong
	Remedy string // what mends it
}

func (p *Problem) Error() string {
	if p.Remedy == "" {
		return p.Key + ": " + p.Text
	}
	return p.Key + ": " + p.Text + " (" + p.Remedy + ")"
}

// findings gathers what a look at a Source finds, so that all of it is told at
// once.
type findings struct {
	problems []error
	warnings []Problem
}

// refuse notes a mistake that makes the source unusable.
func (f *findings) refuse(key, text, remedy string) {
	f.problems = append(f.problems, &Problem{key, text, remedy})
}

// warn notes what is worth knowing and stops nothing.
func (f *findings) warn(key, text, remedy string) {
	f.warnings = append(f.warnings, Problem{key, text, remedy})
}

func (f *findings) err() error { return errors.Join(f.problems...) }
