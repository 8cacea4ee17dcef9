package dsn

import "errors"

// A Problem is a mistake in a source, or something in it that is read differently
// from how the Perl script read it. It never holds a password, and never a value
// that might be one.
type Problem struct {
	Key  string // of dbsep.conf: "dsn", "dbuser", "dbpass", "dbschema"
	Text string // what is wrong
	Hint string // how to fix it
}

func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Key + ": " + p.Text
	}
	return p.Key + ": " + p.Text + " (" + p.Hint + ")"
}

// Diagnostics are the problems found while a source is read, so that all of them
// are reported at once.
type Diagnostics struct {
	Warnings []Problem
	problems []error
}

// Refuse adds a mistake that makes the source unusable.
func (d *Diagnostics) Refuse(key, text, hint string) {
	d.problems = append(d.problems, &Problem{key, text, hint})
}

// Warn adds what is worth knowing and stops nothing.
func (d *Diagnostics) Warn(key, text, hint string) {
	d.Warnings = append(d.Warnings, Problem{key, text, hint})
}

// Failed reports whether anything was refused.
func (d *Diagnostics) Failed() bool { return len(d.problems) > 0 }

// Err returns what was refused, joined, or nil.
func (d *Diagnostics) Err() error { return errors.Join(d.problems...) }
